"""Trainings that take hours and labels that come a day late: the rules give the times, and the action is completed."""

from typing import Any

import pytest
from tests.e2e.served import MODEL, SCOPE, Served, serving

from homeostat.core import Event
from homeostat.events import FamilyRules, Labels, RetrainStart, RulesSet
from homeostat.events.columns import pack
from homeostat.events.logs import EXPERIENCE, REQUESTS, VERDICTS

HOUR_MS, DAY_MS = 3_600_000, 86_400_000


class Late(Served):
    """Its labels come a day after their rows."""

    def __init__(self, *fields: Any) -> None:
        super().__init__(*fields)
        self.waiting: list[tuple[int, Labels]] = []

    def _publish(self, data: Any) -> None:
        if isinstance(data, Labels):
            self.waiting.append((self.system.log.now + DAY_MS, data))
            while self.waiting and self.waiting[0][0] <= self.system.log.now:
                known = self.waiting.pop(0)[1]
                at = pack([self.system.log.now / 1000] * len(known.request))
                super()._publish(Labels(request=known.request, label=known.label, time=at))
        else:
            super()._publish(data)


def train_slowly(served: Served) -> list[RetrainStart]:
    """Let every training take two hours; return the commands as they come."""
    hand = next(each.hand for each in served.system.loop.hands if each.hand.name == "retrain_actuator")
    start, commands = hand.start, list[RetrainStart]()

    def slowly(command: Event) -> Any:
        if isinstance(command.data, RetrainStart):
            commands.append(command.data)
            served.system.log.now += 2 * HOUR_MS
        return start(command)

    hand.start = slowly  # type: ignore[method-assign]  # a slow machine
    return commands


@pytest.mark.parametrize("rules", [RulesSet(), RulesSet(families={"press": FamilyRules(arm_timeout_seconds=30_000.0)})])
def test_a_training_of_two_hours_with_labels_a_day_late_completes_its_action(rules: RulesSet) -> None:
    """By the default rules, and by those of the family; nothing expires on the way."""
    with serving(HOUR_MS // 4) as served:
        late = Late(served.system, served.world, served.step_ms)
        commands = train_slowly(late)
        late.install()
        late.system.publish(REQUESTS, SCOPE, rules.model_copy(update={"scope": SCOPE}))
        late.play(200)
        late.world.is_turned = True
        late.play(600)

        ended = [said for said in late.said(VERDICTS, "verdict.given") if said.kind == "retrain"]
        outcomes = late.said(EXPERIENCE, "outcome.measured")
        limit = 30_000.0 if rules.families else 14_400.0
        assert {command.timeout_seconds for command in commands} == {limit}
        assert [said for said in ended if said.verdict == "expired"] == []
        assert [outcome.state for outcome in outcomes][:1] == ["promoted"]
        assert late.system.target.deployment(MODEL).champion != "installed"
