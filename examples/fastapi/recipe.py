"""How a new version is trained: the columns come back as they went in."""

import pandas as pd
from app import INPUTS, fit

from homeostat.recipe import Lesson, run


def fit_arm(lesson: Lesson) -> bytes:
    """Fit to the last rows, or to all."""
    rows = int(lesson.hyperparameters.get("rows", 0))
    frame = pd.DataFrame(INPUTS.decode(lesson.x)).replace({"(other)": None})
    return fit(frame[-rows:], lesson.y[-rows:], lesson.seed % 2**32)


if __name__ == "__main__":
    run(fit_arm, media_type="application/x-joblib")
