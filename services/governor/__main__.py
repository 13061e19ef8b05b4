"""`python -m homeostat.services.governor`: run the governor on Kafka."""

from homeostat.runtime.process import Context, Service, main
from homeostat.services.governor import Governor


def services(context: Context) -> list[Service]:
    """Wire the fold to its host."""
    return context.folds("governor", [Governor()])


if __name__ == "__main__":
    main("governor")
