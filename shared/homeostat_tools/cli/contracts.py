"""The contract of a model in one line."""

from homeostat.events import ModelRegistered


def contract_line(model: ModelRegistered) -> str:
    """Say which contract holds, what it names, and where the names come from.

    Args:
        model: The registration as intake published it last.
    """
    number = model.contract_version or 1
    if model.learned_rows is not None:
        names = f"{len(model.features)} features without limits, learned from the first {model.learned_rows} rows"
    elif model.features:
        names = f"{len(model.features)} features"
    else:
        names = "no feature named, and none learned yet: none is checked or watched"
    classes = f", {len(model.classes)} classes" if model.classes else ""
    listed = "" if model.versions is None else f", versions {', '.join(model.versions) or 'none'} beside the champion"
    return f"{number}: {names}{classes}{listed}"
