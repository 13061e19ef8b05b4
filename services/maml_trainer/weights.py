"""Weights as bytes: the safetensors format, written so that the same weights are the same bytes.

The library's own writer puts the metadata in a random order, hence another digest each time; the
format itself is a length, a JSON header and the raw tensors, and any reader of it reads these
bytes, without torch: `safetensors.numpy.load` gives `w1`, `b1`, … and the 0-d `lr.w1`, `lr.b1`, ….
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.numpy import load as load_arrays

from maml_trainer.errors import WeightsMalformed
from maml_trainer.meta import Learned, MetaConfig
from maml_trainer.pool import device_of

LR: Final = "lr."


@dataclass(frozen=True, slots=True)
class Weights:
    """Bytes and their sha256 in hex, the name under which they are stored."""

    data: bytes
    digest: str


def provenance(config: MetaConfig, n_tasks: int, *, device: str = "auto", use_compile: bool = False) -> dict[str, str]:
    """State what a replay of the run must have the same; see `meta_train` for what fixes the bits."""
    home = device_of(device)
    is_gpu = home.type == "cuda"
    return {
        "algorithm": config.algorithm,
        "engine": "torch.func compiled" if use_compile else "torch.func",
        "inner_steps": str(config.inner_steps),
        "n_steps": str(config.n_steps),
        "n_tasks": str(n_tasks),
        "platform": torch.cuda.get_device_name(home) if is_gpu else torch.backends.cpu.get_cpu_capability(),
        "seed": str(config.seed),
        "torch": str(torch.__version__),
    }


def save(learned: Learned, metadata: Mapping[str, str]) -> Weights:
    """Serialise: float32, little-endian, names and metadata sorted.

    Args:
        learned: Tensors on any device; not modified.
        metadata: Free text by name.
    """
    tensors = {**learned.params, **{LR + name: value for name, value in learned.lrs.items()}}
    header: dict[str, object] = {"__metadata__": dict(sorted(metadata.items()))}
    parts: list[bytes] = []
    offset = 0
    for name in sorted(tensors):
        array = tensors[name].detach().cpu().numpy().astype("<f4", order="C")
        parts.append(array.tobytes())
        header[name] = {
            "dtype": "F32",
            "shape": list(array.shape),
            "data_offsets": [offset, offset + array.nbytes],
        }
        offset += array.nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    # The format asks for tensors aligned to 8 bytes: the header is padded with spaces.
    text += b" " * (-len(text) % 8)
    data = len(text).to_bytes(8, "little") + text + b"".join(parts)
    return Weights(data, sha256(data).hexdigest())


def load(data: bytes) -> tuple[Learned, dict[str, str]]:
    """Read what `save` wrote.

    Raises:
        WeightsMalformed: Not safetensors, layers that do not fit each other, a step size missing or
            not positive, or a number that is not finite.
    """
    try:
        arrays = load_arrays(data)
        metadata = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")]).get("__metadata__", {})
    except (SafetensorError, ValueError) as error:
        raise WeightsMalformed(f"not safetensors: {error}") from error
    n_layers = sum(name.startswith("w") for name in arrays)
    names = [f"{kind}{layer}" for layer in range(1, n_layers + 1) for kind in "wb"]
    if not names or sorted(arrays) != sorted([*names, *(LR + name for name in names)]):
        raise WeightsMalformed(f"w1, b1, … and lr.w1, lr.b1, … are needed, found {sorted(arrays)}")
    width = None
    for layer in range(1, n_layers + 1):
        weight, bias = arrays[f"w{layer}"], arrays[f"b{layer}"]
        if weight.ndim != 2 or bias.shape != weight.shape[1:] or width not in (None, weight.shape[0]):
            raise WeightsMalformed(f"layer {layer} has {weight.shape} and {bias.shape} after width {width}")
        width = weight.shape[1]
    for name, array in arrays.items():
        if array.dtype != np.float32 or not np.isfinite(array).all():
            raise WeightsMalformed(f"{name} is not finite float32")
        if name.startswith(LR) and not (array.shape == () and array > 0):
            raise WeightsMalformed(f"{name} is not one positive number")
    tensors = {name: torch.from_numpy(array.copy()) for name, array in arrays.items()}
    return Learned({name: tensors[name] for name in names}, {name: tensors[LR + name] for name in names}), metadata
