"""Made-up histories of a model: still, drifted, and with labels that were wrong for a while."""

from pathlib import Path

import numpy as np

from homeostat_tools.value.rows import Floats, ModelRows

START = 1_700_000_000.0
STEP_SECONDS = 60.0


def history(n: int, *, drift_at: int = -1, wrong: tuple[slice, ...] = (), seed: int = 0) -> ModelRows:
    """A classifier of the sign of a sum, with 5 % noise; labels come an hour after their row.

    Args:
        n: Rows.
        drift_at: Row from which another sum is true; the recorded model goes on with the old one.
        wrong: Rows whose labels are flipped, as by a broken join.
        seed: Of the draws.
    """
    generator = np.random.default_rng(seed)
    x = generator.standard_normal((n, 4)).astype(np.float32)
    old, new = x[:, 0] + x[:, 1] > 0, x[:, 0] - x[:, 1] > 0
    is_new = np.arange(n) >= (n if drift_at < 0 else drift_at)
    label: Floats = np.where(is_new, new, old).astype(np.float64)
    label = np.where(generator.random(n) < 0.05, 1.0 - label, label)
    for part in wrong:
        label[part] = 1.0 - label[part]
    time: Floats = START + STEP_SECONDS * np.arange(n, dtype=np.float64)
    prediction = np.where(generator.random(n) < 0.02, ~old, old).astype(np.float64)
    names = [f"f{column}" for column in range(4)]
    return ModelRows(
        "shop/m", "classifier", time, x, names, prediction, label, time + 3600.0, [f"row {i}" for i in range(n)]
    )


def write(rows: ModelRows, folder: Path) -> None:
    """Write a history as the table and mapping that `--import` reads."""
    lines = ["time,prediction,label,label_time," + ",".join(rows.features)]
    for row in range(rows.n):
        values = [rows.time[row], rows.prediction[row], rows.label[row], rows.label_time[row], *rows.x[row]]
        lines.append(",".join(f"{value:.6f}" for value in values))
    (folder / "served.csv").write_text("\n".join(lines) + "\n")
    (folder / "history.toml").write_text(f'subject = "{rows.model}"\nclasses = ["no", "yes"]\n')
