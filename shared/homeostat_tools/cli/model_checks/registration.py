"""Is it known, and may anything be done about it?"""

from collections.abc import Iterator

from homeostat.events.requests import is_observing
from homeostat_tools.cli.checks import Check, fail, ok
from homeostat_tools.cli.indicators import unannounced
from homeostat_tools.cli.label_troubles import strangers
from homeostat_tools.cli.model_checks.looking import Model
from homeostat_tools.cli.troubles import denied, failed_hand, unsigned_deployment, without_family


def registered(model: Model) -> Iterator[Check]:
    """Somebody has registered the model."""
    data = model.known.registered
    if data is not None:
        yield ok("registered", f"{data.kind} of the family {model.known.family}, {len(data.features)} features")
        return
    beside = sorted(strangers(model.logs, model.scope, "model_unregistered"))
    detail = f"nobody has registered {model.name}" + (
        f"; rows or labels came under {', '.join(beside)}" if beside else ""
    )
    yield fail("registered", detail, f"homeostat new model {model.name}, then homeostat apply its homeostat.toml")


def family(model: Model) -> Iterator[Check]:
    """Its family has arms."""
    if model.known.registered is None:
        return
    trouble = without_family(model.known)
    if trouble is not None:
        yield fail("family", *trouble)
    elif model.family is not None:
        arms = ", ".join(arm.name for arm in model.family.arms)
        yield ok("family", f"{model.known.family} has the arms {arms}, and the recipe {model.family.recipe}")


def version(model: Model) -> Iterator[Check]:
    """What answers was registered, deployed or tried."""
    trouble = unsigned_deployment(model.known)
    if trouble is not None:
        yield fail("version", *trouble)
    elif stranger := unannounced(model.indicators):
        yield fail("version", stranger, f"register {model.name} with the version that serves as its champion")


def rules(model: Model) -> Iterator[Check]:
    """The rules leave room, and have let the last proposal pass or will."""
    if model.known.registered is None:
        return
    law, name = model.law, "rules"
    rules_set = law.rules.get(model.scope) or law.rules.get("*")
    if rules_set is not None:
        own = rules_set.of_family(model.known.family)
        zero = [limit for limit in ("max_actions", "max_in_flight", "training_slots") if getattr(own, limit) == 0]
        if zero:
            yield fail(
                name, f"{' and '.join(zero)} of {rules_set.scope} is 0: no action ever", "homeostat apply, with more"
            )
            return
    held = [action for action, verdict in model.known.newest() if verdict.verdict == "held"]
    if held := [action for action in held if action not in model.known.settled]:
        yield fail(name, f"{held[0]} waits for a person", f"homeostat approve {held[0]}")
    elif (trouble := denied(model.known)) is not None and trouble[1]:
        yield fail(name, *trouble)
    else:
        passing = trouble[0] if trouble is not None else "they leave room"
        yield ok(name, passing)


def mode(model: Model) -> Iterator[Check]:
    """Somebody has let its scope act."""
    scope = model.scope
    if is_observing(model.law.scopes, scope):
        yield fail("mode", f"{scope} observes: what would be done is said, and not done", f"homeostat act {scope}")
    else:
        yield ok("mode", f"{scope} acts")


def frozen(model: Model) -> Iterator[Check]:
    """Nobody has frozen it."""
    freeze = model.law.freeze_of(model.name)
    brake = model.settings.brake_file
    if freeze is not None:
        yield fail("frozen", f"{freeze} is frozen by {model.law.freezes[freeze]}", f"homeostat unfreeze {freeze}")
    elif brake.exists():
        yield fail(
            "frozen", f"{brake} brakes the hands of this machine", "homeostat unfreeze SCOPE, as it stands there"
        )
    else:
        yield ok("frozen", "no")


def last_action(model: Model) -> Iterator[Check]:
    """What was begun last could be done."""
    if model.known.registered is None:
        return
    trouble = failed_hand(model.known)
    if trouble is not None:
        yield fail("last action", *trouble)
    elif model.known.verdicts:
        yield ok("last action", "nothing failed since the drift")
