"""`python -m homeostat.services.meta_learner`: run the meta-learner on Kafka."""

from homeostat.runtime.process import Context, Service, main
from homeostat.services.meta_learner import MetaLearner


def services(context: Context) -> list[Service]:
    """Wire the fold to its host, and the cache of what it learns from beside it."""
    return [*context.folds("meta-learner", [MetaLearner()]), *context.features()]


if __name__ == "__main__":
    main("meta_learner")
