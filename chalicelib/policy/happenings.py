"""Conditions on what happened: how often, how much, when first or last, and in which order.

What happened is an activity of some kind, or one of ``SOURCES``: a ``purchase`` (its ``amount`` is
net of refunds), a ``ticket``, an answer to a ``survey``. ``where`` lets through only those with
fitting attributes. ``within_days: 30`` is the rolling window ``(t - 30 days, t]``, ``this: month``
the month of the policy's calendar so far; without a window all that ever happened counts.

The verdict of a window changes by itself when something drops out of it. Every amount is a sum
over what is inside (a ratio is two), so the instants at which things drop out are gone through with
the sums that are left.

Somebody who opened 2 of the 10 e-mails of the last 30 days:

>>> from datetime import UTC
>>> from chalicelib.core.facts import FactSet
>>> from chalicelib.core.model import Activity, Ref
>>> from chalicelib.policy.scope import GREENWICH
>>> now = datetime(2026, 3, 21, tzinfo=UTC)
>>> did = {kind: tuple(Activity(str(day), kind, now - timedelta(days=day), 1, {})
...                    for day in range(10, 10 - many, -1))
...        for kind, many in (("x.email.delivered", 10), ("email.opened", 2))}
>>> profile = Profile(Ref("hubspot-main", "contact", "1"), now, {}, did, (), FactSet())
>>> seldom = {"ratio": "email.opened", "to": "x.email.delivered", "within_days": 30,
...           "at_most": 0.2}
>>> HAPPENINGS["ratio"](seldom, GREENWICH).holds(profile)
True

Source: the filters of marketing automation ("has opened at least 3 times in the last 30 days"); the
windows are those of chapter 0 of the scoring reference, half open.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from itertools import accumulate
from typing import NamedTuple, cast

from chalicelib.core.model import Json
from chalicelib.core.policy import Condition, Profile, Verdict
from chalicelib.localization.periods import Period, window
from chalicelib.policy.occurrences import Occurrence, Told, occurrences
from chalicelib.policy.scope import Scope

Node = Mapping[str, Json]

_NEVER = datetime.max.replace(tzinfo=UTC)


class Window(NamedTuple):
    """What lies after ``begins`` counts, and ``leaves`` says until when something will."""

    begins: datetime
    leaves: Callable[[datetime], datetime]


_ALWAYS = Window(datetime.min.replace(tzinfo=UTC), lambda _: _NEVER)


def _windows(node: Node, scope: Scope) -> Callable[[datetime], Window]:
    """From now to the window that the node names."""
    if "within_days" in node:
        length = timedelta(days=cast(float, node["within_days"]))
        return lambda now: Window(now - length, lambda at: at + length)
    if "this" in node:
        return lambda now: _period(now, cast(Period, node["this"]), scope)
    return lambda _: _ALWAYS


def _period(now: datetime, period: Period, scope: Scope) -> Window:
    start, end = window(now, period, scope.calendar, scope.time_zone)
    # The first instant counts, and windows are open at their beginning.
    return Window(start - timedelta.resolution, lambda _: end)


class _Share(NamedTuple):
    """What one thing adds to the two sums of an amount, until it leaves the window."""

    leaves: datetime
    top: Fraction | int
    bottom: int


@dataclass(frozen=True, slots=True)
class _Amount:
    """A sum, or with ``is_mean`` a quotient of two, that lies ``low <= amount <= high``.

    A quotient of fewer than ``fewest`` is unknown.
    """

    shares: Callable[[Profile, Window], Iterable[_Share]]
    window: Callable[[datetime], Window]
    low: Fraction | float
    high: Fraction | float
    is_mean: bool = False
    fewest: int = 1

    def holds(self, profile: Profile) -> Verdict:
        shares = list(self.shares(profile, self.window(profile.now)))
        top, bottom = sum(one.top for one in shares), sum(one.bottom for one in shares)
        return self._fits(top, bottom)

    def changes_at(self, profile: Profile) -> datetime | None:
        shares = sorted(self.shares(profile, self.window(profile.now)))
        tops = _sums_from([one.top for one in shares])
        bottoms = _sums_from([one.bottom for one in shares])
        now = self._fits(tops[0], bottoms[0])
        for index, share in enumerate(shares, start=1):
            is_last_of_instant = index == len(shares) or shares[index].leaves > share.leaves
            if is_last_of_instant and self._fits(tops[index], bottoms[index]) is not now:
                return None if share.leaves == _NEVER else share.leaves
        return None

    def _fits(self, top: Fraction | int, bottom: Fraction | int) -> Verdict:
        if self.is_mean and bottom < self.fewest:
            return None
        amount = Fraction(top, bottom) if self.is_mean else top
        return self.low <= amount <= self.high


def _sums_from(parts: Sequence[Fraction | int]) -> list[Fraction | int]:
    """Of all, of all but the first, and so on down to nothing."""
    return [*accumulate(reversed(parts), initial=0)][::-1]


def _condition(amount: _Amount, node: Node) -> Condition:
    timed = "within_days" in node or "this" in node
    return Condition(amount.holds, amount.changes_at if timed else None)


def _bounds(node: Node) -> tuple[Fraction | float, Fraction | float]:
    """Exact: 0.2 on the page is a fifth, which 2 of 10 are."""
    low, high = cast(Sequence[float], node.get("between", (-_INFINITE, _INFINITE)))
    low, high = max(low, _number(node, "at_least", low)), min(high, _number(node, "at_most", high))
    low, high = max(low, _number(node, "equals", low)), min(high, _number(node, "equals", high))
    return _exact(low), _exact(high)


_INFINITE = float("inf")


def _number(node: Node, name: str, otherwise: float) -> float:
    return cast(float, node.get(name, otherwise))


def _exact(value: float) -> Fraction | float:
    return value if abs(value) == _INFINITE else Fraction(str(value))


def _count(node: Node, scope: Scope) -> Condition:
    inside = _inside(occurrences(node["count"], node.get("where"), scope))
    return _summed(node, scope, lambda one: one.count, inside)


def _sum(node: Node, scope: Scope) -> Condition:
    inside = _inside(occurrences(node["sum"], node.get("where"), scope))
    return _summed(node, scope, _worth(node), inside)


Inside = Callable[[Profile, Window], Iterable[Occurrence]]


def _inside(told: Told) -> Inside:
    def inside(profile: Profile, frame: Window) -> list[Occurrence]:
        return [one for one in told(profile) if frame.begins < one.at <= profile.now]

    return inside


def _worth(node: Node) -> Callable[[Occurrence], Fraction | int]:
    """Times the count of it; something without that value is worth nothing."""
    name = str(node.get("of", "amount"))

    def worth(one: Occurrence) -> Fraction | int:
        value = one.number(name)
        return 0 if value is None else value * one.count

    return worth


def _summed(
    node: Node, scope: Scope, worth: Callable[[Occurrence], Fraction | int], inside: Inside
) -> Condition:
    def shares(profile: Profile, frame: Window) -> Iterable[_Share]:
        found = inside(profile, frame)
        return [_Share(frame.leaves(one.at), worth(one), 0) for one in found]

    return _condition(_Amount(shares, _windows(node, scope), *_bounds(node)), node)


def _average(node: Node, scope: Scope) -> Condition:
    """Over those that have the value."""
    name = str(node.get("of", "amount"))
    inside = _inside(occurrences(node["average"], node.get("where"), scope))

    def shares(profile: Profile, frame: Window) -> Iterable[_Share]:
        for one in inside(profile, frame):
            value = one.number(name)
            if value is not None:
                yield _Share(frame.leaves(one.at), value * one.count, one.count)

    return _mean(node, scope, shares)


def _ratio(node: Node, scope: Scope) -> Condition:
    over = _inside(occurrences(node["ratio"], node.get("where"), scope))
    under = _inside(occurrences(node["to"], node.get("where"), scope))

    def shares(profile: Profile, frame: Window) -> Iterable[_Share]:
        for one in over(profile, frame):
            yield _Share(frame.leaves(one.at), one.count, 0)
        for one in under(profile, frame):
            yield _Share(frame.leaves(one.at), 0, one.count)

    return _mean(node, scope, shares)


def _mean(
    node: Node, scope: Scope, shares: Callable[[Profile, Window], Iterable[_Share]]
) -> Condition:
    low, high = _bounds(node)
    fewest = cast(int, node.get("fewest", 1))
    amount = _Amount(shares, _windows(node, scope), low, high, is_mean=True, fewest=fewest)
    return _condition(amount, node)


def _first(node: Node, scope: Scope) -> Condition:
    return _age(node, occurrences(node["first"], node.get("where"), scope), min)


def _last(node: Node, scope: Scope) -> Condition:
    return _age(node, occurrences(node["last"], node.get("where"), scope), max)


def _age(node: Node, told: Told, chosen: Callable[[Iterable[datetime]], datetime]) -> Condition:
    """Of what never happened, nothing is known."""
    is_recent = "within_days" in node
    name = "within_days" if is_recent else "longer_ago_days"
    length = timedelta(days=cast(float, node[name]))

    def at(profile: Profile) -> datetime | None:
        past = [one.at for one in told(profile) if one.at <= profile.now]
        return chosen(past) if past else None

    def holds(profile: Profile) -> Verdict:
        found = at(profile)
        return None if found is None else (profile.now - found < length) is is_recent

    def changes_at(profile: Profile) -> datetime | None:
        found = at(profile)
        return found + length if found and found + length > profile.now else None

    return Condition(holds, changes_at)


def _sequence(node: Node, scope: Scope) -> Condition:
    """One after the other, at later instants, all within ``span_days`` if that is given."""
    steps = [_step(step, scope) for step in cast(Sequence[Json], node["sequence"])]
    span = timedelta(days=cast(float, node["span_days"])) if "span_days" in node else None
    windows = _windows(node, scope)

    def last(profile: Profile) -> datetime | None:
        times = [sorted(one.at for one in step(profile) if one.at <= profile.now) for step in steps]
        return completed(times, span)

    def holds(profile: Profile) -> Verdict:
        end = last(profile)
        return end is not None and end > windows(profile.now).begins

    def changes_at(profile: Profile) -> datetime | None:
        end, frame = last(profile), windows(profile.now)
        return frame.leaves(end) if end and end > frame.begins else None

    timed = "within_days" in node or "this" in node
    return Condition(holds, changes_at if timed else None)


def _step(step: Json, scope: Scope) -> Told:
    if isinstance(step, dict):
        return occurrences(step["event"], step.get("where"), scope)
    return occurrences(step, None, scope)


def completed(steps: Sequence[Sequence[datetime]], span: timedelta | None) -> datetime | None:
    """When the sequence was last completed; ``steps`` are sorted.

    The latest beginning serves best, so each end needs to know only that one.

    >>> day = [datetime(2026, 3, number, tzinfo=UTC) for number in range(1, 10)]
    >>> completed([[day[0], day[4]], [day[3], day[5]]], timedelta(days=2)) == day[5]
    True
    """
    chains = [(at, at) for at in steps[0]]
    for step in steps[1:]:
        ends = [end for _, end in chains]
        before = [(bisect_left(ends, at), at) for at in step]
        chains = [(chains[index - 1][0], at) for index, at in before if index]
    return max((end for began, end in chains if span is None or end - began <= span), default=None)


HAPPENINGS: Mapping[str, Callable[[Node, Scope], Condition]] = {
    "count": _count,
    "sum": _sum,
    "average": _average,
    "ratio": _ratio,
    "first": _first,
    "last": _last,
    "sequence": _sequence,
}
