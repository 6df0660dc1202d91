"""Logistic regression on rows that have one level of each field.

Minimised over the weights w of all levels and the free intercept b, y being 0 or 1::

    ½ Σ w² + C Σ over rows [ln(1 + exp(s)) - y s],    s = b + Σ over fields w of the row's level

until the norm of the gradient is 1e-6. A row is never spelled out as zeros and ones: its score is a
sum over its levels, and the gradient of a level a sum over its rows.

The search divides by the curvature at the start, where all chances are the base rate, which is made
of how often levels occur together; fields that say nearly the same do not slow it down then.

>>> column = [0] * 30 + [1] * 30
>>> outcomes = [True] * 10 + [False] * 20 + [True] * 20 + [False] * 10
>>> fitted = fit([column], [2], outcomes)
>>> [[round(weight, 2) for weight in field] for field in fitted.weights]
[[-0.6, 0.6]]
>>> fitted.converged
True
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain, combinations_with_replacement, pairwise
from operator import itemgetter, mul, sub
from random import Random

from chalicelib.training.cholesky import solver
from chalicelib.training.lbfgs import Vector, minimised, norm

TOLERANCE = 1e-6
_SAMPLE = 4000


@dataclass(frozen=True, slots=True)
class Fitted:
    """``weights`` by field and level; ``gradient`` is the norm that was reached."""

    base: float
    weights: tuple[tuple[float, ...], ...]
    gradient: float
    evaluations: int

    @property
    def converged(self) -> bool:
        return self.gradient <= TOLERANCE


def fit(
    columns: Sequence[Sequence[int]],
    sizes: Sequence[int],
    outcomes: Sequence[bool],
    strength: float = 1.0,
) -> Fitted:
    """``columns`` hold the level of every row, by field; ``sizes`` how many levels a field has.

    ``strength`` is C. Raises ValueError where there is no field, and where all outcomes are the
    same, for then the intercept has no end.
    """
    if not columns or all(outcomes) or not any(outcomes):
        raise ValueError("no field, or nothing to tell apart")
    return _Problem(columns, sizes, outcomes, strength).solved()


class _Problem:
    """The intercept is the first of the parameters, the levels of all fields follow."""

    def __init__(
        self,
        columns: Sequence[Sequence[int]],
        sizes: Sequence[int],
        outcomes: Sequence[bool],
        strength: float,
    ) -> None:
        starts = list(accumulate(sizes, initial=1))
        self._fields = list(pairwise(starts))
        self._wanted = list(map(float, outcomes))
        self._strength = strength
        self._columns = columns
        self._rows = _rows(columns, starts)
        self._levels = _levels(columns, sizes)
        self._evaluations = 0

    def solved(self) -> Fitted:
        share = sum(self._wanted) / len(self._wanted)
        start = [math.log(share / (1 - share)), *[0.0] * len(self._levels)]
        solve = solver(self._curvature(share * (1 - share)))
        found = minimised(self._evaluated, start, TOLERANCE, solve)
        _, gradient = self._evaluated(found)
        weights = tuple(tuple(found[a:b]) for a, b in self._fields)
        return Fitted(found[0], weights, norm(gradient), self._evaluations)

    def _curvature(self, weight: float) -> list[Vector]:
        """By a sample of the rows, which is enough for a direction.

        It is drawn, as rows that come in turn may show every second level alone to a stride.
        """
        chance, count = Random(0), len(self._wanted)  # noqa: S311  not a secret
        drawn = sorted(chance.sample(range(count), min(count, _SAMPLE)))
        sampled = [[column[row] for row in drawn] for column in self._columns]
        scale = self._strength * weight * len(self._wanted) / len(sampled[0])
        size = self._fields[-1][1]
        matrix = [[0.0] * size for _ in range(size)]
        columns: list[tuple[int, Sequence[int]]] = [(0, [0] * len(sampled[0]))]
        columns += [(a, column) for (a, _), column in zip(self._fields, sampled, strict=True)]
        for (a, left), (b, right) in combinations_with_replacement(columns, 2):
            for (one, other), count in Counter(zip(left, right, strict=True)).items():
                matrix[a + one][b + other] = matrix[b + other][a + one] = scale * count
        for place in range(1, size):
            matrix[place][place] += 1
        return matrix

    def _evaluated(self, at: Vector) -> tuple[float, Vector]:
        self._evaluations += 1
        scores = [sum(row(at)) for row in self._rows]
        weights = at[1:]
        losses, chances = _losses_and_chances(scores)
        loss = math.fsum(losses) - math.fsum(map(mul, scores, self._wanted))
        value = self._strength * loss + math.fsum(map(mul, weights, weights)) / 2
        residuals = list(map(sub, chances, self._wanted))
        gradient = [self._strength * math.fsum(residuals)]
        residuals.append(0.0)
        gradient += [
            weight + self._strength * sum(level(residuals))
            for weight, level in zip(weights, self._levels, strict=True)
        ]
        return value, gradient


def _rows(
    columns: Sequence[Sequence[int]], starts: Sequence[int]
) -> list[Callable[[Vector], tuple[float, ...]]]:
    """For each row what takes its parameters out of all: faster than indexing one by one."""
    # The last of the starts is the end of the last field.
    pairs = zip(starts[:-1], columns, strict=True)
    placed = [[start + level for level in column] for start, column in pairs]
    return [itemgetter(0, *row) for row in zip(*placed, strict=True)]


def _levels(
    columns: Sequence[Sequence[int]], sizes: Sequence[int]
) -> list[Callable[[Vector], tuple[float, ...]]]:
    """For each level what takes its rows out of all, and twice the nought behind the last.

    With fewer than two places an itemgetter would give no tuple.
    """
    found = []
    for column, size in zip(columns, sizes, strict=True):
        rows: list[list[int]] = [[len(column)] * 2 for _ in range(size)]
        for row, level in enumerate(column):
            rows[level].append(row)
        found.append([itemgetter(*places) for places in rows])
    return list(chain.from_iterable(found))


def _losses_and_chances(scores: Vector) -> tuple[Vector, Vector]:
    """ln(1 + exp(s)) and 1 / (1 + exp(-s)) of each."""
    exp, log1p = math.exp, math.log1p
    small = [exp(-abs(score)) for score in scores]
    losses = [max(s, 0.0) + log1p(e) for s, e in zip(scores, small, strict=True)]
    chances = [(1 if s >= 0 else e) / (1 + e) for s, e in zip(scores, small, strict=True)]
    return losses, chances
