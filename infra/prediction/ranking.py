"""Customers of a past day in order of what was expected of them, and what the best of them did.

Who is expected to buy alike is taken alike: of a group at an edge its share is counted, so that
nothing hangs on the order of a file.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate
from math import sqrt
from typing import NamedTuple

from chalicelib.prediction.purchases import History
from chalicelib.training.buyers import Past
from infra.prediction.pictures import Point

_Z = 1.959964


class Group(NamedTuple):
    """Customers of whom the same is expected; ``bought`` and ``squares`` sum what each bought."""

    expected: float
    customers: float
    bought: float
    squares: float

    def part(self, share: float) -> Group:
        return Group(
            self.expected, share * self.customers, share * self.bought, share * self.squares
        )


def ranked(past: Past, expected: Callable[[History], float]) -> list[Group]:
    """The best first."""
    known = {history: expected(history) for history in {one for one, _ in past.rows}}
    rows = past.rows.items()
    return grouped((known[history], customers, bought) for (history, bought), customers in rows)


def grouped(rows: Iterable[tuple[float, int, int]]) -> list[Group]:
    """Of what was expected, how many customers, and how often each of them bought."""
    sums: defaultdict[float, list[float]] = defaultdict(lambda: [0.0, 0.0, 0.0])
    for expected, customers, bought in rows:
        row = sums[expected]
        row[0] += customers
        row[1] += customers * bought
        row[2] += customers * bought * bought
    return [Group(value, *sums[value]) for value in sorted(sums, reverse=True)]


def rule_of_thumb(past: Past) -> Callable[[History], float]:
    """Everybody goes on as before: x/T·t."""
    return lambda h: h.frequency / h.age * past.horizon if h.age else 0.0


def shares(groups: Sequence[Group], steps: int) -> list[float]:
    """Of all purchases, those of the best 0, 1/steps, 2/steps … of the customers."""
    whole = sum(one.bought for one in groups)
    made = (sum(one.bought for one in some) for some in slices(groups, steps))
    return [0.0, *(one / whole if whole else 0.0 for one in accumulate(made))]


def tenths(groups: Sequence[Group]) -> list[Point]:
    """Means by tenth of the customers, with an interval of 95 % of what was bought."""
    return [_point(some) for some in slices(groups, 10)]


def slices(groups: Sequence[Group], parts: int) -> Iterator[list[Group]]:
    size = sum(one.customers for one in groups) / parts
    for place in range(parts if size else 0):
        yield list(_between(groups, place * size, (place + 1) * size))


def _between(groups: Iterable[Group], low: float, high: float) -> Iterator[Group]:
    before = 0.0
    for one in groups:
        taken = min(high, before + one.customers) - max(low, before)
        if taken > 0:
            yield one.part(taken / one.customers)
        before += one.customers


def _point(groups: Sequence[Group]) -> Point:
    n = sum(one.customers for one in groups)
    mean = sum(one.bought for one in groups) / n
    variance = max(sum(one.squares for one in groups) / n - mean * mean, 0.0)
    width = _Z * sqrt(variance / n)
    expected = sum(one.customers * one.expected for one in groups) / n
    return Point(expected, mean, max(mean - width, 0.0), mean + width)
