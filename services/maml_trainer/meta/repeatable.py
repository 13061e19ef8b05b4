"""What makes a GPU repeat its bits, as far as torch can.

A CPU repeats them with the same number of threads; a GPU only if its libraries are told to choose the
same kernels every time.
"""

import os
from typing import Final

import torch

_WORKSPACE: Final = "CUBLAS_WORKSPACE_CONFIG"
# One of the two that cuBLAS documents as repeatable; the other is slower.
_WORKSPACE_SIZE: Final = ":4096:8"


def make_repeatable(home: torch.device) -> None:
    """Set torch's switches for a GPU, for the whole process; nothing for a CPU.

    Before the first product on the GPU: cuBLAS reads its workspace when its handle is made. What has no
    repeatable form is warned of by torch, and goes on.

    Source: torch's notes on reproducibility.
    """
    if home.type != "cuda":
        return
    os.environ.setdefault(_WORKSPACE, _WORKSPACE_SIZE)
    torch.backends.cudnn.deterministic = True
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.use_deterministic_algorithms(True, warn_only=True)


def switches(home: torch.device) -> dict[str, str]:
    """State how the switches are now, for the record: of a GPU; a CPU has the number of its threads."""
    if home.type != "cuda":
        return {"threads": str(torch.get_num_threads())}
    return {
        "cublas_workspace": os.environ.get(_WORKSPACE, ""),
        "cudnn_benchmark": str(torch.backends.cudnn.benchmark),
        "cudnn_deterministic": str(torch.backends.cudnn.deterministic),
        "deterministic_algorithms": str(torch.are_deterministic_algorithms_enabled()),
        "tf32": str(torch.backends.cudnn.allow_tf32 or torch.backends.cuda.matmul.allow_tf32),
    }
