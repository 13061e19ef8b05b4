"""A report as one page of HTML: a manager reads the top, an engineer follows every number to its events."""

from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from typing import Final

import numpy as np

from homeostat_tools.value.actions import Action
from homeostat_tools.value.charts import COLOURS, MOST_BARS, Mark, bars, lines, moment
from homeostat_tools.value.intervals import Estimate
from homeostat_tools.value.summary import ModelValue, PolicySummary, Unknown, ValueReport

_STYLE: Final = (Path(__file__).parent / "page.css").read_text("utf-8")
_MOST_MODELS: Final = 20
_MOST_ACTIONS: Final = 500
_OURS: Final = "homeostat"
_RECORDED: Final = "recorded"
_HEADINGS: Final = {
    _RECORDED: "Recorded decisions, action by action",
    _OURS: "Homeostat, action by action",
}
_WOULD: Final = {"gain": "would have paid", "loss": "would have hurt", "cannot tell": "cannot tell"}
_WORDS: Final = {"gain": "paid", "loss": "hurt", "cannot tell": "cannot tell"}


def page(report: ValueReport) -> str:
    """Lay a report out."""
    shown, left_out = report.models[:_MOST_MODELS], report.models[_MOST_MODELS:]
    parts = [
        "<!doctype html><html lang='en'><meta charset='utf-8'>",
        "<meta name='viewport' content='width=device-width, initial-scale=1'>",
        f"<title>Value of retraining</title><style>{_STYLE}</style>",
        "<h1>What retraining would have been worth</h1>",
        f"<p class='lead'>{escape(report.source)}</p>",
    ]
    parts += [_model(model) for model in shown]
    if left_out:
        parts.append(f"<p>Not shown: {len(left_out)} more models; <code>--json</code> has them.</p>")
    parts.append("<h2>What this rests on</h2><ul>")
    parts += [f"<li>{escape(line)}</li>" for line in report.assumptions]
    parts.append("</ul>")
    if report.command:
        parts.append(f"<p class='small'>Made by <code>{escape(report.command)}</code></p>")
    return "\n".join(parts) + "\n"


def _model(model: ModelValue) -> str:
    span = f"{moment(model.first)} to {moment(model.last)} UTC"
    parts = [
        f"<section><h2>{escape(model.model)}</h2>",
        f"<p class='small'>{span} · {model.n_rows:,} rows, {model.n_labels:,} with a label · {escape(model.kind)}</p>",
        *(f"<p class='headline {kind}'>{text}</p>" for kind, text in headlines(model)),
    ]
    if model.policies:
        parts += [_policies(model)]
    if model.curves is not None:
        parts += _figures(model)
    parts += _tables(model)
    parts += [_unknowns(model.unknowns), "</section>"]
    return "\n".join(parts)


def headlines(model: ModelValue) -> list[tuple[str, str]]:
    """Return what a manager reads first, each with its judgement; losses first."""
    rest = [policy for policy in model.policies if policy.title != model.baseline and policy.name != "stand_in"]
    if not rest:
        return [("unknown", "What any policy would have gained cannot be told; see below why.")]
    rest.sort(key=lambda policy: (policy.avoided.judgement != "loss", policy.name != _OURS))
    return [_headline(policy, model) for policy in rest]


def _headline(policy: PolicySummary, model: ModelValue) -> tuple[str, str]:
    name, avoided = escape(policy.title), policy.avoided
    trainings = f"{policy.n_trained} training{'s' * (policy.n_trained != 1)}"
    spent = f", for {trainings} at {_money(policy.cost, model.currency)} in all"
    worth = ""
    if policy.worth is not None:
        net = [_money(value - policy.cost, model.currency) for value in policy.worth]
        worth = f"; net of that it is worth {net[0]} [{net[1]}, {net[2]}]"
    hurt = f" {policy.n_losses} of its {policy.n_actions} actions hurt." if policy.n_losses else ""
    if avoided.judgement == "cannot tell":
        text = f"<b>{name}</b>: cannot tell whether it gains ({_per_thousand(avoided)}){spent}.{hurt}"
        return "unknown", text
    word = "fewer" if avoided.mean > 0 else "more"
    text = (
        f"<b>{name}</b> makes {abs(avoided.mean) * 1000:.1f} {word} errors per 1,000 rows than "
        f"{escape(model.baseline)} {_interval(avoided)}{spent}{worth}.{hurt}"
    )
    return avoided.judgement, text if avoided.judgement == "gain" else f"LOSS. {text}"


