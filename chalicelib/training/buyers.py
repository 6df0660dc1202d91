"""A population of buyers, counted: how many have each history, how long the gaps between purchases
are, and what followed a past day. All of it can be counted in shards and added up.

>>> from datetime import date
>>> anna = [date(2024, 1, 1), date(2024, 1, 15), date(2024, 1, 29)]
>>> people = population_of([anna, [date(2024, 1, 8)]], date(2024, 2, 5), 7)
>>> people.customers, people.repeaters, people.median_gap, people.longest
(2, 1, 2.0, 5.0)
>>> past_of([anna], date(2024, 1, 22), date(2024, 2, 5), 7).rows
{(History(frequency=1, recency=2.0, age=3.0), 1): 1}
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import pairwise
from typing import TypeVar

from chalicelib.prediction.purchases import History, history_of

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Population:
    """``cells`` counts customers by history, ``gaps`` times between two purchases by length, both
    in one unit of time.
    """

    cells: Mapping[History, int]
    gaps: Mapping[float, int]

    def __add__(self, other: Population) -> Population:
        return Population(_sum(self.cells, other.cells), _sum(self.gaps, other.gaps))

    @property
    def customers(self) -> int:
        return sum(self.cells.values())

    @property
    def repeaters(self) -> int:
        return sum(n for (x, _, _), n in self.cells.items() if x)

    @property
    def longest(self) -> float:
        return max((age for _, _, age in self.cells), default=0.0)

    @property
    def median_gap(self) -> float | None:
        return median(self.gaps)

    @property
    def usual(self) -> History:
        """The medians of purchases, of the time since the last and of that since the first one."""
        frequency = int(self._median(lambda h: h.frequency))
        silence, age = self._median(lambda h: h.age - h.recency), self._median(lambda h: h.age)
        return History(frequency, max(age - silence, 0.0) if frequency else 0.0, age)

    def _median(self, value: Callable[[History], float]) -> float:
        counts: Counter[float] = Counter()
        for h, n in self.cells.items():
            counts[value(History(*h))] += n
        return median(counts) or 0.0


def population_of(customers: Iterable[Sequence[date]], as_of: date, unit_days: float) -> Population:
    """Of the days on which each customer bought; who had not bought by ``as_of`` is left out."""
    cells: Counter[History] = Counter()
    gaps: Counter[float] = Counter()
    for days in customers:
        if history := history_of(days, as_of, unit_days):
            cells[history] += 1
            known = sorted({day for day in days if day <= as_of})
            gaps.update((late - early).days / unit_days for early, late in _pairs(known))
    return Population(cells, gaps)


@dataclass(frozen=True, slots=True)
class Past:
    """What was known on a past day, and what followed within ``horizon``.

    ``rows`` counts customers by their history on that day and how often they bought afterwards.
    For the course of it, by steps of one unit of time since the first purchase of anybody:
    ``starts`` counts those customers by when they began, in days since then, and ``repeats`` their
    repeat purchases by step. ``waits`` counts those who bought afterwards by their history and by
    how many days after that day they did first.
    """

    unit_days: float
    horizon: float
    rows: Mapping[tuple[History, int], int]
    starts: Mapping[int, int]
    repeats: Mapping[int, int]
    waits: Mapping[tuple[History, int], int] = field(default_factory=dict)

    @property
    def cells(self) -> Mapping[History, int]:
        """Customers by their history on that day."""
        found: Counter[History] = Counter()
        for (history, _), n in self.rows.items():
            found[history] += n
        return found

    def __add__(self, other: Past) -> Past:
        """Of shards that have the day, and the day of anybody's first purchase, in common."""
        return Past(
            self.unit_days,
            self.horizon,
            _sum(self.rows, other.rows),
            _sum(self.starts, other.starts),
            _sum(self.repeats, other.repeats),
            _sum(self.waits, other.waits),
        )


def past_of(
    customers: Iterable[Sequence[date]],
    cut_off: date,
    as_of: date,
    unit_days: float,
    *,
    since: date | None = None,
) -> Past:
    """Of those who had bought by ``cut_off``. ``since`` is the day of anybody's first purchase,
    which a shard has to be told.
    """
    bought = [sorted({day for day in days if day <= as_of}) for days in customers]
    known = [days for days in bought if days and days[0] <= cut_off]
    since = since or min((days[0] for days in known), default=cut_off)
    rows: Counter[tuple[History, int]] = Counter()
    starts: Counter[int] = Counter()
    repeats: Counter[int] = Counter()
    waits: Counter[tuple[History, int]] = Counter()
    for days in known:
        before = [day for day in days if day <= cut_off]
        history = history_of(before, cut_off, unit_days)
        if history:
            rows[history, len(days) - len(before)] += 1
        if history and len(days) > len(before):
            waits[history, (days[len(before)] - cut_off).days] += 1
        starts[(days[0] - since).days] += 1
        repeats.update(int((day - since).days // unit_days) for day in days[1:])
    horizon = (as_of - cut_off).days / unit_days
    return Past(unit_days, horizon, dict(rows), starts, repeats, waits)


def apart(customers: Iterable[Sequence[date]], as_of: date) -> tuple[list[Sequence[date]], int]:
    """Those who may be tried on the past, and how many began long before all others.

    Orders dated wrongly would stretch the time that a trial divides until it has nobody to learn
    of. So whoever began half as long again ago as all but a hundredth of the customers is left out.

    >>> old, day = date(1970, 1, 1), date(2024, 1, 31)
    >>> apart([[old], [date(2024, 1, 1)], [date(2024, 1, 11)]], day)[1]
    1
    """
    known = list(customers)
    firsts = sorted(min(days) for days in known if days and min(days) <= as_of)
    if not firsts:
        return known, 0
    usual = firsts[min(max(len(firsts) // _HUNDREDTH, 1), len(firsts) - 1)]
    since = as_of.toordinal() - _LONG_BEFORE * (as_of - usual).days
    kept = [days for days in known if not days or min(days).toordinal() >= since]
    return kept, len(known) - len(kept)


_HUNDREDTH = 100
_LONG_BEFORE = 1.5


def two_thirds(first: date, as_of: date) -> date:
    """The day at two thirds of the time: what comes after it is kept for a test.

    >>> two_thirds(date(2024, 1, 1), date(2024, 1, 31))
    datetime.date(2024, 1, 21)
    """
    return first + timedelta(days=2 * (as_of - first).days // 3)


def median(counts: Mapping[float, int]) -> float | None:
    """Of values that occur so many times.

    >>> median({1.0: 2, 4.0: 2}), median({}), median({1.0: 1, 3.0: 2})
    (2.5, None, 3.0)
    """
    whole = sum(counts.values())
    if not whole:
        return None
    low = _at(counts, (whole - 1) // 2)
    return low if whole % 2 else (low + _at(counts, whole // 2)) / 2


def _at(counts: Mapping[float, int], place: int) -> float:
    seen = 0
    for value in sorted(counts):
        seen += counts[value]
        if seen > place:
            break
    return value


def _pairs(days: Sequence[date]) -> Iterable[tuple[date, date]]:
    return pairwise(days)


def _sum(one: Mapping[T, int], other: Mapping[T, int]) -> Mapping[T, int]:
    whole = Counter(one)
    whole.update(other)
    return whole
