"""From scores that rank to chances that can be believed.

Platt's way has two numbers, ``chance = 1 / (1 + exp(-(A · score + B)))``, fitted on scores that
were held out, to (N₊ + 1) / (N₊ + 2) for those who did and 1 / (N₋ + 2) for the others. The
isotonic way, for a thousand rows or more, takes any rising line: the best in squares. By it chances
to buy are set right, after what came of those that a trial on the past told.

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
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from operator import itemgetter

from chalicelib.prediction.calibration import Calibration, Isotonic
from chalicelib.prediction.propensity import Propensity, Shift, chance_of
from chalicelib.training.binning import Row

FEWEST_HELD_OUT = 200
FEWEST_FOR_ISOTONIC = 1000
FEWEST_OF_EITHER = 30
_NEIGHBOURS, _POINTS = 50, 100
_ITERATIONS = 100
_TOLERANCE = 1e-10
_LEAST_STEP = 1e-10
_RIDGE = 1e-12

Point = tuple[float, float, float]
"""A score, how many rows have it, and how many of these did what is hoped for."""


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


def new_odds(model: Propensity, rows: Sequence[Row], outcomes: Sequence[bool]) -> Shift | None:
    """What sets the odds of a model right by what came of late.

    None where these are fewer than 200 cases, or 30 of either outcome, or where whoever is likelier
    did less.
    """
    did = sum(outcomes)
    if len(rows) < FEWEST_HELD_OUT or min(did, len(rows) - did) < FEWEST_OF_EITHER:
        return None
    shift = platt([model.log_odds(row) for row in rows], outcomes)
    return shift if shift[0] > 0 else None


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


def isotonic(scores: Sequence[float], outcomes: Sequence[bool]) -> Isotonic:
    """Equal scores get one chance. At least one row."""
    pairs = sorted(zip(scores, map(float, outcomes), strict=True))
    found = []
    for score, equals in groupby(pairs, key=itemgetter(0)):
        flags = [outcome for _, outcome in equals]
        found.append((score, float(len(flags)), math.fsum(flags)))
    return rising(found)


def rising(points: Iterable[Point]) -> Isotonic:
    """The same of rows that are counted by score; scores rise. At least one point."""
    blocks: list[tuple[float, float, list[float]]] = []
    for score, rows, did in points:
        blocks.append((did, rows, [score]))
        while len(blocks) > 1 and _mean(blocks[-2]) >= _mean(blocks[-1]):
            last = blocks.pop()
            before = blocks.pop()
            # A block keeps only its ends: the line is flat between them.
            ends = [before[2][0], last[2][-1]]
            blocks.append((before[0] + last[0], before[1] + last[1], ends))
    line = [(score, _mean(block)) for block in blocks for score in block[2]]
    return Isotonic(tuple(score for score, _ in line), tuple(chance for _, chance in line))


def _mean(block: tuple[float, float, list[float]]) -> float:
    return block[0] / block[1]


def calibrated(told: Sequence[tuple[int, Sequence[Point]]]) -> Calibration | None:
    """Of the chances to buy within so many days that were told on a past day, and of who bought.

    None, which leaves chances as they are, with fewer than a thousand people or 30 of either
    outcome. Neighbours are taken together, 50 or a hundredth of all, lest the line follow single
    people; and it begins at 0, since who cannot buy does not.
    """
    lines = [(days, _line(points)) for days, points in told if _are_enough(points)]
    return Calibration(tuple(lines)) if lines and len(lines) == len(told) else None


def _are_enough(points: Sequence[Point]) -> bool:
    rows, did = sum(one[1] for one in points), sum(one[2] for one in points)
    return rows >= FEWEST_FOR_ISOTONIC and min(did, rows - did) >= FEWEST_OF_EITHER


def _line(points: Sequence[Point]) -> Isotonic:
    line = rising(_together(points, max(_NEIGHBOURS, sum(one[1] for one in points) / _POINTS)))
    return Isotonic((0.0, *line.scores), (0.0, *line.chances)) if line.scores[0] > 0 else line


def _together(points: Sequence[Point], least: float) -> Iterator[Point]:
    """So many rows at least in each, by their mean score; what is left over joins the last."""
    groups: list[list[Point]] = [[]]
    rows, left = 0.0, sum(one[1] for one in points)
    for one in sorted(points):
        if rows >= least and left >= least:
            groups.append([])
            rows = 0.0
        groups[-1].append(one)
        rows, left = rows + one[1], left - one[1]
    for group in groups:
        size = math.fsum(n for _, n, _ in group)
        yield (
            math.fsum(score * n for score, n, _ in group) / size,
            size,
            math.fsum(did for _, _, did in group),
        )
