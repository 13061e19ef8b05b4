"""New characters from 1 and 5 drawings: accuracy on alphabets that were never trained on.

A folder holds one or more `.npz` of images with the class and the alphabet of each. Some alphabets are held out for the
test, some for the hand's gate; the rest go through the hand as one recorded task each, from which it draws episodes.
What it publishes is adapted to new episodes by the trainer's own code.
"""

import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from homeostat.artifacts import open_store
from homeostat.events import Episodes, MetaTraining
from homeostat.services.maml_trainer.backbones import Conv
from homeostat.services.maml_trainer.data.batch import Batch
from homeostat.services.maml_trainer.data.episode_sampler import EpisodeSampler
from homeostat.services.maml_trainer.data.tasks import Task
from homeostat.services.maml_trainer.meta.evaluate import few_shot
from homeostat.services.maml_trainer.meta.meta_parameters import MetaParameters
from homeostat.services.maml_trainer.meta.network import Network
from homeostat_lab.evaluation.few_shot_baselines import pretrain, tuned
from homeostat_lab.evaluation.meta_training import NotPublished, Trained, log_of, task_recorded, train
from homeostat_lab.evaluation.rows import OURS, Job, Plot, Result, Row, mean_row

_TASK: Final = "few-shot"
SETTINGS: Final = ((5, 1), (5, 5), (20, 1), (20, 5))
"""Ways and shots."""

N_EPISODES: Final = 600
N_STEPS: Final = 25_000
"""Outer steps: 4 to 9 CPU minutes on one thread, by how busy the machine is."""

_QUERIES: Final = 3
_WAYS: Final = 20
"""More than the test's 5: harder episodes teach more per image (Snell et al. 2017 train with 20 or 60)."""

_TEST_SHARE: Final = 0.2
_GATE_SHARE: Final = 0.1
_FINE_TUNE_STEPS: Final = 50


@dataclass(frozen=True, slots=True)
class Alphabet:
    """Drawings of one alphabet.

    Args:
        name: Unique.
        x: Pixels (n, d) in [0, 1].
        y: Character, from 0 (n,).
        drawer: Who drew it (n,).
    """

    name: str
    x: NDArray[np.float32]
    y: NDArray[np.int64]
    drawer: NDArray[np.int64]

    def task(self) -> Task:
        """Half of the drawers as support, the others as query."""
        first = self.drawer % 2 == 0
        return Task(self.name, self.x[first], self.y[first], self.x[~first], self.y[~first])


def evaluate(job: Job) -> Result:
    """Train once per seed on other alphabets, test on the held-out ones.

    With one seed the intervals are over episodes, with several over seeds. Where the hand keeps its weights to itself
    our rows are NaN, and a note says why.
    """
    found: dict[tuple[str, str, str], list[list[float]]] = {}
    notes: list[str] = []
    for seed in range(job.seeds):
        for metric, setting, method, values in _seed(job, seed, notes):
            found.setdefault((metric, setting, method), []).append(values)
    rows = [
        mean_row(_TASK, metric, setting, method, runs[0] if len(runs) == 1 else [_mean(run) for run in runs])
        for (metric, setting, method), runs in found.items()
    ]
    notes.append(
        "training CPU seconds: ours from the command to the weights, the gate included; the baseline's with its tuning"
    )
    notes.append("queries: 5 drawings a class, 2 where there are 20 classes")
    return Result(rows, [_plot(rows, ways) for ways in sorted({ways for ways, _ in SETTINGS})], notes)


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if values else float("nan")


def _seed(job: Job, seed: int, notes: list[str]) -> Iterator[tuple[str, str, str, list[float]]]:
    alphabets, image = read(job.folder("omniglot"))
    test, gate, training = split(alphabets, seed)
    job.say(f"seed {seed}: {len(training)} alphabets to train on, {len(gate)} for the gate, {len(test)} for the test")
    trained: Trained | None = None
    try:
        trained = _trained(job, training, gate, image, seed)
    except NotPublished as rejected:
        notes.append(f"seed {seed}: {rejected}")
    yield "training CPU seconds", f"{N_STEPS} outer steps", OURS, [trained.cpu_seconds] if trained else []
    began = time.process_time()
    baseline = _baseline(training, gate, image, seed)
    yield "training CPU seconds", "equal images", "pretrain + fine-tune", [time.process_time() - began]
    tasks = [alphabet.task() for alphabet in test]
    for ways, shots in SETTINGS:
        setting = _setting(ways, shots)
        job.say(f"seed {seed}: {setting}")
        episodes = drawn(tasks, ways, shots, seed)
        yield "accuracy", setting, OURS, _accuracies(trained.learned, episodes) if trained else []
        yield "accuracy", setting, "pretrain + fine-tune", _accuracies(baseline, episodes)
        yield "accuracy", setting, "nearest centroid", nearest_centroid(episodes)


def _setting(ways: int, shots: int) -> str:
    return f"{ways}-way {shots}-shot"


def _plot(rows: Sequence[Row], ways: int) -> Plot:
    shots = [shots for of, shots in SETTINGS if of == ways]
    values = {(row.method, row.setting): row.value for row in rows if row.metric == "accuracy"}
    lines: dict[str, tuple[Sequence[float], Sequence[float]]] = {
        method: (shots, [values[method, _setting(ways, one)] for one in shots]) for method, _ in values
    }
    return Plot(f"{ways} characters never seen: share told apart", "drawings of each", "accuracy", lines)


