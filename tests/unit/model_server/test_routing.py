"""Who answers which request."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import save

from homeostat.services.model_server.predictor import ArtifactUnusable, Network, load_network
from homeostat.services.model_server.routing import answer
from homeostat.serving import Deployment
from homeostat.serving.canary import canary_rows

REQUESTS = [f"request-{i}" for i in range(4000)]
FEW = st.lists(st.text(max_size=6), min_size=1, max_size=20, unique=True)


def network(seed: int, n_inputs: int = 4, n_hidden: int = 8, n_classes: int = 3) -> Network:
    rng = np.random.default_rng(seed)
    shapes = {"w1": (n_inputs, n_hidden), "w2": (n_hidden, n_classes), "b1": (n_hidden,), "b2": (n_classes,)}
    return Network({name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()})


def deployment(weight: float, canary: str | None = "b", shadows: tuple[str, ...] = ("c",)) -> Deployment:
    return Deployment("s", "1", champion="a", canary=canary, weight=weight, shadows=shadows)


NETWORKS = {name: network(seed) for seed, name in enumerate("abc")}


@pytest.mark.parametrize("weight", [0.0, 0.1, 0.5, 1.0])
def test_the_canary_gets_its_weight(weight: float) -> None:
    """The share of 4,000 requests is the weight, within four standard errors of a fair draw."""
    share = canary_rows("s/m", REQUESTS, weight).mean()

    assert abs(share - weight) <= 4 * np.sqrt(weight * (1 - weight) / len(REQUESTS))


@given(FEW, st.floats(0, 1), st.floats(0, 1))
def test_a_request_stays_with_the_canary_as_its_weight_grows(request_ids: list[str], one: float, other: float) -> None:
    """The rows of a lower weight are among the rows of a higher one."""
    low, high = (canary_rows("s/m", request_ids, weight) for weight in sorted((one, other)))

    assert not (low & ~high).any()


def test_models_draw_apart() -> None:
    """The same requests go other ways for another model."""
    assert (canary_rows("s/m", REQUESTS, 0.5) != canary_rows("s/n", REQUESTS, 0.5)).any()


@given(FEW, st.sampled_from([0.0, 0.3, 1.0]))
def test_every_version_answers_every_row_once(request_ids: list[str], weight: float) -> None:
    """Served and mirrored rows of a version are together all rows, and its own predictions."""
    x = np.random.default_rng(0).normal(size=(len(request_ids), 4)).astype(np.float32)

    answers = answer("s/m", deployment(weight), NETWORKS, request_ids, x)

    for version, own in NETWORKS.items():
        said = {
            row: label
            for row, (by, label) in enumerate(zip(answers.served.version, answers.served.prediction, strict=True))
            if by == version
        }
        mirrored = answers.mirrored.get(version)
        if mirrored is not None:
            assert not said.keys() & set(mirrored.rows)
            said |= dict(zip(mirrored.rows, mirrored.prediction, strict=True))
        assert [said[row] for row in range(len(request_ids))] == own.predict(x)[0].tolist()


def test_nobody_is_served_by_a_shadow() -> None:
    """Shadows and a canary without weight only mirror."""
    x = np.zeros((3, 4), np.float32)

    answers = answer("s/m", deployment(0.0), NETWORKS, ["1", "2", "3"], x)

    assert answers.served.version == ["a"] * 3
    assert {version: mirrored.role for version, mirrored in answers.mirrored.items()} == {"b": "canary", "c": "shadow"}


def test_a_lone_champion_mirrors_nothing() -> None:
    """Without canary and shadows there is one answer to a request."""
    answers = answer("s/m", deployment(0.0, None, ()), NETWORKS, ["1"], np.zeros((1, 4), np.float32))

    assert answers.mirrored == {}
    assert answers.roles == {"a": "champion"}


def test_the_score_is_the_softmax_of_the_label() -> None:
    """The confidence equals exp(top) / sum exp, and survives logits that would overflow."""
    layer = np.array([[1.0, 0.0], [0.0, 1.0]], np.float32)
    own = Network({"w1": layer, "b1": np.zeros(2, np.float32)})

    label, score = own.predict(np.array([[0.0, 1.0], [500.0, 0.0]], np.float32))

    assert label.tolist() == [1, 0]
    assert score == pytest.approx([np.e / (1 + np.e), 1.0])


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"w1": None}, "it has"),
        ({"w3": np.zeros((3, 3), np.float32)}, "it has"),
        ({"b1": np.zeros(5, np.float32)}, "layer 1"),
        ({"w2": np.zeros((7, 3), np.float32)}, "layer 2"),
        ({"b2": np.array([0, np.nan, 0], np.float32)}, "not finite"),
        ({"w2": np.zeros((8, 1), np.float32), "b2": np.zeros(1, np.float32)}, "two outputs"),
    ],
)
def test_tensors_that_are_no_classifier_are_refused(change: dict[str, np.ndarray | None], why: str) -> None:
    """Names, shapes and numbers are checked before anything is served."""
    tensors = dict(network(0).layers) | change
    content = save({name: tensor for name, tensor in tensors.items() if tensor is not None})

    with pytest.raises(ArtifactUnusable, match=why):
        load_network(content)


@given(st.binary(max_size=40))
def test_bytes_that_are_no_tensors_are_refused(content: bytes) -> None:
    """Nothing but a refusal comes of arbitrary bytes."""
    with pytest.raises(ArtifactUnusable):
        load_network(content)


def test_weights_survive_the_round_trip() -> None:
    """A network reads its own tensors back."""
    own = network(3)

    again = load_network(save(dict(own.layers)))

    assert again.layers.keys() == own.layers.keys()
    assert all((again.layers[name] == tensor).all() for name, tensor in own.layers.items())
