"""Play facts and operations through time, as if every instant had been looked at.

Facts do not tell what customers redeemed. That stands in a second file of *operations*, one JSON
object a line, or in the steps of a scenario::

    {"subject": "hubspot-main:contact:1", "id": "o-1", "kind": "redeem", "at": "…", "points": 100}

``kind`` is ``redeem`` (``points`` or a ``reward``), ``cancel`` (``of`` a redemption), ``adjust``
(``points``, ``actor``, ``reason``) or ``merge`` (``of`` the ref of the record that is gone).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from chalicelib.core.errors import Rejected
from chalicelib.core.facts import Fact, FactSet, parse_instant
from chalicelib.core.loyalty import Program
from chalicelib.core.model import Ref
from chalicelib.core.policy import NOTHING_FITTED, Policy
from chalicelib.core.standing import Standing
from chalicelib.loyalty.adjustments import Adjustment
from chalicelib.loyalty.entries import SYSTEM, Entry
from chalicelib.loyalty.member import Member
from chalicelib.loyalty.merge import Merged
from chalicelib.loyalty.program import Programs
from chalicelib.loyalty.redemption import Spending
from chalicelib.loyalty.rewards import Given
from chalicelib.scoring import score_card
from infra.refs import typed_ref

KINDS = ("redeem", "cancel", "adjust", "merge")


class OperationUnreadable(ValueError):
    """The message says what is missing or wrong."""


@dataclass(frozen=True, slots=True)
class Operation:
    """``of`` is a redemption's id, or the ref of a record that is merged into the subject."""

    subject: Ref
    id: str
    kind: str
    at: datetime
    points: int = 0
    reward: str = ""
    of: str = ""
    actor: str = SYSTEM
    reason: str = ""

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> Operation:
        """Raises OperationUnreadable."""
        try:
            kind = row["kind"]
            if kind not in KINDS:
                raise OperationUnreadable(f"kind must be one of {', '.join(KINDS)}")
            return cls(
                subject=typed_ref(str(row["subject"])),
                id=str(row["id"]),
                kind=kind,
                at=parse_instant(str(row["at"])),
                points=int(row.get("points", 0)),
                reward=str(row.get("reward", "")),
                of=str(row.get("of", "")),
                actor=str(row.get("actor", SYSTEM)),
                reason=str(row.get("reason", "")),
            )
        except KeyError as missing:
            raise OperationUnreadable(f"an operation needs {missing.args[0]!r}") from missing
        except ValueError as error:
            raise OperationUnreadable(str(error)) from error


@dataclass(frozen=True, slots=True)
class Refusal:
    """An operation that was not done, and why."""

    operation: Operation
    reason: str


