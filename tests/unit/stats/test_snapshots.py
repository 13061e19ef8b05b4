"""Statistics live in the states of folds: a snapshot loses nothing."""

import numpy as np

from homeostat.codec.state import decode_state, encode_state
from homeostat.stats import BayesianLinear, Draws, PairedEProcess, ZPageHinkley


def test_paired_e_process_survives_a_snapshot() -> None:
    """What comes back is equal."""
    process = PairedEProcess().observe([1, 1, 0, 1], [0, 0, 1, 1])

    assert decode_state(encode_state(process), PairedEProcess) == process


def test_page_hinkley_survives_a_snapshot() -> None:
    """A restored detector goes on to the same bytes."""
    detector = ZPageHinkley.start(4, reference=12, delta=0.5, threshold=12.0, z_limit=5.0)
    for x in Draws("snapshot").normal(80).reshape(20, 4):
        detector.update(x)

    restored = decode_state(encode_state(detector), ZPageHinkley)
    detector.update(np.ones(4))
    restored.update(np.ones(4))

    assert encode_state(restored) == encode_state(detector)


def test_bayesian_linear_survives_a_snapshot() -> None:
    """A restored posterior goes on to the same bytes."""
    model = BayesianLinear.prior(np.zeros(3), sd=1.0, noise_sd=0.5)
    model.observe(np.ones(3), 2.0)

    restored = decode_state(encode_state(model), BayesianLinear)
    model.observe(np.arange(3.0), 1.0)
    restored.observe(np.arange(3.0), 1.0)

    assert encode_state(restored) == encode_state(model)
