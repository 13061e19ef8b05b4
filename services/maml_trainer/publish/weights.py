"""Weights as bytes: the safetensors format, written so that the same weights are the same bytes.

The library's own writer puts the metadata in a random order, hence another digest each time; the
format itself is a length, a JSON header and the raw tensors, and any reader of it reads these
bytes, without torch: `safetensors.numpy.load` gives `w1`, `b1`, … of the network, and what the rule
learned beside them: step sizes `lr.w1`, …, or the prior of the last layer, `prior.noise`, ….
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.numpy import load as load_arrays

from homeostat.services.maml_trainer.errors import WeightsMalformed
from homeostat.services.maml_trainer.meta.algorithms import LR, NOISE, NOISE_FLOOR, PRIOR, Rule
from homeostat.services.maml_trainer.meta.meta_parameters import MetaParameters
from homeostat.services.maml_trainer.meta.network import network_of

_OF_THE_RULE = (LR, PRIOR)
_KINDS = {"i8": "I64", "i4": "I32", "u1": "U8", "b1": "BOOL"}
"""Of the format, by kind and size of an array; all others are F32."""

_FLOOR = "noise_floor"
"""Stated by weights whose noise has its floor in it; earlier ones had it added when they were used."""


@dataclass(frozen=True, slots=True)
class Weights:
    """Bytes and their sha256 in hex, the name under which they are stored."""

    data: bytes
    digest: str


def save(learned: MetaParameters, facts: Mapping[str, str]) -> Weights:
    """Serialise: float32, what is frozen as it is; little-endian, names and metadata sorted.

    Args:
        learned: Tensors on any device; not modified.
        facts: Free text by name, beside the network and rule that are always stated.
    """
    tensors = {**learned.params, **learned.inner}
    stated = {
        **facts,
        "algorithm": learned.rule.algorithm,
        "inner_steps": str(learned.rule.inner_steps),
        "network": json.dumps(learned.network.describe(), sort_keys=True),
    }
    if learned.rule.is_closed_form:
        stated[_FLOOR] = repr(NOISE_FLOOR)
    header: dict[str, object] = {"__metadata__": dict(sorted(stated.items()))}
    parts: list[bytes] = []
    offset = 0
    for name in sorted(tensors):
        array = tensors[name].detach().cpu().numpy()
        kind = _KINDS.get(array.dtype.kind + str(array.dtype.itemsize), "F32")
        array = array.astype("<f4" if kind == "F32" else array.dtype.newbyteorder("<"), order="C")
        parts.append(array.tobytes())
        header[name] = {
            "dtype": kind,
            "shape": list(array.shape),
            "data_offsets": [offset, offset + array.nbytes],
        }
        offset += array.nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    # The format asks for tensors aligned to 8 bytes: the header is padded with spaces.
    text += b" " * (-len(text) % 8)
    data = len(text).to_bytes(8, "little") + text + b"".join(parts)
    return Weights(data, sha256(data).hexdigest())


def load(data: bytes) -> tuple[MetaParameters, dict[str, str]]:
    """Read what `save` wrote.

    Raises:
        WeightsMalformed: Not safetensors, no network or rule stated, tensors that are not its own, or
            a number that is not finite, or not positive where the rule needs it.
        NetworkRefused: The network is a user's module that is not here.
    """
    try:
        arrays = load_arrays(data)
        metadata: dict[str, str] = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")]).get("__metadata__", {})
        network = network_of(json.loads(metadata.get("network", "{}")))
        rule = Rule(metadata.get("algorithm", ""), int(metadata.get("inner_steps", "0")))  # type: ignore[arg-type]  # checked by Rule
    except (SafetensorError, ValueError) as error:
        raise WeightsMalformed(f"not weights: {error}") from error
    own = network.init(0)
    wanted = {**own, **rule.initial(network, own, 1.0)}
    if {name: tuple(tensor.shape) for name, tensor in wanted.items()} != {n: a.shape for n, a in arrays.items()}:
        raise WeightsMalformed(f"{network} under {rule} has {sorted(wanted)}, found {sorted(arrays)} or other shapes")
    for name, array in arrays.items():
        kind = wanted[name].numpy().dtype
        if array.dtype != kind or not np.isfinite(array).all():
            raise WeightsMalformed(f"{name} is not finite {kind}")
        if name.startswith(_OF_THE_RULE) and not (array > 0).all():
            raise WeightsMalformed(f"{name} is not positive")
    tensors = {name: torch.from_numpy(arrays[name].copy()) for name in wanted}
    inner = {name: tensor for name, tensor in tensors.items() if name.startswith(_OF_THE_RULE)}
    if rule.is_closed_form and _FLOOR not in metadata:
        inner[NOISE] = inner[NOISE] + NOISE_FLOOR
    return MetaParameters(network, rule, {name: tensors[name] for name in own}, inner), metadata
