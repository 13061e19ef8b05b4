"""`homeostat backtest|whatif`: the recorded history under other rules or settings; nothing is done."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from homeostat_tools.cli.options import DEFAULT_DATA_DIR, DataDir, Json

if TYPE_CHECKING:
    from homeostat_tools.backtest.comparing import Comparison
    from homeostat_tools.backtest.off_policy import OffPolicy

_MOST_SHOWN: Final = 50
_LEARNER: Final = "meta_learner"


def backtest(
    ctx: typer.Context,
    rules: Annotated[
        Path | None,
        typer.Option("--rules", exists=True, dir_okay=False, help="homeostat.toml that shall hold instead."),
    ] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="Of the learner: meta_learner.NAME=VALUE; may be given again.")
    ] = None,
    since: Annotated[str, typer.Option("--from", help="From when on: 10m, 2h, or an ISO time.")] = "",
    data_dir: DataDir = DEFAULT_DATA_DIR,
    is_json: Json = False,
) -> None:
    """Say which recorded decisions other rules or settings would change, and what that would have been worth.

    The governor's own code folds governance anew under --rules, the learner's folds experience anew with --set;
    without either the installed version is compared with the record. Proposals stay as recorded where rules change.
    Payoffs that nobody could have seen are not made up: then it says that it cannot tell.
    """
    from homeostat_tools.backtest.comparing import compare_proposals, compare_verdicts, proposals_of
    from homeostat_tools.backtest.other_law import OtherLaw, read_settings, with_settings
    from homeostat_tools.backtest.refolding import Refolding, durations_of, recorded_verdicts
    from homeostat_tools.cli.connection import session
    from homeostat_tools.cli.folds import fold_of
    from homeostat_tools.cli.output import hint
    from homeostat_tools.cli.policy_file import read_law
    from homeostat_tools.cli.times import since_ms
    from homeostat_tools.value.decisions import decisions_of

    law, asked = read_law(rules) if rules is not None else [], read_settings(settings or (), (_LEARNER,))
    begin = since_ms(since) if since else 0
    with session(ctx, data_dir) as opened:
        logs = opened.logs
        decisions = decisions_of(logs)
        if asked:
            _check_whole(logs, "homeostat.experience")
            learner = with_settings(fold_of(_LEARNER), asked[_LEARNER])
            recent = [one for one in decisions if one.event.time >= begin]
            _show(compare_proposals(proposals_of(learner, logs), recent), "learner", is_json=is_json)
        if law or not asked:
            _check_whole(logs, "homeostat.governance")
            recorded = recorded_verdicts(logs)
            took, other = durations_of(logs, recorded), OtherLaw(law) if law else None
            folding = Refolding(fold_of("governor"), recorded, took, other, begin)
            refolded, seconds = _timed(folding, logs)
            _show(compare_verdicts(refolded, recorded, decisions, begin), "governor", is_json=is_json)
            rate = refolded.n_events / max(seconds, 1e-9)
            hint(f"{refolded.n_events} events, {refolded.n_folded} folded, in {seconds:.2f} s: {rate:,.0f} a second")


def whatif(
    ctx: typer.Context,
    action: Annotated[str, typer.Argument(metavar="ACTION", help="Identity of an action, or its ending.")],
    settings: Annotated[
        list[str], typer.Option("--set", help="rules.NAME=VALUE or budget.NAME=VALUE; again for more.")
    ],
    data_dir: DataDir = DEFAULT_DATA_DIR,
    is_json: Json = False,
) -> None:
    """Say what the governor would have answered to one action under other rules or another budget, rule by rule."""
    from homeostat_tools.backtest.other_law import OtherLaw, changed_law, read_settings
    from homeostat_tools.backtest.refolding import Refolding, recorded_verdicts
    from homeostat_tools.cli.connection import session
    from homeostat_tools.cli.exit_codes import not_found
    from homeostat_tools.cli.folds import fold_of
    from homeostat_tools.cli.output import as_json, rows, show

    asked = read_settings(settings, ("rules", "budget"))
    with session(ctx, data_dir) as opened:
        _check_whole(opened.logs, "homeostat.governance")
        recorded = recorded_verdicts(opened.logs)
        wanted = _one_of(recorded, action)
        folding = Refolding(fold_of("governor"), recorded)
        for event in folding.events(opened.logs.read(["homeostat.governance"])):
            if event.identity == wanted:
                data: Any = event.data
                folding.law, folding.since = OtherLaw(changed_law(folding.state, data.family, asked)), event.time
            folding.fold_in(event)
            if wanted in folding.result.verdicts:
                break
    before, after = recorded[wanted], folding.result.verdicts.get(wanted)
    if after is None:
        raise not_found(f"{wanted} is not decided in this history: its model was never registered")
    names = [*dict.fromkeys(rule.rule for rule in (*before.first_rules, *after.first_rules))]
    was, would = ({rule.rule: rule for rule in verdict.first_rules} for verdict in (before, after))
    columns = ("rule", "recorded", "limit", "what_if", "limit_then", "reason")
    table = [
        (
            name,
            _passed(was.get(name)),
            getattr(was.get(name), "limit", None),
            _passed(would.get(name)),
            getattr(would.get(name), "limit", None),
            getattr(would.get(name) or was.get(name), "reason", ""),
        )
        for name in names
    ]
    if is_json:
        found = [dict(zip(columns, row, strict=True)) for row in table]
        as_json({"action": wanted, "recorded": before.first_word, "what_if": after.first_word, "rules": found})
        return
    show(f"[bold]{before.first_word} → {after.first_word}[/bold]")
    rows(columns, table, is_json=False)


def _passed(rule: Any) -> str:
    return "" if rule is None else "passed" if rule.passed else "failed"


def _one_of(known: Any, ending: str) -> str:
    from homeostat_tools.cli.exit_codes import not_found, usage

    found = [ending] if ending in known else [action for action in known if action.endswith(ending)]
    if not found:
        raise not_found(f"no action ends in {ending!r}; `homeostat tail verdicts --json` names actions")
    if len(found) > 1:
        raise usage(f"{len(found)} actions end in {ending!r}; write more of it")
    return str(found[0])


def _check_whole(logs: Any, topic: str) -> None:
    from homeostat_tools.cli.exit_codes import CommandFailed, Exit

    if any(low for low, _ in logs.ranges([topic]).values()):
        raise CommandFailed(Exit.EXPIRED, f"the head of {topic} has expired: what held then cannot be derived any more")


def _timed(folding: Any, logs: Any) -> tuple[Any, float]:
    import time

    from homeostat_tools.cli.progress_bar import ProgressBar

    total = sum(high - low for low, high in logs.ranges(["homeostat.governance"]).values())
    with ProgressBar() as bar:
        began = time.perf_counter()
        folded = folding.run(logs.read(["homeostat.governance"]), lambda n: bar.show("folding governance", n, total))
        return folded, time.perf_counter() - began


def _show(found: "Comparison", fold: str, *, is_json: bool) -> None:
    from dataclasses import asdict

    from homeostat_tools.cli.output import as_json, hint, rows, say
    from homeostat_tools.cli.times import iso

    if is_json:
        as_json({"fold": fold} | asdict(found))
        return
    columns = ("time", "action", "kind", "subject", "recorded", "would_be", "why", "payoff", "predicted", "money")
    table = [
        (iso(c.time), c.action, c.kind, c.subject, c.before, c.after, c.why, c.payoff, c.predicted, c.money)
        for c in found.changes[:_MOST_SHOWN]
    ]
    if table:
        rows(columns, table, is_json=False)
    say(f"{fold}: {len(found.changes)} of {found.n} decisions would be others")
    if len(found.changes) > _MOST_SHOWN:
        hint(f"{len(found.changes) - _MOST_SHOWN} more: --json has them")
    if not found.changes and fold == "governor":
        return
    say(f"money: {found.money:+.4g}; rollbacks that would not have been needed: {found.n_undone_less}")
    say(_worth(found.value))


def _worth(value: "OffPolicy") -> str:
    measured = f"from {value.n} decisions with a measured payoff, worth {value.effective:.1f} effective ones"
    if value.unknown:
        return f"value per decision: cannot tell, {value.unknown} ({measured})"
    judged = "regret" if value.low > 0 else "better as it was" if value.high < 0 else "no difference for certain"
    return (
        f"value per decision: {value.dr:+.4f} [{value.low:+.4f}, {value.high:+.4f}] (doubly robust; by propensities "
        f"alone {value.ips:+.4f}), {measured}: {judged}"
    )
