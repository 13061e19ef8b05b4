"""`python -m governor`: run the governor on Kafka."""

from governor import Governor
from homeostat.host.process import Context, Service, main


def services(context: Context) -> list[Service]:
    """Wire the fold to its host."""
    return context.folds("governor", [Governor()])


if __name__ == "__main__":
    main("governor")