def _policies(model: ModelValue) -> str:
    has_worth = any(policy.worth is not None for policy in model.policies)
    heads = [
        "policy",
        "error",
        "errors avoided per 1,000 rows",
        "95 % interval",
        "changes",
        "paid",
        "hurt",
        "trainings",
    ]
    heads += ["cost", "worth" if has_worth else "", "Homeostat beside it"]
    body = []
    for policy in model.policies:
        is_base = policy.title == model.baseline
        judgement = "" if is_base else policy.avoided.judgement
        mark = f"<i class='key' style='background:{COLOURS[policy.name]}'></i>"
        cells = [
            f"<td>{mark}{escape(policy.title)}</td>",
            _number(f"{policy.error:.2%}"),
            _number("" if is_base else f"{policy.avoided.mean * 1000:+.1f}", judgement),
            _number("" if is_base else _interval(policy.avoided), judgement),
            _number(str(policy.n_actions)),
            _number(str(policy.n_gains)),
            _number(str(policy.n_losses), "loss" if policy.n_losses else ""),
            _number(str(policy.n_trained)),
            _number(_money(policy.cost, model.currency)),
            _number("" if policy.worth is None else _money(policy.worth[0], model.currency), judgement),
            _beside(policy),
        ]
        body.append(f"<tr class='{'ours' if policy.name == _OURS else ''}'>{''.join(cells)}</tr>")
    return _table(heads, body)


def _beside(policy: PolicySummary) -> str:
    """Errors that Homeostat avoids against a policy; a loss to it is red like any other."""
    beside = policy.beside
    if beside is None:
        return "<td></td>"
    text = beside.unknown or f"{beside.mean * 1000:+.1f} {_interval(beside)}"
    return _number(text, beside.judgement)


def _figures(model: ModelValue) -> list[str]:
    curves = model.curves
    assert curves is not None
    rest = {name: line for name, line in curves.avoided.items() if model.policy(name) is not None}
    base = next(policy.name for policy in model.policies if policy.title == model.baseline)
    name = _RECORDED if _RECORDED in curves.avoided else _OURS
    own = curves.avoided[name]
    marks = [
        Mark(a.seconds, float(np.interp(a.seconds, curves.time, own)), a.judgement, f"{a.what}: {_WORDS[a.judgement]}")
        for a in model.actions
        if a.policy == name and a.served and curves.time[0] <= a.seconds <= curves.time[-1]
    ]
    legend = "".join(
        f"<span><i class='key' style='background:{COLOURS[p.name]}'></i>{escape(p.title)}</span>"
        for p in model.policies
    )
    above = {name: line for name, line in rest.items() if name != base}
    return [
        f"<p class='legend'>{legend}</p>",
        f"<figure><figcaption>Errors avoided so far, against {escape(model.baseline)}; above 0 is better. Dots: what "
        "Homeostat put into service, green where it paid, red where it hurt, grey where that cannot be told."
        f"</figcaption>{lines(curves.time, above, '', marks=marks)}</figure>",
        "<figure><figcaption>Error over time (running mean)</figcaption>"
        f"{lines(curves.time, curves.error, '', is_share=True)}</figure>",
    ]


def _tables(model: ModelValue) -> list[str]:
    parts = []
    for name, heading in _HEADINGS.items():
        ours = [action for action in model.actions if action.policy == name]
        if not ours:
            continue
        parts += [
            f"<h3>{heading}</h3>",
            "<figure><figcaption>Errors avoided per 1,000 rows by each action, with its interval; ✓ served, · did not: "
            f"then it is what serving it would have gained{_newest(ours)}</figcaption>",
            f"{bars(ours)}</figure>",
            _actions(ours, model.currency),
        ]
    for policy in model.policies:
        own = [action for action in model.actions if action.policy == policy.name not in _HEADINGS]
        if own:
            title = f"{len(own)} actions of: {escape(policy.title)}"
            parts.append(f"<details><summary>{title}</summary>{_actions(own, model.currency)}</details>")
    return parts


