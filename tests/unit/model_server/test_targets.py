"""What any form of the embedded target keeps to."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from homeostat.artifacts import ArtifactStore
from homeostat.core import Reject
from homeostat.services.model_server.local import LocalTarget
from homeostat.services.model_server.router import Router
from homeostat.services.rollout_actuator.targets.base import RolloutTarget
from homeostat.services.rollout_actuator.targets.embedded import EmbeddedTarget
from homeostat.serving import Deployment
from homeostat.serving.state_file import StateFile, StateFileUnreadable

MODEL = "dock/camera-1"
X = np.zeros((4, 2), np.float32)
IDS = ["1", "2", "3", "4"]
Put = Callable[[Router], LocalTarget | EmbeddedTarget]


class TestTarget:
    """One class for both forms."""

    @pytest.fixture
    def router(self, store: ArtifactStore, tmp_path: Path) -> Router:
        return Router(store, StateFile(tmp_path / "state" / "server.json"))

    @pytest.fixture
    def target(self, served_by: Put, router: Router) -> LocalTarget | EmbeddedTarget:
        return served_by(router)

    @pytest.fixture
    def said(self, target: LocalTarget | EmbeddedTarget) -> Callable[[], list[int]]:
        return lambda: target.predict(MODEL, IDS, X).served.prediction

    @pytest.fixture
    def digests(self, store: ArtifactStore, constant: Callable[[int], bytes]) -> dict[str, str]:
        return {f"says-{label}": store.put(constant(label)) for label in range(3)}

    def set(self, target: RolloutTarget, digests: dict[str, str], label: int, sequence: str, source: str = "g") -> bool:
        version = f"says-{label}"
        return target.apply(MODEL, Deployment(source, sequence, version, artifacts={version: digests[version]}))

    def test_what_was_set_serves(
        self, target: RolloutTarget, digests: dict[str, str], said: Callable[[], list[int]]
    ) -> None:
        """The champion answers from the moment `apply` returns."""
        assert self.set(target, digests, 1, "1")

        assert said() == [1] * 4

    def test_a_lower_sequence_never_acts(
        self, target: RolloutTarget, digests: dict[str, str], said: Callable[[], list[int]]
    ) -> None:
        """A command that comes after a later one changes nothing and says so."""
        self.set(target, digests, 1, "2")

        assert not self.set(target, digests, 2, "1")

        assert said() == [1] * 4

    def test_a_repeated_sequence_acts_once(
        self, target: RolloutTarget, digests: dict[str, str], said: Callable[[], list[int]]
    ) -> None:
        """A command that is given again is set already, even where somebody else has acted since."""
        self.set(target, digests, 1, "2")
        self.set(target, digests, 2, "1", source="/people/ross")

        assert self.set(target, digests, 1, "2")

        assert said() == [2] * 4

    def test_a_new_incarnation_of_the_log_counts_from_the_start(
        self, target: RolloutTarget, digests: dict[str, str], said: Callable[[], list[int]]
    ) -> None:
        """Sequences of different sources do not compare."""
        self.set(target, digests, 1, "9")

        assert self.set(target, digests, 2, "1", source="another")

        assert said() == [2] * 4

    def test_a_refused_deployment_leaves_what_serves(
        self, target: RolloutTarget, digests: dict[str, str], said: Callable[[], list[int]], store: ArtifactStore
    ) -> None:
        """Missing, broken and unknown artifacts are refused; the same sequence may be tried again."""
        self.set(target, digests, 1, "1")
        for artifacts in ({}, {"new": "0" * 64}, {"new": store.put(b"no weights")}):
            with pytest.raises(Reject):
                target.apply(MODEL, Deployment("g", "2", "new", artifacts=artifacts))

        assert said() == [1] * 4
        assert self.set(target, digests, 2, "2")

    def test_a_version_it_knows_needs_no_digest(
        self, target: RolloutTarget, digests: dict[str, str], said: Callable[[], list[int]]
    ) -> None:
        """A version that was unloaded can be reverted to by its name."""
        self.set(target, digests, 1, "1")
        self.set(target, digests, 2, "2")

        target.apply(MODEL, Deployment("g", "3", "says-1"))

        assert said() == [1] * 4

    def test_versions_without_a_role_are_unloaded(
        self, target: LocalTarget | EmbeddedTarget, digests: dict[str, str]
    ) -> None:
        """The deployment names what is loaded, and nothing else."""
        target.apply(MODEL, Deployment("g", "1", "says-0", "says-1", 0.5, ("says-2",), digests))
        target.apply(MODEL, Deployment("g", "2", "says-1"))

        assert target.deployment(MODEL).artifacts == {"says-1": digests["says-1"]}
        assert target.predict(MODEL, IDS, X).mirrored == {}

    def test_a_restart_serves_the_same(
        self, target: RolloutTarget, digests: dict[str, str], served_by: Put, store: ArtifactStore, tmp_path: Path
    ) -> None:
        """Deployment and fences come back from the file."""
        target.apply(MODEL, Deployment("g", "5", "says-0", "says-1", 1.0, ("says-2",), digests))

        again = served_by(Router(store, StateFile(tmp_path / "state" / "server.json")))

        answers = again.predict(MODEL, IDS, X)
        assert answers.served.version == ["says-1"] * 4
        assert {version: mirrored.prediction for version, mirrored in answers.mirrored.items()} == {
            "says-0": [0] * 4,
            "says-2": [2] * 4,
        }
        assert not self.set(again, digests, 2, "4")

    def test_models_are_apart(self, target: LocalTarget | EmbeddedTarget, digests: dict[str, str]) -> None:
        """What is set for one model is unknown to another."""
        self.set(target, digests, 1, "1")

        with pytest.raises(Reject, match="model_unknown"):
            target.predict("dock/camera-2", IDS, X)

    def test_inputs_of_another_width_are_refused(
        self, target: LocalTarget | EmbeddedTarget, digests: dict[str, str]
    ) -> None:
        """A batch fits the model or gets no answer."""
        self.set(target, digests, 1, "1")

        with pytest.raises(Reject, match="batch_invalid"):
            target.predict(MODEL, IDS, np.zeros((4, 3), np.float32))

    def test_versions_of_different_widths_do_not_serve_together(
        self, target: RolloutTarget, store: ArtifactStore, constant: Callable[..., bytes]
    ) -> None:
        """A shadow that could not be mirrored to is refused before it is loaded."""
        artifacts = {"a": store.put(constant(0)), "b": store.put(constant(0, 5))}

        with pytest.raises(Reject, match="artifact_unusable"):
            target.apply(MODEL, Deployment("g", "1", "a", shadows=("b",), artifacts=artifacts))


def test_a_damaged_state_file_stops_the_server(store: ArtifactStore, tmp_path: Path) -> None:
    """What cannot be read is not guessed."""
    path = tmp_path / "server.json"
    path.write_text("{")

    with pytest.raises(StateFileUnreadable):
        Router(store, StateFile(path))


def test_a_version_has_one_role() -> None:
    """A deployment that contradicts itself cannot be made."""
    with pytest.raises(ValueError, match="two roles"):
        Deployment("g", "1", "a", "a")
    with pytest.raises(ValueError, match="without a canary"):
        Deployment("g", "1", "a", weight=0.1)
