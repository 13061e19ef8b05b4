"""A folder of the shape of the learning curves, small enough to play in a test."""

import csv
import gzip
from pathlib import Path

from homeostat.stats import Draws

SIZES = (16, 32, 64, 91, 128, 181, 256, 362, 512, 1024, 1448)


def write(folder: Path, n_sets: int = 4, suffix: str = "_mean") -> Path:
    """Write curves of two learners on some data sets; return the folder that holds the folder."""
    lcdb = folder / "lcdb"
    lcdb.mkdir(parents=True)
    with gzip.open(lcdb / f"learning_curves{suffix}.csv.gz", "wt", newline="") as stream:
        out = csv.writer(stream)
        out.writerow(("openmlid", "learner", "size_train", "traintime", "score_valid"))
        for task in range(n_sets):
            for learner in ("tree", "net.deep"):
                ceiling, slope = Draws(f"{task}|{learner}").uniform(2).tolist()
                for rows in SIZES:
                    score = 0.6 + 0.4 * ceiling - 0.3 * slope * (16 / rows) ** 0.5
                    out.writerow((task, learner, rows, 0.001 * rows * (1 + slope), round(score, 5)))
    (lcdb / "dataset_metafeatures.csv").write_text("openmlid,NumberOfFeatures,NumberOfClasses\n0,12,2\n1,5,\n")
    hpo = folder / "hpo-blackbox"
    hpo.mkdir()
    with (hpo / "Made_part.csv").open("w", newline="") as stream:
        out = csv.writer(stream)
        out.writerow(("hp_layers", "hp_rate", "metric_time", "task"))
        for task in range(2):
            for i in range(8):
                layers, rate = Draws(f"search|{task}|{i}").uniform(2).tolist()
                out.writerow((layers, rate, 10 * (task + 1) * (1 + layers), f"task {task}"))
    (hpo / "published_results.csv").write_text("task,mean\na,1\n")
    return folder