def _newest(actions: Sequence[Action]) -> str:
    return f" (the newest {MOST_BARS} of {len(actions)})" if len(actions) > MOST_BARS else ""


def _actions(actions: Sequence[Action], currency: str) -> str:
    heads = [
        "when (UTC)",
        "why",
        "action",
        "rules",
        "came to",
        "gain per 1,000 rows",
        "95 % interval",
        "",
        "cost",
        "trace",
    ]
    body = []
    for action in actions[:_MOST_ACTIONS]:
        verdict = f"{escape(action.verdict)}{_faint(action.rules)}"
        judged = (_WORDS if action.served else _WOULD)[action.judgement]
        gain = f"{action.gain.mean * 1000:+.1f}" if action.gain.n else ""
        cells = [
            f"<td class='time'>{moment(action.seconds)}</td>",
            f"<td>{escape(action.why)}</td>",
            f"<td>{escape(action.what)}{_faint(action.expected and f'expected {action.expected}')}</td>",
            f"<td>{verdict}</td>",
            f"<td>{escape(action.state)}</td>",
            _number(gain, action.judgement),
            _number(_interval(action.gain) if not action.gain.unknown else "", action.judgement),
            f"<td class='{_class(action.judgement)}'>{judged}{_faint(action.gain.reason)}{_faint(_basis(action))}</td>",
            _number(_money(action.cost, currency)),
            f"<td>{_trace(action)}</td>",
        ]
        body.append(
            f"<tr class='{'row-loss' if action.judgement == 'loss' and action.served else ''}'>{''.join(cells)}</tr>"
        )
    more = len(actions) - _MOST_ACTIONS
    note = f"<p>{more} more: <code>--json</code> has them.</p>" if more > 0 else ""
    return _table(heads, body) + note


def _trace(action: Action) -> str:
    lines_ = [f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>" for name, text in action.trace.items()]
    commands = "".join(f"<dd><code>{escape(command)}</code></dd>" for command in action.commands)
    return f"<details><summary>trace</summary><dl>{''.join(lines_)}{commands}</dl></details>"


def _unknowns(unknowns: Iterable[Unknown]) -> str:
    items = [
        f"<li><b>{escape(one.what)}</b>: {escape(one.why)}"
        + (f"; <i>{escape(one.todo)}</i>" if one.todo else "")
        + "</li>"
        for one in unknowns
    ]
    return f"<h3>What cannot be told</h3><ul class='unknowns'>{''.join(items)}</ul>" if items else ""


def _basis(action: Action) -> str:
    if action.basis == "none":
        return ""
    return f"{action.basis} on {action.gain.n:,} rows"


def _table(heads: Sequence[str], body: Sequence[str]) -> str:
    head = "".join(f"<th>{name}</th>" for name in heads)
    return f"<div class='wide'><table><thead><tr>{head}</tr></thead><tbody>{''.join(body)}</tbody></table></div>"


def _number(text: str, judgement: str = "") -> str:
    return f"<td class='number {_class(judgement)}'>{escape(text)}</td>"


def _class(judgement: str) -> str:
    return {"gain": "gain", "loss": "loss", "cannot tell": "unknown"}.get(judgement, "")


def _faint(text: str) -> str:
    return f"<br><span class='small'>{escape(text)}</span>" if text else ""


def _interval(estimate: Estimate) -> str:
    return f"[{estimate.low * 1000:+.1f}, {estimate.high * 1000:+.1f}]"


def _per_thousand(estimate: Estimate) -> str:
    if estimate.unknown:
        return escape(estimate.unknown)
    return f"{estimate.mean * 1000:+.1f} per 1,000 rows {_interval(estimate)}"


def _money(value: float, currency: str) -> str:
    return f"{value:,.2f} {currency}"
