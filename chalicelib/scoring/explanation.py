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
    return _contributions(readings, lead_points(readings), score)


def explain_customer(known: Sequence[Reading], score: int) -> tuple[Contribution, ...]:
    return _contributions(known, customer_points(known), score)


def lead_points(readings: Sequence[Reading]) -> Sequence[float]:
    """What each term of each group gives to the lead score, before it is rounded."""
    points = [part for reading in readings for part in _parts(reading, reading.group.weight)]
    return capped(points, 0, TOP)


def customer_points(known: Sequence[Reading]) -> Sequence[float]:
    """What each term of each known component gives to the customer score."""
    weight = sum(reading.group.weight for reading in known)
    return [part for reading in known for part in _parts(reading, reading.group.weight / weight)]


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
    ids = line_ids(readings)
    texts = [term.text for reading in readings for term in reading.measure.terms]
    rows = zip(ids, shared_out(ids, points, score), texts, strict=True)
    lines = [Contribution(*row) for row in rows if row[1]]
    return tuple(sorted(lines, key=lambda line: (-abs(line.points), line.id)))


def line_ids(readings: Sequence[Reading]) -> list[str]:
    return [f"{one.group.id}.{term.id}" for one in readings for term in one.measure.terms]


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
