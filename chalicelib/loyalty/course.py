"""The walk through what happened: what should have been earned, and which tier was held when.

The course goes through happenings and through what time itself brings about (a review, the end of a
grace, points that become available) in the order of time, each by the programme in force then. So
its outcome is a function of the *set* of facts: it does not matter when they came in. It does not
know what was spent. ``advance`` may be called again with a later instant; facts that lie before
the instant reached need a new course.

A review and three purchases, of which one goes back:

>>> from datetime import UTC, timedelta
>>> from zoneinfo import ZoneInfo
>>> from chalicelib.core.facts import Fact, FactSet
>>> from chalicelib.core.model import Ref, Text
>>> from chalicelib.loyalty.happenings import happenings
>>> rule = EarningRule("purchase", "purchase", 10, Text("", ""), step=1_000_000)
>>> program = Program(ZoneInfo("Asia/Tehran"), "jalali", "IRR", earning=(rule,))
>>> start, who = datetime(2025, 4, 1, tzinfo=UTC), Ref("hubspot-main", "contact", "1")
>>> def told(kind, name, days, million, **more):
...     data = {"amount": {"amount": million * 1_000_000, "currency": "IRR"}, **more}
...     return Fact(who, kind, name, start + timedelta(days=days), data)
>>> facts = FactSet.of([told("purchase", "a", 0, 3), told("purchase", "b", 1, 2),
...                     told("refund", "c", 9, 1, purchase="a")])
>>> course = Course(happenings(facts, "IRR"), Programs.of(program))
>>> _ = course.advance(start + timedelta(days=5))
>>> {key: one.points for key, one in course.earned.items()}
{'purchase:purchase:a': 30, 'purchase:purchase:b': 20}
>>> [(change.key, change.points) for change in course.advance(start + timedelta(days=10))]
[('purchase:purchase:a', 20)]
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import NamedTuple

from chalicelib.core.loyalty import EarningRule, Expiry, Mission, Program
from chalicelib.core.purchases import Sale
from chalicelib.loyalty.earning import earning_amount, factor, fitting, net, priced
from chalicelib.loyalty.expiry import dies_at
from chalicelib.loyalty.happenings import PURCHASE, REFUND, Happening
from chalicelib.loyalty.missions import Award, MissionBoard
from chalicelib.loyalty.program import Programs
from chalicelib.loyalty.spans import LAST, day_of
from chalicelib.loyalty.tiers import TierCourse


@dataclass(slots=True)
class Earned:
    """What a source earned by a rule or mission: ``points`` by all that is known by now.

    ``key`` is rule and source. The dates are those of the lot that it opens; with
    ``inactive_days`` nobody knows yet when it dies.
    """

    key: str
    rule: str
    source: str
    at: datetime
    points: int
    available_at: datetime
    expires_at: datetime | None
    inactive_days: int | None
    program: Program
    qualifies: bool
    changed_at: datetime


class Change(NamedTuple):
    """From ``at`` on a key is worth so many ``points``."""

    at: datetime
    key: str
    points: int


class Joined(NamedTuple):
    """A merge brought a tier along."""

    at: datetime
    tier: str
    valid_until: datetime | None


@dataclass(slots=True)
class _Bill:
    """A purchase that was priced: by which rules, with which factors."""

    happening: Happening
    program: Program
    priced: list[tuple[EarningRule, str, Fraction]]
    flat: list[str]
    net: int


class Course:
    """``kept`` are activities of which only what they earned is known any more.

    ``joins`` are merges in the order of time.
    """

    def __init__(
        self,
        happened: Sequence[Happening],
        programs: Programs,
        kept: Iterable[Earned] = (),
        joins: Iterable[Joined] = (),
    ) -> None:
        self.programs = programs
        self.earned: dict[str, Earned] = {}
        self.sources = {one.source for one in happened}
        self.missions = MissionBoard(programs.first.time_zone)
        self.tiers = _tiers(programs)
        self.reached: datetime | None = None
        self._steps = _in_order(happened, programs, kept, joins)
        self._next = 0
        self._program = programs.first
        self._waiting: list[tuple[datetime, str]] = []
        self._unlifted: set[str] = set()
        self._bills: dict[str, _Bill] = {}
        self._refunds: defaultdict[str, list[Sale]] = defaultdict(list)
        self._of_day: defaultdict[tuple[str, date], int] = defaultdict(int)
        self._of_all: defaultdict[str, int] = defaultdict(int)
        self._changes: list[Change] = []

    def advance(self, until: datetime) -> list[Change]:
        """Go on to ``until``, included; what that changes, in the order of time."""
        self._changes = []
        while (at := min(self._coming(), self._due())) <= until:
            if self._due() <= at:
                self._pass(at)
            else:
                self._take(self._steps[self._next])
                self._next += 1
        self.reached = until
        return self._changes

    def rate(self, score: float, at: datetime) -> None:
        """The score that tiers go by where that is their metric, as of an instant reached."""
        if self.tiers and self.tiers.rules.metric == "score":
            self.tiers.score = Fraction(str(score))
            self._contributed(at)

    def next_at(self) -> datetime | None:
        """When something comes that is dated ahead, or time alone changes the tier."""
        at = min(self._coming(), self._due())
        return None if at == LAST else at

    def _coming(self) -> datetime:
        return self._steps[self._next].at if self._next < len(self._steps) else LAST

    def _due(self) -> datetime:
        waiting = self._waiting[0][0] if self._waiting else LAST
        review = self.tiers.next_at if self.tiers and self._program.tiers else None
        return min(waiting, review or LAST)

    def _pass(self, at: datetime) -> None:
        """What time brings about: points that become available, then the tier's own."""
        if self._waiting and self._waiting[0][0] <= at:
            _, key = heapq.heappop(self._waiting)
            self._unlifted.discard(key)
            self._lift(self.earned[key], self.earned[key].points)
            self._contributed(at)
        elif self.tiers:
            self.tiers.due(at)

    def _take(self, step: _Step) -> None:
        match step.what:
            case Happening() as one if one.kind == REFUND:
                self._refund(one)
            case Happening() as one:
                self._happen(one)
            case Program() as program:
                self._govern(program, step.at)
            case Joined() as joined if self.tiers:
                self.tiers.adopt(joined.tier, joined.valid_until, joined.at)
            case Earned() as earned:
                self._grant(earned)
                self._contributed(earned.at)

    def _govern(self, program: Program, at: datetime) -> None:
        self._program = program
        if self.tiers and program.tiers:
            self.tiers.govern(program.tiers, at)

    def _happen(self, one: Happening) -> None:
        if one.kind == PURCHASE:
            self._buy(one)
        else:
            for rule in self._rules(one):
                self._give(rule, one, self._limited(rule, one) * rule.points)
            self._count(one.kind, one, one.count)
        self._serve_missions(one)
        self._contributed(one.at)

    def _rules(self, one: Happening) -> Iterator[EarningRule]:
        for rule in self._program.by_event.get(one.kind, ()):
            if one.at in rule.dates and fitting(rule.fits, one.attributes):
                yield rule

    def _limited(self, rule: EarningRule, one: Happening) -> int:
        """How many of an activity count; the earlier ones of a day come first.

        A limit that was lowered meanwhile may be passed already.
        """
        if rule.max_per_day is None and rule.max_total is None:
            return one.count
        day = rule.id, day_of(one.at, self._program.time_zone)
        count = one.count
        if rule.max_per_day is not None:
            count = min(count, max(rule.max_per_day - self._of_day[day], 0))
        if rule.max_total is not None:
            count = min(count, max(rule.max_total - self._of_all[rule.id], 0))
        self._of_day[day] += count
        self._of_all[rule.id] += count
        return count

    def _give(self, rule: EarningRule, one: Happening, points: int) -> str:
        earned = _earned(f"{rule.id}:{one.source}", one, points, rule, self._program)
        self._grant(earned)
        return earned.key

    def _grant(self, earned: Earned) -> None:
        self.earned[earned.key] = earned
        if earned.points:
            self._changes.append(Change(earned.at, earned.key, earned.points))
        if self.tiers is None or not earned.qualifies:
            return
        waits = earned.available_at > earned.at and not self._pending_lifts()
        for measure in _point_measures(earned.source):
            self.tiers.add(measure, earned.key, earned.at, 0 if waits else earned.points)
        if waits:
            heapq.heappush(self._waiting, (earned.available_at, earned.key))
            self._unlifted.add(earned.key)

    def _pending_lifts(self) -> bool:
        rules = self._program.tiers
        return rules is None or rules.pending_lifts

    def _reprice(self, key: str, points: int, at: datetime) -> None:
        earned = self.earned[key]
        if earned.points == points:
            return
        earned.points, earned.changed_at = points, at
        self._changes.append(Change(at, key, points))
        if key not in self._unlifted:  # what lifts already, whatever the policy says by now
            self._lift(earned, points)

    def _lift(self, earned: Earned, points: int) -> None:
        if self.tiers and earned.qualifies:
            for measure in _point_measures(earned.source):
                self.tiers.change(measure, earned.key, points)

    def _count(self, measure: str, one: Happening, value: int) -> None:
        if self.tiers:
            self.tiers.add(measure, one.source, one.at, value)

    def _contributed(self, at: datetime) -> None:
        if self.tiers and self._program.tiers:
            self.tiers.contributed(at)

    def _buy(self, one: Happening) -> None:
        """Priced by the tier that was held before."""
        sale = one.sale
        assert sale is not None
        refunds = self._refunds.get(sale.id, ())
        amount = earning_amount(sale, refunds, self._program)
        bill = _Bill(one, self._program, [], [], net(sale, refunds))
        tier = self.tiers.level.name if self.tiers and self._program.tiers else None
        for rule in self._rules(one):
            if rule.step is None:
                count = self._limited(rule, one) if bill.net else 0
                bill.flat.append(self._give(rule, one, count * rule.points))
            else:
                by = factor(self._program.multipliers, rule, one, tier)
                key = self._give(rule, one, priced(rule, amount, by))
                bill.priced.append((rule, key, by))
        self._bills[sale.id] = bill
        self._count("spend", one, self._spend(bill))
        self._count("count", one, 1 if bill.net else 0)

    def _spend(self, bill: _Bill) -> int:
        sale = bill.happening.sale
        same = sale is not None and sale.worth.currency == bill.program.currency
        return bill.net if same else 0

    def _refund(self, one: Happening) -> None:
        """One that comes before its purchase is kept until then."""
        assert one.sale is not None
        identity = str(one.attributes.get("purchase", ""))
        self._refunds[identity].append(one.sale)
        if identity in self._bills:
            supported = bool(self.tiers and self.tiers.is_supported(one.at))
            self._take_back(self._bills[identity], self._refunds[identity], one.at)
            if self.tiers and self._program.tiers:
                self.tiers.refunded(one.at, supported)

    def _take_back(self, bill: _Bill, refunds: Sequence[Sale], at: datetime) -> None:
        sale = bill.happening.sale
        assert sale is not None
        amount = earning_amount(sale, refunds, bill.program)
        bill.net = net(sale, refunds)
        for rule, key, by in bill.priced:
            self._reprice(key, priced(rule, amount, by), at)
        for key in bill.flat:
            if not bill.net:
                self._reprice(key, 0, at)
        self._recount(bill, at)

    def _recount(self, bill: _Bill, at: datetime) -> None:
        source = bill.happening.source
        if self.tiers:
            self.tiers.change("spend", source, self._spend(bill))
            self.tiers.change("count", source, 1 if bill.net else 0)
        for award in self.missions.refunded(source, 1 if bill.net else 0, self._spend(bill)):
            self._reprice(award.key, 0, at)

    def _serve_missions(self, one: Happening) -> None:
        for mission in self._program.missions_by_event.get(one.kind, ()):
            if fitting(mission.fits, one.attributes):
                value = self._worth(mission, one)
                for award in self.missions.contribute(mission, one.at, one.source, value):
                    self._grant(_awarded(award, self._program))

    def _worth(self, mission: Mission, one: Happening) -> int:
        if one.sale is None:
            return one.count
        bill = self._bills[one.sale.id]
        if mission.sums:
            return self._spend(bill)
        return 1 if bill.net else 0


