"""How well chances foretold what happened.

``scores`` are anything that ranks, ``chances`` are between 0 and 1, and ``outcomes`` say for each
whether it happened. All are sequences of one length, at least 1.

>>> round(auc([0.1, 0.4, 0.4, 0.8], [False, False, True, True]), 3)
0.875
>>> lift_at([0.1, 0.4, 0.4, 0.8], [False, False, True, True], 0.25)
2.0

Source: Hanley and McNeil 1982 for the area; Brier 1950; Naeini, Cooper and Hauskrecht 2015 for the
expected calibration error.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from statistics import NormalDist

Outcomes = Sequence[bool]

_LEAST = 1e-15
"""Chances are held so far from 0 and 1, where the logarithm has no end."""

Z = NormalDist().inv_cdf(0.975)


@dataclass(frozen=True, slots=True)
class Bin:
    """``foretold`` and ``happened`` are the mean chance and the share of outcomes."""

    rows: int
    foretold: float
    happened: float


def auc(scores: Sequence[float], outcomes: Outcomes) -> float | None:
    """The chance that one who did ranks above one who did not, equals counted half.

    None where all did, or nobody.
    """
    did = sum(outcomes)
    others = len(outcomes) - did
    if not did or not others:
        return None
    below, pairs = 0, 0.0
    for _, equals in groupby(sorted(zip(scores, outcomes, strict=True)), key=lambda one: one[0]):
        flags = [outcome for _, outcome in equals]
        here = sum(flags)
        pairs += here * (below + (len(flags) - here) / 2)
        below += len(flags) - here
    return pairs / (did * others)


def log_losses(chances: Sequence[float], outcomes: Outcomes) -> list[float]:
    """Of each."""
    return [
        -math.log(max(chance if outcome else 1 - chance, _LEAST))
        for chance, outcome in zip(chances, outcomes, strict=True)
    ]


def log_loss(chances: Sequence[float], outcomes: Outcomes) -> float:
    return math.fsum(log_losses(chances, outcomes)) / len(outcomes)


def brier(chances: Sequence[float], outcomes: Outcomes) -> float:
    pairs = zip(chances, outcomes, strict=True)
    return math.fsum((chance - outcome) ** 2 for chance, outcome in pairs) / len(outcomes)


def reliability(chances: Sequence[float], outcomes: Outcomes, bins: int = 10) -> list[Bin]:
    """By chance, in bins of equal width; those without rows are left out."""
    found: dict[int, list[tuple[float, bool]]] = {}
    for chance, outcome in zip(chances, outcomes, strict=True):
        found.setdefault(min(int(chance * bins), bins - 1), []).append((chance, outcome))
    return [_bin(found[place]) for place in sorted(found)]


def expected_calibration_error(
    chances: Sequence[float], outcomes: Outcomes, bins: int = 10
) -> float:
    """How far the chance is from the share, on average over rows."""
    return math.fsum(
        one.rows * abs(one.foretold - one.happened) for one in reliability(chances, outcomes, bins)
    ) / len(outcomes)


def deciles(chances: Sequence[float], outcomes: Outcomes, parts: int = 10) -> list[Bin]:
    """By rank in parts of equal size, the best first; fewer where there are fewer rows."""
    ranked = sorted(zip(chances, outcomes, strict=True), key=lambda one: -one[0])
    edges = [round(part * len(ranked) / parts) for part in range(parts + 1)]
    return [_bin(ranked[a:b]) for a, b in pairwise(edges) if b > a]


def share_in_top(scores: Sequence[float], outcomes: Outcomes, share: float) -> float | None:
    """Of all who did, how many are among the best ``share``; equals at the edge in proportion.

    None where nobody did.
    """
    if not any(outcomes):
        return None
    room, hits = share * len(outcomes), 0.0
    ranked = sorted(zip(scores, outcomes, strict=True), key=lambda one: -one[0])
    for _, equals in groupby(ranked, key=lambda one: one[0]):
        flags = [outcome for _, outcome in equals]
        hits += sum(flags) * min(1.0, room / len(flags))
        room -= len(flags)
        if room <= 0:
            break
    return hits / sum(outcomes)


def lift_at(scores: Sequence[float], outcomes: Outcomes, share: float) -> float | None:
    """How many times as many of the best ``share`` did as of all; None where nobody did."""
    found = share_in_top(scores, outcomes, share)
    return None if found is None else found / share


def mean_interval(values: Sequence[float]) -> tuple[float, float]:
    """The normal interval of 95 % of a mean; of one value only, that value."""
    mean = math.fsum(values) / len(values)
    if len(values) == 1:
        return mean, mean
    variance = math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1)
    half = Z * math.sqrt(variance / len(values))
    return mean - half, mean + half


def _bin(pairs: Sequence[tuple[float, bool]]) -> Bin:
    count = len(pairs)
    foretold = math.fsum(chance for chance, _ in pairs) / count
    return Bin(count, foretold, sum(outcome for _, outcome in pairs) / count)