def read(folder: Path) -> tuple[list[Alphabet], tuple[int, int, int]]:
    """Read every set of drawings of a folder: all `.npz` with square images, a class and an alphabet for each.

    Returns:
        Alphabets, sorted by name, and channels, height and width of an image.

    Raises:
        FileNotFoundError: There is none.
    """
    found: dict[str, Alphabet] = {}
    side = 0
    for path in sorted(folder.glob("*.npz")):
        with np.load(path, allow_pickle=False) as data:
            names = [name for name in data.files if data[name].ndim == 3]
            if not names or not {"char_id", "alphabet_id", "drawer"} <= set(data.files):
                continue
            images, characters, alphabets = data[names[0]], data["char_id"], data["alphabet_id"]
            side = images.shape[1]
            x = (images.reshape(len(images), -1) / np.float32(255)).astype(np.float32)
            for number in np.unique(alphabets):
                at = alphabets == number
                name = f"{path.stem}-{int(number):03d}"
                labels = np.unique(characters[at], return_inverse=True)[1].astype(np.int64)
                found[name] = Alphabet(name, x[at], labels, data["drawer"][at].astype(np.int64))
    if not found:
        raise FileNotFoundError(f"no .npz with images, char_id, alphabet_id and drawer in {folder}")
    return [found[name] for name in sorted(found)], (1, side, side)


def split(alphabets: list[Alphabet], seed: int) -> tuple[list[Alphabet], list[Alphabet], list[Alphabet]]:
    """Deal the alphabets out: test, gate, training."""
    order = np.random.default_rng([seed, 7]).permutation(len(alphabets))
    n_test = max(2, round(_TEST_SHARE * len(alphabets)))
    n_gate = max(2, round(_GATE_SHARE * len(alphabets)))
    parts = (order[:n_test], order[n_test : n_test + n_gate], order[n_test + n_gate :])
    test, gate, training = ([alphabets[i] for i in sorted(part)] for part in parts)
    return test, gate, training


def drawn(tasks: list[Task], ways: int, shots: int, seed: int) -> Batch:
    """Draw the test's episodes; one query drawing per class where there are many classes, to keep them small.

    Args:
        tasks: Of the test half.
        ways: Classes of an episode.
        shots: Labelled examples per class.
        seed: Of the drawing.
    """
    pool = EpisodeSampler(tasks, ways, n_queries=5 if ways < _WAYS else 2, max_shots=shots)
    return pool.draw(np.random.default_rng([seed, ways, shots]), N_EPISODES, shots)


def nearest_centroid(episodes: Batch) -> list[float]:
    """Score the mean image of each class: what the pixels alone give."""
    accuracies = []
    for i in range(len(episodes.support_x)):
        x, y, query, truth = (
            tensor[i].numpy() for tensor in (episodes.support_x, episodes.support_y, episodes.query_x, episodes.query_y)
        )
        centroids = y.T @ x / y.sum(axis=0)[:, None]
        distances = ((query[:, None, :] - centroids[None]) ** 2).sum(axis=-1)
        accuracies.append(float((distances.argmin(axis=1) == truth.argmax(axis=1)).mean()))
    return accuracies


def _trained(
    job: Job, training: list[Alphabet], gate: list[Alphabet], image: tuple[int, int, int], seed: int
) -> Trained:
    with tempfile.TemporaryDirectory(prefix="homeostat-") as folder:
        root = Path(folder)
        store = open_store(root / "artifacts")
        log = log_of(
            [
                task_recorded(
                    alphabet.name,
                    ((task := alphabet.task()).support_x, task.support_y),
                    (task.query_x, task.query_y),
                    store,
                    n_classes=int(alphabet.y.max()) + 1,
                    is_held_out=is_held_out,
                )
                for is_held_out, part in ((False, training), (True, gate))
                for alphabet in part
            ]
        )
        spec = MetaTraining(
            window=log.window,
            n_steps=N_STEPS,
            seed=seed,
            episodes=Episodes(ways=_WAYS, shots=(1,), queries=_QUERIES, per_step=1, turned=True),
            image=image,
        )
        return train(log, spec, store, job.say, workdir=root / "work")


def _baseline(training: list[Alphabet], gate: list[Alphabet], image: tuple[int, int, int], seed: int) -> MetaParameters:
    """Classify all training characters at once, then fit a new last layer to each episode.

    The same network sees as many images; the step size is tuned on the gate's alphabets.

    Source: Chen et al. 2019, "A closer look at few-shot classification": their Baseline.
    """
    tasks, n_classes = [], 0
    for alphabet in training:
        task = alphabet.task()
        tasks.append(
            Task(task.task_id, task.support_x, task.support_y + n_classes, task.query_x, task.query_y + n_classes)
        )
        n_classes += int(alphabet.y.max()) + 1
    n_rows = _WAYS * (1 + _QUERIES)
    classifier = Network(Conv(image), n_classes)
    pooled = pretrain(tasks, classifier, seed, n_steps=N_STEPS, n_rows=n_rows)
    network = Network(Conv(image), 1)
    weight, bias = network.head
    pooled[weight], pooled[bias] = pooled[weight].new_zeros(network.backbone.n_features, 1), pooled[bias].new_zeros(1)
    few = [drawn([alphabet.task() for alphabet in gate], 5, 1, seed).part(0, 100)]
    return tuned(network, pooled, few, _FINE_TUNE_STEPS, is_head_only=True)


def _accuracies(start: MetaParameters, episodes: Batch) -> list[float]:
    found = few_shot(start, episodes).accuracies
    assert found is not None
    return [float(value) for value in found]
