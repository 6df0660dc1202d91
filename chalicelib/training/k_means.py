"""k-means by Lloyd's way: each point to the nearest centre, each centre to the mean of its points.

It ends when no point changes, when the centres move by less than 1e-4 in all (squared, relative to
the mean variance of a feature), or after 300 rounds. A cluster that has lost its points takes the
one farthest from its centre; a point between two goes to the first.

>>> found = partition([(0.0,), (1.0,), (9.0,), (11.0,)], [(0.0,), (1.0,)])
>>> found.centres, found.labels, found.inertia
(((0.5,), (10.0,)), (0, 0, 1, 1), 2.5)

Source: Lloyd 1982; Arthur and Vassilvitskii 2007 for k-means++; conventions as in scikit-learn.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from random import Random

from chalicelib.prediction.clusters import Point

STARTS = 20
ROUNDS = 300
TOLERANCE = 1e-4


@dataclass(frozen=True, slots=True)
class Partition:
    """``inertia`` is the sum of squared distances to the own centre."""

    centres: tuple[Point, ...]
    labels: tuple[int, ...]
    inertia: float

    @property
    def sizes(self) -> list[int]:
        return [self.labels.count(place) for place in range(len(self.centres))]


def best_partition(
    points: Sequence[Point], k: int, chance: Random, starts: int = STARTS
) -> Partition:
    """The one of least inertia, the first of equals. At least k different points are needed."""
    found = (partition(points, seeded(points, k, chance)) for _ in range(starts))
    return min(found, key=lambda one: one.inertia)


def seeded(points: Sequence[Point], k: int, chance: Random) -> list[Point]:
    """k-means++: each next by chance, in proportion to its squared distance from the others."""
    centres = [chance.choice(points)]
    squares = [_square(point, centres[0]) for point in points]
    while len(centres) < k:
        sums = list(accumulate(squares))
        place = min(bisect_right(sums, chance.random() * sums[-1]), len(points) - 1)
        centres.append(points[place])
        squares = [
            min(square, _square(point, points[place]))
            for square, point in zip(squares, points, strict=True)
        ]
    return centres


def partition(points: Sequence[Point], start: Sequence[Point]) -> Partition:
    """From given centres."""
    centres, labels = list(start), nearest_of_all(points, start)
    least = TOLERANCE * _mean_variance(points)
    for _ in range(ROUNDS):
        moved = _means(points, labels, centres)
        shift = math.fsum(map(_square, moved, centres))
        centres, before = moved, labels
        labels = nearest_of_all(points, centres)
        if labels == before or shift <= least:
            break
    inertia = math.fsum(
        _square(point, centres[label]) for point, label in zip(points, labels, strict=True)
    )
    return Partition(tuple(centres), tuple(labels), inertia)


def nearest_of_all(points: Sequence[Point], centres: Sequence[Point]) -> list[int]:
    dist = math.dist
    rows = ([dist(point, centre) for centre in centres] for point in points)
    return [row.index(min(row)) for row in rows]


def _means(points: Sequence[Point], labels: Sequence[int], centres: Sequence[Point]) -> list[Point]:
    members: list[list[Point]] = [[] for _ in centres]
    for point, label in zip(points, labels, strict=True):
        members[label].append(point)
    _fill(members, centres)
    return [tuple(sum(values) / len(own) for values in zip(*own, strict=True)) for own in members]


def _fill(members: list[list[Point]], centres: Sequence[Point]) -> None:
    """An empty cluster takes the point that is farthest from its centre, of those not alone."""
    for place, own in enumerate(members):
        if own:
            continue
        _, label, index = max(
            (_square(point, centres[label]), -label, -index)
            for label, others in enumerate(members)
            if len(others) > 1
            for index, point in enumerate(others)
        )
        members[place] = [members[-label].pop(-index)]


def _square(a: Point, b: Point) -> float:
    return math.dist(a, b) ** 2


def _mean_variance(points: Sequence[Point]) -> float:
    columns = list(zip(*points, strict=True))
    return math.fsum(map(_variance, columns)) / len(columns)


def _variance(values: Sequence[float]) -> float:
    mean = math.fsum(values) / len(values)
    return math.fsum((value - mean) ** 2 for value in values) / len(values)
