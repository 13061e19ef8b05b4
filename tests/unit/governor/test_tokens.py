"""Money, whatever happens: reserved, committed, refunded, exactly once."""

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from tests.unit.governor.driver import MODEL, SCOPE, START_MS, GovernorDriver, money, verdict
from tests.unit.governor.emits import data_of

from homeostat.core import Reject
from homeostat.events import (
    ApprovalDenied,
    ApprovalGiven,
    BudgetSet,
    DeploymentObserved,
    FreezeLifted,
    FreezeSet,
    RevertRequested,
    Rollout,
    RulesSet,
    VerdictGiven,
)

OPEN = RulesSet(scope=SCOPE, cooldown_ms=0, max_actions=1000, approval_tiers=("medium", "high"))


def test_a_new_period_has_new_money_and_the_old_reservations() -> None:
    """What is settled in a period counts there, though nobody has proposed anything in it."""
    court = GovernorDriver()
    court.law(BudgetSet(scope=SCOPE, money=8.0, period_ms=1000), "olga", subject=SCOPE)
    action = court.propose()[0]
    assert verdict(court.propose(model=MODEL, chosen="skip", shadows=(), money=4.0)[1]).verdict == "denied"
    court.now += 1500
    court.train(action, "warm", "head", seconds=300.0)
    court.settle(action, "aborted")

    _, emits = court.propose(money=3.0)

    assert money(court) == (0.0, 6.0)
    assert [rule.rule for rule in verdict(emits).rules if not rule.passed] == ["cooldown", "money"]
    court.now += 60_000
    assert verdict(court.propose(money=8.0)[1]).verdict == "approved"
    assert money(court) == (8.0, 0.0)


def test_a_held_action_is_judged_by_the_money_of_the_day_it_is_approved() -> None:
    """Not by that of the day it was proposed."""
    court = GovernorDriver(model_tier="high")
    court.law(BudgetSet(scope=SCOPE, money=8.0, period_ms=1000), "olga", subject=SCOPE)
    action = court.propose()[0]
    court.state.budgets.by_scope[SCOPE].spent = 8.0
    yes = ApprovalGiven(action=action)
    assert verdict(court.tell(court.signed(yes, "ada"))).verdict == "held"

    court.now += 1000

    assert verdict(court.tell(court.signed(yes, "ada"))).verdict == "approved"


def test_the_budget_of_all_reaches_scopes_that_have_spent_already() -> None:
    """Unless they have their own; what is spent and reserved stays."""
    court = GovernorDriver()
    court.propose()
    court.law(BudgetSet(scope="*", money=6.0, period_ms=1000))
    assert (court.state.budgets.by_scope[SCOPE].money, money(court)) == (6.0, (5.0, 0.0))
    court.law(BudgetSet(scope=SCOPE, money=7.0, period_ms=1000), "olga", subject=SCOPE)

    court.law(BudgetSet(scope="*", money=1.0, period_ms=1000))

    assert (court.state.budgets.by_scope[SCOPE].money, money(court)) == (7.0, (5.0, 0.0))


def test_new_money_does_not_carry_over_what_an_old_period_spent() -> None:
    """A period that is over is over."""
    court = GovernorDriver()
    court.law(BudgetSet(scope=SCOPE, money=8.0, period_ms=1000), "olga", subject=SCOPE)
    court.state.budgets.by_scope[SCOPE].spent = 8.0
    court.now += 1000

    court.law(BudgetSet(scope=SCOPE, money=9.0, period_ms=1000), "olga", subject=SCOPE)

    assert court.state.budgets.by_scope[SCOPE].spent == 0.0


