"""The page: losses first and in red, everything in one file, what others wrote as text."""

from html.parser import HTMLParser

import numpy as np

from homeostat_tools.value.actions import Action
from homeostat_tools.value.intervals import Estimate
from homeostat_tools.value.page import headlines, page
from homeostat_tools.value.summary import Curves, ModelValue, PolicySummary, Unknown, ValueReport

ACTION = "/homeostat/meta_learner#7.0"
LOSS, GAIN = Estimate(-0.05, -0.08, -0.02, 900), Estimate(0.04, 0.01, 0.07, 900)


class Outline(HTMLParser):
    """Elements of a page, with their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """See `HTMLParser`."""
        self.elements.append((tag, dict(attrs)))

    def n(self, tag: str, class_: str = "") -> int:
        """How many elements of a tag have a class."""
        return sum(name == tag and class_ in (attrs.get("class") or "") for name, attrs in self.elements)


def policy(name: str, avoided: Estimate, title: str = "", n_losses: int = 0) -> PolicySummary:
    """A policy with three actions."""
    return PolicySummary(name, title or name, 0.2 - avoided.mean, avoided, 3, 1, n_losses, 3, 1.8, None)


def report(why: str = "drift") -> ValueReport:
    """One model with a policy that paid and one that hurt."""
    model = ModelValue("shop/m", "classifier", 1000, 900, 1.7e9, 1.71e9, "never", "EUR")
    model.policies = [
        policy("never", Estimate(0.0, 0.0, 0.0, 900)),
        policy("scheduled", LOSS, n_losses=2),
        policy("homeostat", GAIN, "Homeostat"),
    ]
    model.actions = [
        Action("homeostat", 1.705e9, why, "retrain: warm", "approved", gain=gain, basis="estimated", cost=0.6,
               trace={"action": ACTION}, commands=(f"homeostat story {ACTION}",))
        for gain in (LOSS, GAIN)
    ]  # fmt: skip
    line = np.linspace(0.0, 1.0, 50)
    curves = {"never": 0 * line, "scheduled": -line, "homeostat": line}
    model.curves = Curves(np.linspace(1.7e9, 1.71e9, 50), curves, dict.fromkeys(curves, 0.2 + 0 * line))
    model.unknowns = [Unknown("whether it paid", "no labels", "label more")]
    return ValueReport("a test", [model], ["a stand-in"])


def test_a_loss_is_the_first_thing_that_is_read() -> None:
    """Before what our own policy gained, and marked as a loss."""
    (first, second) = headlines(report().models[0])

    assert first[0] == "loss"
    assert first[1].startswith("LOSS. <b>scheduled</b> makes 50.0 more errors per 1,000 rows")
    assert "2 of its 3 actions hurt" in first[1]
    assert second[0] == "gain"


def test_what_hurt_is_red_in_headline_table_and_row() -> None:
    """Of policies and of our own actions alike."""
    outline = Outline(page(report()))

    assert outline.n("p", "headline loss") == 1
    assert outline.n("td", "loss") >= 4
    assert outline.n("tr", "row-loss") == 1


def test_the_page_needs_nothing_else() -> None:
    """No script, no link, no image, no font from elsewhere."""
    text = page(report())
    outline = Outline(text)

    assert not {tag for tag, _ in outline.elements} & {"script", "link", "img", "iframe"}
    assert "http" not in text
    assert outline.n("svg") == 3
    assert "prefers-color-scheme: dark" in text


def test_an_engineer_can_follow_an_action() -> None:
    """Its identity, and the command that shows what followed."""
    text = page(report())

    assert text.count(ACTION) == 4
    assert f"<code>homeostat story {ACTION}</code>" in text


def test_what_others_wrote_is_text() -> None:
    """A reason is not markup."""
    text = page(report(why="<script>alert(1)</script>"))

    assert "<script" not in text
    assert "&lt;script&gt;" in text


def test_what_cannot_be_told_is_said() -> None:
    """With what would help; a model without policies says it first."""
    found = report()
    empty = ModelValue("shop/n", "classifier", 10, 0, 1.7e9, 1.7e9)

    assert "<b>whether it paid</b>: no labels; <i>label more</i>" in page(found)
    assert headlines(empty)[0][0] == "unknown"
    assert "shop/n" in page(ValueReport("a test", [empty], []))
