"""The levels of an assessment in the time to come, as decay alone moves them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from operator import itemgetter

from chalicelib.core.policy import Group, LeadPolicy, Measure
from chalicelib.core.structs import struct
from chalicelib.scoring.assessment import Assessment
from chalicelib.scoring.levels import Levels, levels

HALF_LIVES = 40
"""After so many a term is worth a billionth of a point: nothing moves any more."""

_DAY = 1440  # minutes
_RATE = itemgetter(1)


Decaying = tuple[tuple[float, float], ...]
"""Pairs of points and how many times a minute they halve."""

Damped = tuple[tuple[float, float, float], ...]
"""The same with the damping of each, see ``Term``."""


@struct
class Sum:
    """The points of one group: what stays, and what decays to zero from above and from below.

    ``slowest`` is how many times a minute that halves which lasts longest.
    """

    constant: float
    gains: Decaying
    losses: Decaying
    damped_gains: Damped = ()
    damped_losses: Damped = ()
    slowest: float = math.inf

    def at(self, gains: int, losses: int) -> float:
        """With the gains as of one minute and the losses as of another."""
        total = self.constant + _left(self.gains, gains) + _left(self.losses, losses)
        if self.damped_gains or self.damped_losses:
            total += _damped(self.damped_gains, gains) + _damped(self.damped_losses, losses)
        return total

    @property
    def only_gains(self) -> bool:
        """Whether nothing moves that is not an undamped gain."""
        return not (self.losses or self.damped_gains or self.damped_losses)


def _left(parts: Decaying, minute: int) -> float:
    return sum([points * math.exp2(-minute * rate) for points, rate in parts]) if parts else 0.0


def _damped(parts: Damped, minute: int) -> float:
    return sum([points * damped(math.exp2(-minute * rate), by) for points, rate, by in parts])


def damped(left: float, damping: float) -> float:
    """What is left of a term with ``damping`` when so much of a plain one would be."""
    return left * (1 + damping) / (1 + damping * left)


@struct
class Course:
    """The sums of the lead groups and of the ``known`` components, and the levels they make.

    Time is in minutes to come.
    """

    policy: LeadPolicy
    known: Sequence[Group]
    lead: Sequence[Sum]
    components: Sequence[Sum]

    @property
    def sums(self) -> Sequence[Sum]:
        return [*self.lead, *self.components]

    @property
    def ends(self) -> int:
        """The minute from which on nothing moves."""
        slowest = min([one.slowest for one in self.sums], default=math.inf)
        return math.ceil(HALF_LIVES / slowest)

    @property
    def only_falls(self) -> bool:
        return not any(one.losses or one.damped_losses for one in self.sums)

    def at(self, minute: int) -> Levels:
        return self._levels(minute, minute)

    def bounds(self, start: int, stop: int) -> tuple[Levels, Levels]:
        """What no level falls below, or rises above, between two minutes.

        Gains are most at the start, and losses, which decay as well, weigh least at the end.
        """
        return self._levels(stop, start), self._levels(start, stop)

    def _levels(self, gains: int, losses: int) -> Levels:
        lead = [one.at(gains, losses) for one in self.lead]
        return levels(
            self.policy, lead, self.known, [one.at(gains, losses) for one in self.components]
        )


def course_of(assessment: Assessment) -> Course:
    lead, known = assessment.lead, assessment.known_components
    found: dict[int, Sum] = {}
    sums = []
    for reading in lead + known:
        measure = reading.measure
        one = found.get(id(measure))
        if one is None:
            one = found[id(measure)] = _sum(measure)
        sums.append(one)
    return Course(
        assessment.policy.lead,
        [reading.group for reading in known],
        sums[: len(lead)],
        sums[len(lead) :],
    )


def _sum(measure: Measure) -> Sum:
    constant, fading = 0.0, []
    by_life: dict[float, float] = {}
    for term in measure.terms:
        life = term.half_life_days
        if not life:
            constant += term.points
        elif term.damping:
            fading.append((term.points, 1 / (_DAY * life), term.damping))
        else:
            by_life[life] = by_life.get(life, 0.0) + term.points
    if not by_life and not fading:
        return Sum(constant, (), ())
    decaying = tuple([(points, 1 / (_DAY * life)) for life, points in by_life.items()])
    if not fading and min(decaying)[0] > 0:
        return Sum(constant, decaying, (), slowest=min(map(_RATE, decaying)))
    return Sum(
        constant,
        gains=tuple([part for part in decaying if part[0] > 0]),
        losses=tuple([part for part in decaying if part[0] < 0]),
        damped_gains=tuple([part for part in fading if part[0] > 0]),
        damped_losses=tuple([part for part in fading if part[0] < 0]),
        slowest=min([part[1] for part in (*decaying, *fading) if part[0]], default=math.inf),
    )
