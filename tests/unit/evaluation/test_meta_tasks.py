"""Sine waves and drawn characters through the hand: small, end to end, on made-up data."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from homeostat.events import MetaTraining
from homeostat.services.maml_trainer.data.batch import Batch
from homeostat_lab.evaluation import few_shot, meta_training, report, sinusoid
from homeostat_lab.evaluation.meta_training import NotPublished, TasksLog, Trained
from homeostat_lab.evaluation.rows import OURS, Job, Row


def alphabets(folder: Path, *, n_alphabets: int = 13, side: int = 8) -> None:
    """Write characters that are a random pattern each, drawn with noise, in the shape of Omniglot's files."""
    generator = np.random.default_rng(0)
    rows = [(a, c, d) for a in range(n_alphabets) for c in range(12) for d in range(8)]
    patterns = generator.random((n_alphabets, 12, side, side)) < 0.3
    images = np.stack([patterns[a, c] ^ (generator.random((side, side)) < 0.05) for a, c, _ in rows])
    numbers = np.array(rows)
    folder.mkdir()
    np.savez(
        folder / "some_set.npz",
        images8=(255 * images).astype(np.uint8),
        packed=np.zeros((len(rows), 3), np.uint8),
        alphabet_id=numbers[:, 0].astype(np.int8),
        char_id=(12 * numbers[:, 0] + numbers[:, 1]).astype(np.int16),
        drawer=numbers[:, 2].astype(np.int8),
    )


def by(rows: list[Row], metric: str) -> dict[tuple[str, str], Row]:
    """Index the rows of a metric by setting and method."""
    return {(row.setting, row.method): row for row in rows if row.metric == metric}


def test_alphabets_are_dealt_out_without_overlap(tmp_path: Path) -> None:
    """Test, gate and training share none; another seed deals otherwise; labels start at 0 in each."""
    alphabets(tmp_path / "omniglot")
    found, image = few_shot.read(tmp_path / "omniglot")

    test, gate, training = few_shot.split(found, 0)

    names = [alphabet.name for part in (test, gate, training) for alphabet in part]
    assert image == (1, 8, 8)
    assert sorted(names) == [alphabet.name for alphabet in found]
    assert len(set(names)) == 13
    assert [len(test), len(gate)] == [3, 2]
    assert [a.name for a in few_shot.split(found, 1)[0]] != [a.name for a in test]
    assert all(set(alphabet.y) == set(range(12)) for alphabet in found)


def test_a_folder_without_drawings_says_so(tmp_path: Path) -> None:
    """With what is looked for."""
    with pytest.raises(FileNotFoundError, match="char_id"):
        few_shot.read(tmp_path)


def test_the_nearest_centroid_is_the_mean_of_a_class() -> None:
    """Two classes on a line, two shots each: the middle of their means divides them."""
    x = torch.tensor([[[0.0], [2.0], [9.0], [11.0]]])
    y = torch.eye(2).repeat_interleave(2, dim=0)[None]
    query, truth = torch.tensor([[[5.4], [5.6]]]), torch.eye(2)[None]
    ones = torch.ones(1, 4)

    assert few_shot.nearest_centroid(Batch(x, y, ones, query, truth, ones[:, :2])) == [1.0]
    assert few_shot.nearest_centroid(Batch(x, y, ones, query.flip(1), truth, ones[:, :2])) == [0.0]


def test_characters_go_through_the_hand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some steps on patterns: rows for each setting and method, in range, ours far above chance (20 %)."""
    alphabets(tmp_path / "omniglot")
    monkeypatch.setattr(few_shot, "N_STEPS", 100)
    monkeypatch.setattr(few_shot, "N_EPISODES", 20)
    monkeypatch.setattr(few_shot, "_FINE_TUNE_STEPS", 3)

    result = few_shot.evaluate(Job(tmp_path, 1, lambda _: None))

    accuracy = by(result.rows, "accuracy")
    assert len(accuracy) == 12
    assert all(0 <= row.low <= row.value <= row.high <= 1.1 and row.n == 20 for row in accuracy.values())
    assert accuracy["5-way 1-shot", OURS].value > 0.4
    assert by(result.rows, "training CPU seconds")["100 outer steps", OURS].value > 0
    assert [set(plot.lines) for plot in result.plots] == [{OURS, "pretrain + fine-tune", "nearest centroid"}] * 2


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few steps on few sine waves, of one rule."""
    for name, value in {
        "_N_STEPS": 150,
        "_N_TRAIN": 60,
        "_N_HELD_OUT": 20,
        "N_NEW": 30,
        "_PRETRAIN_STEPS": 20,
        "_RULES": ("maml",),
    }.items():
        monkeypatch.setattr(sinusoid, name, value)


@pytest.mark.usefixtures("small")
def test_sine_waves_go_through_the_hand() -> None:
    """Rows for each number of points, rule and number of steps, beside the published ones."""
    result = sinusoid.evaluate(Job(Path(), 1, lambda _: None))

    mse = by(result.rows, "mse")
    assert [mse[f"{shots} shots, closed form", OURS].n for shots in (5, 10)] == [30, 30]
    assert {setting for setting, method in mse if method == "maml"} == {
        f"{shots} shots, {steps}" for shots in (5, 10) for steps in ("1 step", "5 steps", "10 steps")
    }
    assert mse["5 shots, 1 step", "published maml"].value == 0.67
    assert [len(plot.lines) for plot in result.plots] == [3, 3]
    assert result.notes == ["pretrain + fine-tune has 20 outer steps, the rules 150"]


@pytest.mark.usefixtures("small")
def test_a_rejected_rule_loses_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its rows are NaN, over nothing; a note has the hand's reason."""
    hand = meta_training.train

    def train(log: TasksLog, spec: MetaTraining, *rest: Any, **named: Any) -> Trained:
        if spec.algorithm == "maml":
            raise NotPublished("not_better_than_scratch")
        return hand(log, spec, *rest, **named)

    monkeypatch.setattr(sinusoid, "train", train)

    result = sinusoid.evaluate(Job(Path(), 1, lambda _: None))

    mse = by(result.rows, "mse")
    assert math.isnan(mse["10 shots, 5 steps", "maml"].value)
    assert mse["10 shots, 5 steps", "maml"].n == 0
    assert mse["5 shots, closed form", OURS].value > 0
    assert mse["5 shots, 5 steps", "pretrain + fine-tune"].n == 30
    assert result.notes[:-1] == [f"seed 0, {shots} shots, maml: not_better_than_scratch" for shots in (5, 10)]
    report.page({"sinusoid": result}, "drawn all the same")


def test_a_mean_with_a_task_that_diverged_is_no_number() -> None:
    """It is not the mean of the others: the row says over how many tasks it was asked."""
    row = sinusoid.row_of("5 shots, 10 steps", "anil", np.array([0.1, np.inf, 0.2]))

    assert math.isnan(row.value)
    assert row.n == 3