class Governing(RuleBasedStateMachine):
    """Anything may happen at any time; the books stay right, and what serves is what they say."""

    @initialize(tier=st.sampled_from(["low", "high"]))
    def open(self, tier: str) -> None:
        self.court = GovernorDriver(is_restored=False, model_tier=tier)
        self.court.law(OPEN, "olga", subject=SCOPE)
        self.ids: list[str] = []
        self.pending: list[tuple[str, Rollout]] = []
        self.server: Rollout | None = None
        self.ends: dict[str, int] = {}
        self.is_obeyed = False

    def hear(self, emits: Any) -> None:
        for command in data_of(emits, Rollout):
            self.pending.append((command.TYPE.split(".")[2], command))
        for said in {id(v): v for v in data_of(emits, VerdictGiven)}.values():
            if said.verdict in ("denied", "expired"):
                self.ends[said.action] = self.ends.get(said.action, 0) + 1
                assert said.action not in self.court.state.flight.actions

    @rule(chosen=st.sampled_from(["warm", "head", "skip"]), shadows=st.sampled_from([(), ("head",)]))
    def propose(self, chosen: str, shadows: tuple[str, ...]) -> None:
        champion = self.court.state.registry.models[MODEL].champion
        id_, emits = self.court.propose(chosen=chosen, shadows=shadows, champion=champion)
        self.ids.append(id_)
        self.hear(emits)

    def pick(self, data: st.DataObject) -> str:
        """Mostly what is in flight."""
        return data.draw(st.sampled_from([*list(self.court.state.flight.actions) * 5, *self.ids[-2:]]))

    def chosen(self, id_: str) -> str | None:
        canary = self.court.state.flight.actions[id_].canary
        return None if canary is None else canary.version

    def phase(self, id_: str) -> str:
        action = self.court.state.flight.actions.get(id_)
        return "" if action is None else action.phase

    @precondition(lambda self: self.ids)
    @rule(data=st.data(), yes=st.booleans(), emergency=st.booleans(), name=st.sampled_from(["ada", "ben"]))
    def answer(self, data: st.DataObject, yes: bool, emergency: bool, name: str) -> None:
        id_ = self.pick(data)
        word = ApprovalGiven(action=id_, is_emergency=emergency) if yes else ApprovalDenied(action=id_)
        try:
            self.hear(self.court.tell(self.court.signed(word, name)))
        except Reject:
            return  # not waiting, or said before

    @precondition(lambda self: self.ids)
    @rule(data=st.data(), bad=st.sampled_from(["", "", "", "warm", "head"]))
    def train(self, data: st.DataObject, bad: str) -> None:
        id_ = self.pick(data)
        for arm in ("warm", "head"):
            self.hear(self.court.train(id_, *[arm] * (arm != bad), failed=[arm] * (arm == bad)))

    @precondition(lambda self: self.ids)
    @rule(data=st.data(), judgement=st.sampled_from(["promote", "continue", "abort"]), is_stale=st.booleans())
    def judge(self, data: st.DataObject, judgement: str, is_stale: bool) -> None:
        id_ = self.pick(data)
        action = self.court.state.flight.actions.get(id_)
        step = 0 if action is None or is_stale else max(0, action.step)
        self.hear(self.court.judge(id_, judgement, step))

    @precondition(lambda self: self.pending)
    @rule(outcome=st.sampled_from(["done", "done", "done", "failed", "braked"]))
    def act(self, outcome: str) -> None:
        """The rollout hand takes its next command; it obeys the way back in any case."""
        verb, command = self.pending.pop(0)
        if outcome == "done" or (outcome == "braked" and verb in ("abort", "revert")):
            self.server, self.is_obeyed = command, True
            self.hear(self.court.apply(command, verb))
        else:
            self.is_obeyed = False
            reason = "braked" if outcome == "braked" else "target_failed"
            self.hear(self.court.fail(command.action, "rollout", reason, command=command))

    @precondition(lambda self: self.ids)
    @rule(data=st.data())
    def settle(self, data: st.DataObject) -> None:
        """As the evaluator does: when nothing was trained, or when the hand has ended the rollout."""
        id_ = self.pick(data)
        if self.phase(id_) == "training" and not self.court.state.flight.actions[id_].waiting_for:
            self.hear(self.court.settle(id_, "failed"))
        elif self.phase(id_) == "measuring" and not self.pending and self.is_obeyed:
            is_promoted = self.server is not None and self.server.champion == str(self.chosen(id_))
            is_final = data.draw(st.booleans())
            self.hear(self.court.settle(id_, "promoted" if is_promoted else "aborted", is_final=is_final))

    @precondition(lambda self: self.ids)
    @rule(data=st.data(), is_final=st.booleans(), cost=st.sampled_from([0.0, 1.0, 7.0]))
    def settle_again(self, data: st.DataObject, is_final: bool, cost: float) -> None:
        """A bill has come, or the last word on an action that is over."""
        id_ = data.draw(st.sampled_from(self.ids))
        if id_ not in self.court.state.flight.actions:
            self.hear(self.court.settle(id_, is_final=is_final, cost=cost))

    @rule(is_set=st.booleans())
    def freeze(self, is_set: bool) -> None:
        law = FreezeSet(scope=SCOPE) if is_set else FreezeLifted(scope=SCOPE)
        self.hear(self.court.law(law, "olga", subject=SCOPE))

    @precondition(lambda self: self.court.offset % 7 == 0)
    @rule(version=st.sampled_from(["v8", "v9"]))
    def deploy(self, version: str) -> None:
        self.is_obeyed = False
        self.hear(self.court.tell(DeploymentObserved(version=version, model=MODEL)))

    @precondition(lambda self: self.court.offset % 7 == 0)
    @rule()
    def revert(self) -> None:
        self.hear(self.court.tell(self.court.signed(RevertRequested(model=MODEL), "olga")))

    @rule(millis=st.sampled_from([1, 60_000, 1_000_000]))
    def wait(self, millis: int) -> None:
        self.court.now += millis
        due = self.court.fold.wake_at(self.court.state)
        if due is not None and due <= self.court.now:
            self.hear(self.court.tick(self.court.now))

    @invariant()
    def what_is_reserved_is_in_flight(self) -> None:
        actions = self.court.state.flight.actions.values()
        expected = sum(max(a.proposal.money, a.cost) for a in actions if a.phase != "held")
        budget = self.court.state.budgets.by_scope.get(SCOPE)
        assert (0.0 if budget is None else budget.reserved) == expected
        assert budget is None or budget.spent >= 0.0

    @invariant()
    def one_action_at_a_time_and_none_ends_twice(self) -> None:
        assert sum(action.phase != "held" for action in self.court.state.flight.actions.values()) <= 1
        assert all(n == 1 for n in self.ends.values())

    @invariant()
    def what_is_counted_is_what_is_there(self) -> None:
        """The counts that rules look at, against a walk over all actions."""
        state = self.court.state
        flying = [action for action in state.flight.actions.values() if action.phase != "held"]
        load = state.flight.loads.get(SCOPE)
        assert (load is None) == (not state.flight.actions)
        if load is not None:
            assert sorted(load.actions) == sorted(state.flight.actions)
            assert load.n == len(flying)
            assert load.n_canaries == sum(action.proposal.chosen != "skip" for action in flying)
        assert state.flight.slots_taken == sum(a.proposal.slots for a in flying if a.phase in ("training", "acting"))
        assert sorted(id_ for ids in state.flight.targets.values() for id_ in ids) == sorted(
            [*state.flight.actions, *state.flight.holdbacks]
        )
        live = {action.expires_at for action in (*state.flight.actions.values(), *state.flight.holdbacks.values())}
        assert self.court.fold.wake_at(state) == min(live, default=None)

    @invariant()
    def nothing_outlives_its_time(self) -> None:
        due = self.court.fold.wake_at(self.court.state)
        assert due is None or due > self.court.now or self.court.now == START_MS

    @invariant()
    def what_serves_is_what_the_books_say(self) -> None:
        """As soon as the hand has done all it was told; then no candidate is left without an action."""
        if self.server is None or self.pending or not self.is_obeyed:
            return
        assert self.server.champion == self.court.state.registry.models[MODEL].champion
        assert self.court.state.flight.actions or self.court.state.flight.holdbacks or self.server.candidates == ()


Governing.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestGoverning = Governing.TestCase
