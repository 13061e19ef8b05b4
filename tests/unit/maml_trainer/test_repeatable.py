"""The switches that make a GPU repeat its bits."""

import os
from collections.abc import Iterator

import pytest
import torch

from homeostat.services.maml_trainer.meta.repeatable import make_repeatable, switches

GPU = torch.device("cuda")


@pytest.fixture
def untouched(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Put torch's switches back."""
    backends = torch.backends
    before = backends.cudnn.deterministic, backends.cudnn.benchmark, backends.cudnn.allow_tf32
    matmul = backends.cuda.matmul.allow_tf32
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", "")
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG")
    yield
    backends.cudnn.deterministic, backends.cudnn.benchmark, backends.cudnn.allow_tf32 = before
    backends.cuda.matmul.allow_tf32 = matmul
    torch.use_deterministic_algorithms(False)


@pytest.mark.usefixtures("untouched")
def test_a_gpu_is_told_to_repeat_itself() -> None:
    """Fixed kernels, no 19-bit products, a fixed workspace; and the record says what was set, not what was meant."""
    torch.backends.cudnn.benchmark = True
    torch.backends.cuda.matmul.allow_tf32 = True

    make_repeatable(GPU)

    assert switches(GPU) == {
        "cublas_workspace": ":4096:8",
        "cudnn_benchmark": "False",
        "cudnn_deterministic": "True",
        "deterministic_algorithms": "True",
        "tf32": "False",
    }


@pytest.mark.usefixtures("untouched")
def test_a_cpu_is_left_alone() -> None:
    """Its bits depend on the number of threads, which is stated."""
    make_repeatable(torch.device("cpu"))

    assert "CUBLAS_WORKSPACE_CONFIG" not in os.environ
    assert not torch.are_deterministic_algorithms_enabled()
    assert switches(torch.device("cpu")) == {"threads": "1"}
