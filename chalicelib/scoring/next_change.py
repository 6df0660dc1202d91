"""When will a card change by itself, so that the CRM has to hear of it?

Between two jumps (a local midnight that ages a purchase, a fact dated ahead) only decay moves
the levels, and decayed sums per half-life say where they are at any minute. Over a stretch of
time the levels have bounds: positive points are most at its start, and the negative ones, which
decay as well, weigh least at its end. A stretch whose bounds are quiet is skipped whole; any
other is halved, down to the minute.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from chalicelib.core.card import Fields, ScoreCard
from chalicelib.core.policy import Measure, Term
from chalicelib.scoring.assessment import Assessment, Reading, assess, read
from chalicelib.scoring.card import unexplained_card
from chalicelib.scoring.levels import Levels, levels
from chalicelib.scoring.publication import Written, publish
from chalicelib.scoring.quiet import quiet

HALF_LIVES = 40
"""After so many a term is worth a billionth of a point: nothing moves any more."""

_DAY = 1440  # minutes

# Waking early is harmless, for the sweep only looks again. So a search may give up when it is
# lost in detail (levels that creep along the edge of a range) or among countless jumps.
_MOST_STRETCHES = 2000
_MOST_JUMPS = 50


def next_change(assessment: Assessment, card: ScoreCard, shown: Fields) -> datetime | None:
    """The first instant after the card's own, to the minute, at which ``publish`` would speak.

    ``card`` is that of the assessment, ``shown`` what the CRM shows from then on.
    """
    if _speaks(card, assessment, shown):
        return card.at + timedelta(minutes=1)
    for _ in range(_MOST_JUMPS):
        minute = _first_loud_minute(assessment, shown)
        if minute is not None:
            return assessment.profile.now + timedelta(minutes=minute)
        if assessment.jumps_at is None:
            return None
        assessment = _at_jump(assessment, assessment.jumps_at)
        if _speaks(unexplained_card(assessment), assessment, shown):
            break
    return assessment.profile.now


def _speaks(card: ScoreCard, assessment: Assessment, shown: Fields) -> bool:
    return publish(card, Written(shown, certain=True), assessment.policy) is not None


def _at_jump(assessment: Assessment, at: datetime) -> Assessment:
    """As of ``at``, but with the texts of before where nothing except decay has happened."""
    profile, models = assessment.profile, assessment.models
    if at == assessment.next_fact_at:
        return assess(profile.subject, profile.facts, assessment.policy, models, at)
    later = replace(profile, now=at)

    def carried(reading: Reading) -> Reading:
        if reading.measure.changes_at == at:
            return read(reading.group, later, models)
        return Reading(reading.group, _decayed(reading.measure, at - profile.now))

    return replace(
        assessment,
        profile=later,
        lead=tuple(map(carried, assessment.lead)),
        components=tuple(map(carried, assessment.components)),
    )


def _decayed(measure: Measure, time: timedelta) -> Measure:
    days = time / timedelta(days=1)
    terms = tuple(_decayed_term(term, days) for term in measure.terms)
    return Measure(terms, measure.known, measure.asked, measure.changes_at)


def _decayed_term(term: Term, days: float) -> Term:
    life = term.half_life_days
    return Term(term.id, term.points * math.exp2(-days / life), term.text, life) if life else term


def _first_loud_minute(assessment: Assessment, shown: Fields) -> int | None:
    """Minutes from the assessment to the first one, before its next jump, that is not quiet."""
    course = _course(assessment)
    end = _last_minute(assessment, course)
    if end <= 0:
        return None
    kind, customer = assessment.profile.subject.kind, bool(assessment.known_components)
    calm = quiet(assessment.policy, kind, shown, customer=customer)
    if course.only_falls:
        return _crossing(lambda minute: calm.margin(course.at(minute)), end)
    return _search(lambda start, stop: min(map(calm.margin, course.bounds(start, stop))) > 0, end)


def _last_minute(assessment: Assessment, course: Course) -> int:
    if assessment.jumps_at is None:
        return course.ends
    left = (assessment.jumps_at - assessment.profile.now) / timedelta(minutes=1)
    return min(course.ends, math.ceil(left) - 1)


def _crossing(margin: Callable[[int], float], end: int) -> int | None:
    """The first minute of ``(0, end]`` whose margin is not positive, if margins only fall.

    False position in the form of Illinois, within the first stretch that ends below zero.
    """
    above = margin(0)
    if above <= 0:
        return 1
    for start, stop in _stretches(end):
        below = margin(stop)
        if below <= 0:
            return _between(margin, (start, above), (stop, below))
        above = below
    return None


def _between(
    margin: Callable[[int], float], left: tuple[int, float], right: tuple[int, float]
) -> int:
    (start, above), (stop, below) = left, right
    side = 0
    while stop - start > 1:
        guess = stop + below * (stop - start) / (above - below)
        minute = min(max(round(guess), start + 1), stop - 1)
        value = margin(minute)
        if value > 0:
            start, above = minute, value
            below = below / 2 if side > 0 else below
            side = 1
        else:
            stop, below = minute, value
            above = above / 2 if side < 0 else above
            side = -1
    return stop


def _search(is_quiet: Callable[[int, int], bool], end: int) -> int | None:
    """The first minute of ``(0, end]`` that is not quiet."""
    stretches = list(_stretches(end))[::-1]
    for _ in range(_MOST_STRETCHES):
        if not stretches:
            return None
        start, stop = stretches.pop()
        if is_quiet(start, stop):
            continue
        if stop - start > 1:
            middle = (start + stop) // 2
            stretches += [(middle, stop), (start, middle)]
        elif not is_quiet(stop, stop):
            return stop
    return max(1, stretches[-1][0]) if stretches else None


def _stretches(end: int) -> Iterator[tuple[int, int]]:
    """A day, then ever doubling: most changes are near."""
    start, stop = 0, _DAY
    while start < end:
        yield start, min(stop, end)
        start, stop = stop, stop * 2


@dataclass(frozen=True, slots=True)
class Course:
    """The sums of all groups over time, and the levels they make."""

    sums: tuple[Sum, ...]
    levels: Callable[[Sequence[float]], Levels]

    @property
    def ends(self) -> int:
        longest = max((life for one in self.sums for life, _ in one.decaying), default=0.0)
        return math.ceil(HALF_LIVES * longest * _DAY)

    @property
    def only_falls(self) -> bool:
        return all(points >= 0 for one in self.sums for _, points in one.decaying)

    def at(self, minute: int) -> Levels:
        return self.levels([one.between(minute, minute) for one in self.sums])

    def bounds(self, start: int, stop: int) -> tuple[Levels, Levels]:
        """The lowest and the highest levels between two minutes."""
        return (
            self.levels([one.between(stop, start) for one in self.sums]),
            self.levels([one.between(start, stop) for one in self.sums]),
        )


@dataclass(frozen=True, slots=True)
class Sum:
    """The points of one group: a constant, and by half-life in days what decays."""

    constant: float
    decaying: tuple[tuple[float, float], ...]

    def between(self, gains_at: int, losses_at: int) -> float:
        """With its positive parts as of one minute and the negative ones as of another."""
        return self.constant + sum(
            points * math.exp2(-(gains_at if points > 0 else losses_at) / (_DAY * life))
            for life, points in self.decaying
        )


def _sum(measure: Measure) -> Sum:
    by_life: defaultdict[float | None, float] = defaultdict(float)
    for term in measure.terms:
        by_life[term.half_life_days] += term.points
    constant = by_life.pop(None, 0.0)
    return Sum(constant, tuple((life, points) for life, points in by_life.items() if life))


def _course(assessment: Assessment) -> Course:
    known = assessment.known_components
    lead = len(assessment.lead)
    groups = [reading.group for reading in known]
    return Course(
        sums=tuple(_sum(reading.measure) for reading in assessment.lead + known),
        levels=lambda sums: levels(assessment.policy.lead, sums[:lead], groups, sums[lead:]),
    )
