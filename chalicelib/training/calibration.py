"""From scores that rank to chances that can be believed.

Platt's way has two numbers, ``chance = 1 / (1 + exp(-(A · score + B)))``, fitted on scores that
were held out, to (N₊ + 1) / (N₊ + 2) for those who did and 1 / (N₋ + 2) for the others. The
isotonic way, for a thousand rows or more, takes any rising line: the best in squares.

>>> flags = [True] * 10 + [False] * 40 + [True] * 30 + [False] * 20
>>> a, b = platt([-1.0] * 50 + [1.0] * 50, flags)
>>> round(chance_of(b - a), 2), round(chance_of(b + a), 2)
(0.21, 0.59)
>>> line = isotonic([1, 2, 3, 4], [False, True, False, True])
>>> line.at(2.5), line.at(3.5), line.at(9)
(0.5, 0.75, 1.0)

Source: Platt 1999 with the Newton steps of Lin, Lin and Weng 2007; Zadrozny and Elkan 2002; pool
adjacent violators as in Barlow, Bartholomew, Bremner and Brunk 1972.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter

from chalicelib.prediction.propensity import Shift, chance_of

FEWEST_HELD_OUT = 200
FEWEST_FOR_ISOTONIC = 1000
_ITERATIONS = 100
_TOLERANCE = 1e-10
_LEAST_STEP = 1e-10
_RIDGE = 1e-12


def platt(scores: Sequence[float], outcomes: Sequence[bool]) -> Shift:
    """A and B. ``scores`` are log-odds or any others of that size; at least one of each outcome."""
    did = sum(outcomes)
    high, low = (did + 1) / (did + 2), 1 / (len(outcomes) - did + 2)
    wanted = [high if outcome else low for outcome in outcomes]
    shift = 0.0, math.log((did + 1) / (len(outcomes) - did + 1))
    value = _loss(scores, wanted, shift)
    for _ in range(_ITERATIONS):
        step = _newton(scores, wanted, shift)
        if max(map(abs, step)) < _TOLERANCE:
            break
        shift, value, moved = _searched(scores, wanted, shift, value, step)
        if not moved:
            break
    return shift


def _newton(scores: Sequence[float], wanted: Sequence[float], shift: Shift) -> Shift:
    chances = [chance_of(shift[0] * score + shift[1]) for score in scores]
    residuals = [chance - want for chance, want in zip(chances, wanted, strict=True)]
    weights = [chance * (1 - chance) for chance in chances]
    slope_a = math.fsum(r * s for r, s in zip(residuals, scores, strict=True))
    slope_b = math.fsum(residuals)
    aa = math.fsum(w * s * s for w, s in zip(weights, scores, strict=True)) + _RIDGE
    ab = math.fsum(w * s for w, s in zip(weights, scores, strict=True))
    bb = math.fsum(weights) + _RIDGE
    determinant = aa * bb - ab * ab
    return (
        (ab * slope_b - bb * slope_a) / determinant,
        (ab * slope_a - aa * slope_b) / determinant,
    )


def _searched(
    scores: Sequence[float], wanted: Sequence[float], shift: Shift, value: float, step: Shift
) -> tuple[Shift, float, bool]:
    """Half the step until the loss no longer rises."""
    length = 1.0
    while length > _LEAST_STEP:
        there = shift[0] + length * step[0], shift[1] + length * step[1]
        found = _loss(scores, wanted, there)
        if found <= value:
            return there, found, True
        length /= 2
    return shift, value, False


def _loss(scores: Sequence[float], wanted: Sequence[float], shift: Shift) -> float:
    odds = [shift[0] * score + shift[1] for score in scores]
    return math.fsum(
        max(one, 0.0) + math.log1p(math.exp(-abs(one))) - want * one
        for one, want in zip(odds, wanted, strict=True)
    )


@dataclass(frozen=True, slots=True)
class Isotonic:
    """A rising line through ``scores``, which are sorted, and ``chances``; flat beyond its ends."""

    scores: tuple[float, ...]
    chances: tuple[float, ...]

    def at(self, score: float) -> float:
        after = bisect_right(self.scores, score)
        if after == 0:
            return self.chances[0]
        if after == len(self.scores):
            return self.chances[-1]
        low, high = self.scores[after - 1], self.scores[after]
        part = (score - low) / (high - low)
        return self.chances[after - 1] * (1 - part) + self.chances[after] * part


def isotonic(scores: Sequence[float], outcomes: Sequence[bool]) -> Isotonic:
    """Equal scores get one chance. At least one row."""
    pairs = sorted(zip(scores, map(float, outcomes), strict=True))
    blocks: list[tuple[float, int, list[float]]] = []
    for score, equals in groupby(pairs, key=itemgetter(0)):
        flags = [outcome for _, outcome in equals]
        blocks.append((math.fsum(flags), len(flags), [score]))
        while len(blocks) > 1 and _mean(blocks[-2]) >= _mean(blocks[-1]):
            last = blocks.pop()
            before = blocks.pop()
            # A block keeps only its ends: the line is flat between them.
            ends = [before[2][0], last[2][-1]]
            blocks.append((before[0] + last[0], before[1] + last[1], ends))
    points = [(score, _mean(block)) for block in blocks for score in block[2]]
    return Isotonic(tuple(score for score, _ in points), tuple(chance for _, chance in points))


def _mean(block: tuple[float, int, list[float]]) -> float:
    return block[0] / block[1]
