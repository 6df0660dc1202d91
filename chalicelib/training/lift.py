"""Does a score find those who buy? The lift of its best, with intervals.

Of the best share q of n people, ties at the edge counted in proportion::

    lift = (buyers among the best / q n) / (buyers / n)

1 is what drawing lots gives. Its interval is Wilson's of the buyers' share among the best, over
the share of all. Two scores of the same people are compared by resampling the people (bootstrap):
one is better only if the interval of the difference leaves out 0. Chance is an argument.

>>> people = [Judged(old=n, new=n % 10, bought=n >= 90) for n in range(100)]
>>> lift(people, 0.1, "old").lift, lift(people, 0.1, "new").lift
(10.0, 1.0)
>>> from random import Random
>>> low, high = difference(people, 0.1, Random(7))
>>> low < high < 0
True

Source: Wilson 1927; Efron and Tibshirani 1993, chapter 13, for the percentile interval.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeVar

from chalicelib.training.satisfaction import wilson

RESAMPLES = 1000
_DRAWS = 5_000_000
"""At most so many people are drawn in all, for many people need few resamples."""

_FEWEST = 200

Side = Literal["old", "new"]

T = TypeVar("T")


class Chance(Protocol):
    """What ``random.Random`` offers, seeded by whoever asks."""

    def choices(
        self, population: Sequence[T], weights: Sequence[float], *, k: int
    ) -> Sequence[T]: ...


@dataclass(frozen=True, slots=True)
class Judged:
    """One person's score under each policy, and whether they bought afterwards."""

    old: int
    new: int
    bought: bool


@dataclass(frozen=True, slots=True)
class Lift:
    """Of the best ``share``: how many times as many buy as of all, with an interval of 95 %."""

    share: float
    people: int
    buyers: int
    rate: float
    lift: float
    low: float
    high: float


def lift(people: Iterable[Judged], share: float, side: Side) -> Lift | None:
    """None where nobody, or nobody who bought, is to be judged by."""
    cells = Counter((getattr(one, side), one.bought) for one in people)
    count, buyers = cells.total(), sum(n for (_, bought), n in cells.items() if bought)
    if not buyers:
        return None
    best = share * count
    hits = _hits(cells, best)
    low, high = wilson(hits, best)
    base = buyers / count
    rate = hits / best
    return Lift(share, count, buyers, rate, rate / base, low / base, high / base)


def difference(people: Iterable[Judged], share: float, chance: Chance) -> tuple[float, float]:
    """The interval of 95 % of the new score's lift less the old one's."""
    cells = Counter((one.old, one.new, one.bought) for one in people)
    kinds, weights, count = list(cells), list(cells.values()), cells.total()
    times = min(RESAMPLES, max(_FEWEST, _DRAWS // max(count, 1)))
    found = sorted(
        _lead(Counter(chance.choices(kinds, weights, k=count)), share * count) for _ in range(times)
    )
    edge = round(0.025 * times)
    return found[edge], found[-1 - edge]


def _lead(cells: Mapping[tuple[int, int, bool], int], best: float) -> float:
    """By how much the new score's lift is above the old one's."""
    olds, news = Counter[tuple[int, bool]](), Counter[tuple[int, bool]]()
    for (old, new, bought), number in cells.items():
        olds[old, bought] += number
        news[new, bought] += number
    buyers = sum(number for (_, bought), number in olds.items() if bought)
    if not buyers:
        return 0.0
    return (_hits(news, best) - _hits(olds, best)) / best / (buyers / olds.total())


def _hits(cells: Mapping[tuple[int, bool], int], best: float) -> float:
    """Buyers among the best so many."""
    hits, room = 0.0, best
    for score in sorted({score for score, _ in cells}, reverse=True):
        buyers = cells.get((score, True), 0)
        people = buyers + cells.get((score, False), 0)
        taken = min(people, room)
        hits += buyers * taken / people
        room -= taken
        if room <= 0:
            break
    return hits
