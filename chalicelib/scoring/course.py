"""The levels of an assessment in the time to come, as decay alone moves them."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from chalicelib.core.policy import Measure
from chalicelib.scoring.assessment import Assessment
from chalicelib.scoring.levels import Levels, levels

HALF_LIVES = 40
"""After so many a term is worth a billionth of a point: nothing moves any more."""

_DAY = 1440  # minutes


@dataclass(frozen=True, slots=True)
class Sum:
    """The points of one group: a constant, and by half-life in days what decays."""

    constant: float
    decaying: tuple[tuple[float, float], ...]

    def at(self, gains: int, losses: int) -> float:
        """With its positive parts as of one minute and the negative ones as of another."""
        return self.constant + sum(
            points * math.exp2(-(gains if points > 0 else losses) / (_DAY * life))
            for life, points in self.decaying
        )


@dataclass(frozen=True, slots=True)
class Course:
    """The sums of all groups over time, in minutes, and the levels that they make."""

    sums: tuple[Sum, ...]
    levels: Callable[[Sequence[float]], Levels]

    @property
    def ends(self) -> int:
        """The minute from which on nothing moves."""
        longest = max((life for one in self.sums for life, _ in one.decaying), default=0.0)
        return math.ceil(HALF_LIVES * longest * _DAY)

    @property
    def only_falls(self) -> bool:
        return all(points >= 0 for one in self.sums for _, points in one.decaying)

    def at(self, minute: int) -> Levels:
        return self.levels([one.at(minute, minute) for one in self.sums])

    def bounds(self, start: int, stop: int) -> tuple[Levels, Levels]:
        """What no level falls below, or rises above, between two minutes.

        Gains are most at the start, and losses, which decay as well, weigh least at the end.
        """
        return (
            self.levels([one.at(stop, start) for one in self.sums]),
            self.levels([one.at(start, stop) for one in self.sums]),
        )


def course_of(assessment: Assessment) -> Course:
    known = assessment.known_components
    lead = len(assessment.lead)
    groups = [reading.group for reading in known]
    return Course(
        sums=tuple(_sum(reading.measure) for reading in assessment.lead + known),
        levels=lambda sums: levels(assessment.policy.lead, sums[:lead], groups, sums[lead:]),
    )


def _sum(measure: Measure) -> Sum:
    by_life: defaultdict[float | None, float] = defaultdict(float)
    for term in measure.terms:
        by_life[term.half_life_days] += term.points
    constant = by_life.pop(None, 0.0)
    return Sum(constant, tuple((life, points) for life, points in by_life.items() if life))
