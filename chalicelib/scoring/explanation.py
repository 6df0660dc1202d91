"""Contributions that add up to the number shown, and the reasons made of them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from operator import sub

from chalicelib.core.card import Contribution, Limit
from chalicelib.core.model import Text
from chalicelib.core.policy import Term
from chalicelib.core.structs import struct
from chalicelib.localization.sentences import set_by_hand, with_points
from chalicelib.scoring.assessment import Reading
from chalicelib.scoring.levels import TOP

REASONS = 3
"""A rep reads three and calls."""


SET_BY_HAND = "set_by_hand"


@struct
class Explanation:
    """Lines that sum to a score, the heaviest first, and the bounds that took points away."""

    contributions: tuple[Contribution, ...]
    limits: tuple[Limit, ...]


UNEXPLAINED = Explanation((), ())


def explain_lead(readings: Sequence[Reading], computed: int, score: int) -> Explanation:
    """Of the number that the machine ``computed``, and of the ``score`` where another is shown."""
    parts, limits = _bounded(readings, 1)
    points = capped(parts, 0, TOP)
    if points is not parts:
        total = math.fsum(parts)
        limits.append(Limit("total", total, TOP if total > TOP else 0))
    told = _explanation(readings, points, 1, limits, computed)
    return told if score == computed else _corrected(told, computed, score)


def explain_customer(known: Sequence[Reading], score: int) -> Explanation:
    factor = 1 / sum([reading.group.weight for reading in known])
    points, limits = _bounded(known, factor)
    return _explanation(known, points, factor, limits, score)


def _corrected(explanation: Explanation, computed: int, by_hand: int) -> Explanation:
    """With what a person added to the machine's number, so that the lines sum to theirs."""
    line = Contribution(SET_BY_HAND, by_hand - computed, set_by_hand(by_hand, computed))
    lines = sorted([*explanation.contributions, line], key=lambda one: (-abs(one.points), one.id))
    return replace(explanation, contributions=tuple(lines))


def lead_points(readings: Sequence[Reading]) -> Sequence[float]:
    """What each term of each group gives to the lead score, before it is rounded."""
    return capped(_bounded(readings, 1)[0], 0, TOP)


def customer_points(known: Sequence[Reading]) -> Sequence[float]:
    """What each term of each known component gives to the customer score."""
    return _bounded(known, 1 / sum(reading.group.weight for reading in known))[0]


def _bounded(readings: Sequence[Reading], factor: float) -> tuple[list[float], list[Limit]]:
    """What each term gives within the bounds of its group, and where those took points away."""
    parts: list[float] = []
    limits: list[Limit] = []
    for reading in readings:
        group, total, points = reading.group, reading.points, reading.parts
        inside = group.low <= total <= group.high
        within = points if inside else capped(points, group.low, group.high)
        if within is not points:
            limits.append(Limit(group.id, total, group.high if total > group.high else group.low))
        weight = group.weight * factor
        parts += within if weight == 1 else [weight * part for part in within]
    return parts, limits


def _weighed(readings: Sequence[Reading], factor: float) -> list[float]:
    """What each term would give without any bounds."""
    return [reading.group.weight * factor * part for reading in readings for part in reading.parts]


def capped(points: Sequence[float], low: float, high: float) -> Sequence[float]:
    """Scaled so that the sum lies within ``low ≤ 0 ≤ high``.

    Above the cap the positive points give way, below it the negative ones.

    >>> capped([30, 30, -20], 0, 25)
    [22.5, 22.5, -20]
    >>> capped([10, -40], 0, 25)
    [10, -10.0]
    """
    if low <= math.fsum(points) <= high:
        return points
    gain = math.fsum([part for part in points if part > 0])
    loss = -math.fsum([part for part in points if part < 0])
    if gain - loss > high:
        return [part * (high + loss) / gain if part > 0 else part for part in points]
    if gain - loss < low:
        return [part * (gain - low) / loss if part < 0 else part for part in points]
    return points


def _explanation(
    readings: Sequence[Reading],
    points: Sequence[float],
    factor: float,
    limits: list[Limit],
    score: int,
) -> Explanation:
    """What rounds to nothing is left out."""
    ids = line_ids(readings)
    terms: list[Term] = []
    for reading in readings:
        terms += reading.measure.terms
    free = [*_freed(_weighed(readings, factor), points)] if limits else [None] * len(ids)
    by_id = _places(ids)
    shares = _shared_out(by_id, points, score)
    weights = [*map(abs, shares)]
    lines = [
        Contribution(ids[place], shares[place], (term := terms[place]).text, points[place],
                     free[place], term.half_life_days)
        for place in sorted(by_id, key=weights.__getitem__, reverse=True)
        if shares[place]
    ]  # fmt: skip
    return Explanation(tuple(lines), tuple(limits))


def _freed(unlimited: Sequence[float], points: Sequence[float]) -> Iterator[float | None]:
    """What each term would give without bounds, where that is something else."""
    for free, exact in zip(unlimited, points, strict=True):
        yield None if math.isclose(free, exact, abs_tol=1e-9) else free


def line_ids(readings: Sequence[Reading]) -> list[str]:
    ids: list[str] = []
    for reading in readings:
        group = reading.group.id
        ids += [f"{group}.{term.id}" for term in reading.measure.terms]
    return ids


def shared_out(ids: Sequence[str], points: Sequence[float], total: int) -> list[int]:
    """Whole points that sum to ``total``, by largest remainder; ties go by id.

    >>> shared_out(["a", "b", "c"], [1.5, 1.5, -0.25], 3)
    [2, 1, 0]
    """
    return _shared_out(_places(ids), points, total)


def _places(ids: Sequence[str]) -> list[int]:
    """In order of the ids, in which others then sort them, so that ties go by id."""
    return sorted(range(len(ids)), key=ids.__getitem__)


def _shared_out(by_id: Sequence[int], points: Sequence[float], total: int) -> list[int]:
    shares = [*map(math.floor, points)]
    missing = total - sum(shares)
    if missing:
        over = [*map(sub, shares, points)]
        for place in sorted(by_id, key=over.__getitem__)[:missing]:
            shares[place] += 1
    return shares


def reasons(contributions: Sequence[Contribution]) -> tuple[Text, ...]:
    """Those that weigh most, whatever their sign; ``contributions`` come sorted so.

    That a person has set the number is said before anything else.
    """
    by_hand = [line.text for line in contributions if line.id == SET_BY_HAND]
    others = [line for line in contributions[: REASONS + 1] if line.id != SET_BY_HAND]
    left = others[: REASONS - len(by_hand)]
    return (*by_hand, *[with_points(line.text, line.points, line.unlimited) for line in left])