@dataclass(slots=True)
class Replay:
    """All customers of a programme, by the policy ``first`` and, since then, those of ``later``.

    ``gone`` are records that were merged, with the one that they are part of now.
    """

    first: Policy
    later: dict[datetime, Policy] = field(default_factory=dict)
    members: dict[Ref, Member] = field(default_factory=dict)
    refused: list[Refusal] = field(default_factory=list)
    gone: dict[Ref, Ref] = field(default_factory=dict)

    @property
    def programs(self) -> Programs:
        later = {at: program_of(policy) for at, policy in self.later.items()}
        return Programs.of(program_of(self.first), later)

    def member(self, subject: Ref) -> Member:
        """The survivor, of a record that was merged."""
        while subject in self.gone:
            subject = self.gone[subject]
        if subject not in self.members:
            self.members[subject] = Member(self.programs)
        return self.members[subject]

    def govern(self, policy: Policy, at: datetime) -> None:
        """From now on everything is by another policy."""
        self.later[at] = policy
        for member in self.members.values():
            member.go(at)
            member.govern(self.programs, at)

    def learn(self, facts: Iterable[Fact], now: datetime) -> None:
        """Facts that have come in by now; what happened later is waited for."""
        found: dict[Ref, list[Fact]] = {}
        for fact in facts:
            found.setdefault(fact.subject, []).append(fact)
        for subject, told in found.items():
            member = self.member(subject)
            member.go(now)
            member.learn(told, now)

    def know(self, subject: Ref, facts: FactSet) -> None:
        """All facts of a subject at once, each to be met at its own time."""
        self.members[subject] = Member(self.programs, facts)

    def do(self, operation: Operation) -> list[Entry]:
        """What it made; a refusal is noted and makes nothing."""
        member = self.member(operation.subject)
        member.go(operation.at)
        self._rate(operation.subject, operation.at)
        try:
            return self._done(member, operation)
        except Rejected as refusal:
            self.refused.append(Refusal(operation, str(refusal)))
            return []

    def standing(self, subject: Ref, now: datetime) -> Standing:
        self.member(subject).go(now)
        self._rate(subject, now)
        return self.member(subject).standing(now)

    def _rate(self, subject: Ref, now: datetime) -> None:
        """Tiers by score go by the customer score of the same facts."""
        member, policy = self.member(subject), self.policy(now)
        rules = program_of(policy).tiers
        if rules and rules.metric == "score":
            card = score_card(subject, member.facts, policy, NOTHING_FITTED, now)
            member.course.rate(card.customer.score if card.customer else 0, now)

    def policy(self, now: datetime) -> Policy:
        held = [at for at in self.later if at <= now]
        return self.later[max(held)] if held else self.first

    def _done(self, member: Member, operation: Operation) -> list[Entry]:
        one = operation
        match one.kind:
            case "redeem" if one.reward:
                asked = Spending(one.id, 0, one.actor, one.reason)
                return member.redeem_reward(one.reward, asked, one.at, self._given())
            case "redeem":
                return member.redeem(Spending(one.id, one.points, one.actor, one.reason), one.at)
            case "cancel":
                return member.cancel(one.of, one.at, one.actor, one.reason)
            case "adjust":
                adjustment = Adjustment(one.id, one.points, one.actor, one.reason)
                return member.adjust(adjustment, one.at)
            case _:
                return self._merge(member, one)

    def _merge(self, member: Member, one: Operation) -> list[Entry]:
        loser = typed_ref(one.of)
        other = self.member(loser)
        if other is member:
            return []
        other.go(one.at)
        tiers = other.course.tiers
        merged = Merged(
            loser=loser.id,
            tier=other.tier or "",
            valid_until=tiers.valid_until if tiers else None,
            actor=one.actor,
            reason=one.reason,
        )
        self.gone[loser] = one.subject
        return member.absorb(other, merged, one.at)

    def _given(self) -> Given:
        entries = [
            entry
            for member in self.members.values()
            for entry in member.book.redeemed.values()
            if entry.detail and entry.of not in member.book.cancelled
        ]
        counts = Counter(str(entry.detail["reward"]) for entry in entries if entry.detail)
        codes = {str(entry.detail.get("code", "")) for entry in entries if entry.detail}
        return Given(counts, frozenset(codes))


def program_of(policy: Policy) -> Program:
    """Raises ValueError for a policy without a programme."""
    if policy.loyalty is None:
        raise ValueError("the policy has no section loyalty")
    return policy.loyalty


def play(
    replay: Replay,
    operations: Sequence[Operation],
    subjects: Iterable[Ref],
    instants: Sequence[datetime],
) -> list[tuple[Ref, Standing]]:
    """Operations in the order of time, and how everybody stands at each of the instants."""
    told: list[tuple[Ref, Standing]] = []
    waiting = sorted(operations, key=lambda one: (one.at, one.id))
    asked = sorted(set(instants))
    for instant in asked:
        while waiting and waiting[0].at <= instant:
            replay.do(waiting.pop(0))
        told += [
            (subject, replay.standing(subject, instant))
            for subject in subjects
            if subject not in replay.gone
        ]
    return sorted(told, key=lambda pair: (pair[0], pair[1].at))
