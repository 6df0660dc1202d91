"""Contributions that add up to the number shown, and the reasons made of them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from chalicelib.core.card import Contribution
from chalicelib.core.model import Text
from chalicelib.localization.sentences import with_points
from chalicelib.scoring.assessment import Reading
from chalicelib.scoring.levels import TOP

REASONS = 3
"""A rep reads three and calls."""


def explain_lead(readings: Sequence[Reading], score: int) -> tuple[Contribution, ...]:
    points = [part for reading in readings for part in _parts(reading, reading.group.weight)]
    return _contributions(readings, capped(points, 0, TOP), score)


def explain_customer(known: Sequence[Reading], score: int) -> tuple[Contribution, ...]:
    weight = sum(reading.group.weight for reading in known)
    points = [part for reading in known for part in _parts(reading, reading.group.weight / weight)]
    return _contributions(known, points, score)


def _parts(reading: Reading, weight: float) -> list[float]:
    points = [term.points for term in reading.measure.terms]
    return [weight * part for part in capped(points, reading.group.low, reading.group.high)]


def capped(points: Sequence[float], low: float, high: float) -> Sequence[float]:
    """Scaled so that the sum lies within ``low ≤ 0 ≤ high``.

    Above the cap the positive points give way, below it the negative ones.

    >>> capped([30, 30, -20], 0, 25)
    [22.5, 22.5, -20]
    >>> capped([10, -40], 0, 25)
    [10, -10.0]
    """
    gain = math.fsum(part for part in points if part > 0)
    loss = -math.fsum(part for part in points if part < 0)
    if gain - loss > high:
        return [part * (high + loss) / gain if part > 0 else part for part in points]
    if gain - loss < low:
        return [part * (gain - low) / loss if part < 0 else part for part in points]
    return points


def _contributions(
    readings: Sequence[Reading], points: Sequence[float], score: int
) -> tuple[Contribution, ...]:
    """The heaviest first; what rounds to nothing is left out."""
    terms = [
        (f"{reading.group.id}.{term.id}", term.text)
        for reading in readings
        for term in reading.measure.terms
    ]
    shares = shared_out([identity for identity, _ in terms], points, score)
    lines = [
        Contribution(identity, share, text)
        for (identity, text), share in zip(terms, shares, strict=True)
        if share
    ]
    return tuple(sorted(lines, key=lambda line: (-abs(line.points), line.id)))


def shared_out(ids: Sequence[str], points: Sequence[float], total: int) -> list[int]:
    """Whole points that sum to ``total``, by largest remainder; ties go by id.

    >>> shared_out(["a", "b", "c"], [1.5, 1.5, -0.25], 3)
    [2, 1, 0]
    """
    shares = [math.floor(part) for part in points]
    by_remainder = sorted(range(len(ids)), key=lambda i: (shares[i] - points[i], ids[i]))
    for index in by_remainder[: total - sum(shares)]:
        shares[index] += 1
    return shares


def reasons(contributions: Iterable[Contribution]) -> tuple[Text, ...]:
    """Those that weigh most, whatever their sign; ``contributions`` come sorted so."""
    heaviest = list(contributions)[:REASONS]
    return tuple(with_points(line.text, line.points) for line in heaviest)
