"""Where to part a score, so that the bands tell who buys.

Two borders make three bands. Of all pairs on a grid those are taken under which the outcomes are
most likely, each band having the share who bought in it as its chance. Borders that were chosen on
some people look better on them than they are, so half of the people choose and the other half
judges: new borders are worth a change only if they foretell the outcomes of the second half better
than the present ones do, by more than the 95 % interval of the mean gain per person.

>>> people = [Scored(str(n), n % 100, n % 100 >= 60 and n % 3 > 0) for n in range(3000)]
>>> found = best_borders(people, present=(90, 80), grid=range(5, 100, 5))
>>> found.proposed[1], found.is_better
(60, True)

Source: segments by maximal likelihood, as in regression trees (Breiman, Friedman, Olshen and Stone
1984); the comparison is that of Vuong 1989, "Likelihood ratio tests for model selection and
non-nested hypotheses".
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import accumulate, combinations, pairwise
from typing import NamedTuple

from chalicelib.training.association import Z
from chalicelib.training.satisfaction import wilson

FEWEST_IN_BAND = 30
FEWEST_OUTCOMES = 10
"""Of each sort, in each half."""


class Scored(NamedTuple):
    """Somebody's score as of the cutoff, and whether they bought afterwards."""

    id: str
    score: float
    bought: bool


@dataclass(frozen=True, slots=True)
class Band:
    """``low`` and ``high`` are Wilson's interval of the share who bought, 95 %."""

    people: int
    bought: int
    low: float
    high: float

    @property
    def share(self) -> float:
        return self.bought / self.people if self.people else 0.0


@dataclass(frozen=True, slots=True)
class Borders:
    """``proposed`` are the better border and the worse one, None if there is no pair to choose.

    ``gain`` is the mean gain in the logarithm of likelihood per person who judges, with its
    interval. ``before`` and ``after`` are the bands of all people, the best first.
    """

    proposed: tuple[float, float] | None
    gain: tuple[float, float]
    before: tuple[Band, ...]
    after: tuple[Band, ...]
    why_not: str = ""

    @property
    def is_better(self) -> bool:
        return self.proposed is not None and self.gain[0] > 0


def best_borders(
    people: Sequence[Scored], present: tuple[float, float], grid: Iterable[float]
) -> Borders:
    """``present`` and ``proposed`` are the better border first, as a policy writes them."""
    before = bands(people, present)
    choosing, judging = _halves(people)
    if reason := _too_few(choosing) or _too_few(judging):
        return Borders(None, (0.0, 0.0), before, before, reason)
    chosen = _most_likely(choosing, sorted(grid))
    if chosen is None:
        reason = f"no borders leave {FEWEST_IN_BAND} people in each band"
        return Borders(None, (0.0, 0.0), before, before, reason)
    gain = _gain(choosing, judging, present, chosen)
    after = bands(people, chosen)
    return Borders(chosen, gain, before, after)


def bands(people: Iterable[Scored], borders: tuple[float, float]) -> tuple[Band, ...]:
    """The best first. An empty band has the interval of knowing nothing."""
    return tuple(_band(people_, bought) for people_, bought in reversed(_counts(people, borders)))


def _band(people: int, bought: int) -> Band:
    low, high = wilson(bought, people) if people else (0.0, 1.0)
    return Band(people, bought, low, high)


def is_out_of_order(before: Sequence[Band]) -> bool:
    """Whether a better band clearly buys less than the one below it."""
    return any(
        better.people and worse.people and better.high < worse.low
        for better, worse in pairwise(before)
    )


def _halves(people: Iterable[Scored]) -> tuple[list[Scored], list[Scored]]:
    """By the id, so that the same history is always halved alike."""
    halves: tuple[list[Scored], list[Scored]] = ([], [])
    for one in people:
        halves[sha256(one.id.encode()).digest()[0] & 1].append(one)
    return halves


def _too_few(half: Sequence[Scored]) -> str:
    bought = sum(one.bought for one in half)
    if min(bought, len(half) - bought) >= FEWEST_OUTCOMES:
        return ""
    return (
        f"{bought} of {len(half)} people of one half bought later; "
        f"{FEWEST_OUTCOMES} who did and {FEWEST_OUTCOMES} who did not are needed"
    )


_Counts = list[tuple[int, int]]
"""People and those of them who bought, of the worst band first."""


def _counts(people: Iterable[Scored], borders: tuple[float, float]) -> _Counts:
    rising = sorted(borders)
    counts = [(0, 0)] * 3
    for one in people:
        place = bisect_right(rising, one.score)
        counts[place] = (counts[place][0] + 1, counts[place][1] + one.bought)
    return counts


def _most_likely(people: Sequence[Scored], grid: Sequence[float]) -> tuple[float, float] | None:
    """The pair of the highest likelihood; of equal ones the lowest.

    Only pairs in which a better band bought no less than a worse one are names for anything.
    """
    below = _below(people, grid)
    found: list[tuple[float, float, float]] = []
    for low, high in combinations(range(len(grid)), 2):
        edges = ((0, 0), below[low], below[high], below[-1])
        counts = [(b[0] - a[0], b[1] - a[1]) for a, b in pairwise(edges)]
        if min(count for count, _ in counts) >= FEWEST_IN_BAND and _rises(counts):
            found.append((-_likelihood(counts), grid[low], grid[high]))
    if not found:
        return None
    _, worse, better = min(found)
    return better, worse


def _below(people: Iterable[Scored], grid: Sequence[float]) -> _Counts:
    """People below each border and those of them who bought, and last of all of them."""
    cells = [(0, 0)] * (len(grid) + 1)
    for one in people:
        place = bisect_right(grid, one.score)
        cells[place] = (cells[place][0] + 1, cells[place][1] + one.bought)
    counts, bought = zip(*cells, strict=True)
    return list(zip(accumulate(counts), accumulate(bought), strict=True))


def _rises(counts: _Counts) -> bool:
    shares = [bought / people for people, bought in counts]
    return shares == sorted(shares)


def _likelihood(counts: _Counts) -> float:
    """The logarithm; nothing for a band in which all or none bought."""
    return math.fsum(
        part * math.log(part / people)
        for people, bought in counts
        for part in (bought, people - bought)
        if part
    )


def _gain(
    choosing: Sequence[Scored],
    judging: Sequence[Scored],
    present: tuple[float, float],
    chosen: tuple[float, float],
) -> tuple[float, float]:
    was, would = _chances(choosing, present), _chances(choosing, chosen)
    gains = [_foretold(one, would, chosen) - _foretold(one, was, present) for one in judging]
    mean = math.fsum(gains) / len(gains)
    variance = math.fsum((gain - mean) ** 2 for gain in gains) / (len(gains) - 1)
    half = Z * math.sqrt(variance / len(gains))
    return mean - half, mean + half


def _chances(people: Sequence[Scored], borders: tuple[float, float]) -> list[float]:
    """One person more of each sort in each band, so that no outcome is impossible."""
    return [(bought + 1) / (count + 2) for count, bought in _counts(people, borders)]


def _foretold(one: Scored, chances: Sequence[float], borders: tuple[float, float]) -> float:
    chance = chances[bisect_right(sorted(borders), one.score)]
    return math.log(chance if one.bought else 1 - chance)