class _Step(NamedTuple):
    at: datetime
    rank: int
    name: str
    what: Happening | Program | Joined | Earned


def _in_order(
    happened: Sequence[Happening],
    programs: Programs,
    kept: Iterable[Earned],
    joins: Iterable[Joined],
) -> list[_Step]:
    """A change of the policy comes first at its instant, a merge last."""
    steps = [_Step(one.at, one.rank, one.source, one) for one in happened]
    steps += [_Step(one.at, 0, one.key, one) for one in kept]
    later = zip(programs.since[1:], programs.each[1:], strict=True)
    steps += [_Step(at, -1, "", program) for at, program in later]
    steps += [_Step(one.at, 3, one.tier, one) for one in joins]
    steps.sort(key=lambda step: step[:3])
    return steps


def _tiers(programs: Programs) -> TierCourse | None:
    """Everything that any of the programmes measures is measured from the beginning."""
    asked = [program.tiers for program in programs.each if program.tiers]
    if not asked:
        return None
    measures = {name for rules in asked for name in rules.measures}
    return TierCourse(asked[0], measures, programs.first.time_zone)


def _point_measures(source: str) -> tuple[str, ...]:
    if source.startswith(f"{PURCHASE}:"):
        return ("points", "purchase_points")
    return ("points",)


def _earned(key: str, one: Happening, points: int, rule: EarningRule, program: Program) -> Earned:
    pending = program.pending_days if rule.pending_days is None else rule.pending_days
    expiry = rule.expiry or program.expiry
    return Earned(
        key=key,
        rule=rule.id,
        source=one.source,
        at=one.at,
        points=points,
        available_at=one.at + timedelta(days=pending),
        expires_at=dies_at(expiry, one.at, program.time_zone),
        inactive_days=_inactive(expiry),
        program=program,
        qualifies=rule.qualifies,
        changed_at=one.at,
    )


def _awarded(award: Award, program: Program) -> Earned:
    mission = award.mission
    expiry = mission.expiry or program.expiry
    return Earned(
        key=award.key,
        rule=mission.id,
        source=f"mission:{award.key}",
        at=award.at,
        points=mission.points,
        available_at=award.at + timedelta(days=program.pending_days),
        expires_at=dies_at(expiry, award.at, program.time_zone),
        inactive_days=_inactive(expiry),
        program=program,
        qualifies=mission.qualifies,
        changed_at=award.at,
    )


def _inactive(expiry: Expiry) -> int | None:
    return expiry.days if expiry.kind == "inactivity" else None
