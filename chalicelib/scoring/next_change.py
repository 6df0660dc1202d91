"""When will a card change by itself, so that the CRM has to hear of it?

Between two jumps (a local midnight that ages a purchase, a fact dated ahead) only decay moves the
levels. How far they may move unheard is known beforehand, so the first minute at which one
leaves its range can be searched for without scoring anything again.
"""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import datetime, timedelta

from chalicelib.core.card import ScoreCard
from chalicelib.core.facts import earliest
from chalicelib.core.funnel import Standing
from chalicelib.core.outputs import Fields
from chalicelib.core.policy import Measure, Profile, Term
from chalicelib.scoring.assessment import Assessment, Reading, assess, measured, reading_of
from chalicelib.scoring.card import levels_of, set_by_hand, unexplained_card
from chalicelib.scoring.classes import by_value
from chalicelib.scoring.course import Course, course_of, damped
from chalicelib.scoring.crossing import first_crossing, first_loud
from chalicelib.scoring.fall import first_fall
from chalicelib.scoring.foretold import foretells_at
from chalicelib.scoring.funnel import stand
from chalicelib.scoring.levels import whole
from chalicelib.scoring.priority import scores_of
from chalicelib.scoring.products import Preferences, preferences
from chalicelib.scoring.publication import Written, held_until, speaks
from chalicelib.scoring.quiet import Ladder, quiet
from chalicelib.scoring.wins import wins_of

# Waking early is harmless, for the sweep only looks again; so countless facts that are dated
# ahead need not all be gone through.
_MOST_JUMPS = 50


def next_change(
    assessment: Assessment, card: ScoreCard, shown: Fields, founded_at: datetime | None = None
) -> datetime | None:
    """The first instant after the card's own, to the minute, at which ``publish`` would speak.

    ``card`` is that of the assessment, ``shown`` what the CRM shows from then on, and
    ``founded_at`` when the class shown was last well founded. Points and tiers have their own
    instants: at the first of them, something of how the subject stands is another.
    """
    found = _of_scores(assessment, card, shown, founded_at)
    if assessment.membership is None:
        return found
    return earliest((found, assessment.membership.standing.changes_at))


def _of_scores(
    assessment: Assessment, card: ScoreCard, shown: Fields, founded_at: datetime | None
) -> datetime | None:
    written = Written(shown, certain=True, founded_at=founded_at)
    if speaks(card, written, assessment.policy):
        return card.at + timedelta(minutes=1)
    for _ in range(_MOST_JUMPS):
        held, foretold = held_until(card, written), foretells_at(assessment, card, shown)
        jump = earliest((assessment.jumps_at, held, foretold))
        # While the class shown is held, tags and actions still go by that of the card.
        by_card = {**shown, "class": card.customer.class_} if held and card.customer else shown
        minute = _first_loud_minute(assessment, by_card, jump)
        if minute is not None:
            jump = assessment.profile.now + timedelta(minutes=minute)
            if held is None:
                return jump
        if jump is None:
            return None
        assessment = _at_jump(assessment, jump, is_foretold=jump == foretold)
        card = unexplained_card(assessment)
        if speaks(card, written, assessment.policy):
            break
    return assessment.profile.now


def _at_jump(assessment: Assessment, at: datetime, *, is_foretold: bool = False) -> Assessment:
    """As of ``at``, but with the texts of before where nothing except decay has happened."""
    profile, models = assessment.profile, assessment.models
    if at == assessment.next_fact_at:
        # Points and tiers stay as they are until an instant of their own.
        return assess(
            profile.subject, profile.facts, assessment.policy, models, at, assessment.membership
        )
    later, future = replace(profile, now=at), assessment.future
    of_deals = profile.wins is not None and profile.wins.changes_at == at
    if of_deals:
        later = replace(later, wins=wins_of(later, assessment.policy, models))
    if future:
        future, before = future.moved_to(later, models), profile.prediction
        steps = before is not None and before.steps_at == at
        if is_foretold or of_deals or steps or not future.only_falls:
            later = replace(later, prediction=future.at(at))

    def carried(reading: Reading) -> Reading:
        group, since = reading.group, reading.since
        if reading.measure.changes_at == at:
            measure = measured(group, later, models, since)
        else:
            measure = _decayed(reading.measure, at - profile.now)
        return reading_of(group, measure, since)

    return replace(
        assessment,
        profile=later,
        lead=tuple(map(carried, assessment.lead)),
        components=tuple(map(carried, assessment.components)),
        standing=_standing_at(assessment, at),
        products=_products_at(assessment, later),
        future=future,
    )


def _products_at(assessment: Assessment, later: Profile) -> Preferences | None:
    policy = assessment.policy
    return preferences(later, policy.categories, policy.currency) if policy.categories else None


def _standing_at(assessment: Assessment, at: datetime) -> Standing | None:
    funnel = assessment.policy.funnel
    return stand(assessment.profile.facts, funnel, at) if funnel else None


def _decayed(measure: Measure, time: timedelta) -> Measure:
    days = time / timedelta(days=1)
    terms = tuple(_decayed_term(term, days) for term in measure.terms)
    return replace(measure, terms=terms)


def _decayed_term(term: Term, days: float) -> Term:
    life = term.half_life_days
    if not life:
        return term
    left = math.exp2(-days / life)
    if not term.damping:
        return Term(term.id, term.points * left, term.text, life)
    points = term.points * damped(left, term.damping)
    return Term(term.id, points, term.text, life, term.damping * left)


def _first_loud_minute(assessment: Assessment, shown: Fields, jump: datetime | None) -> int | None:
    """Minutes from the assessment to the first one, before its next jump, that is not quiet."""
    course = course_of(assessment)
    end = _last_minute(assessment, course, jump)
    if end <= 0:
        return None
    policy, customer = assessment.policy, bool(course.known)
    by_score = not by_value(policy.customer, assessment.models, assessment.components)
    by_hand = set_by_hand(assessment) is not None
    calm = quiet(
        policy,
        assessment.profile.subject.kind,
        shown,
        customer=customer,
        class_by_score=by_score,
        by_hand=by_hand,
        priority=None if by_hand else _priority(assessment),
    )
    fall = first_fall(course, calm)
    if fall is not None:
        return max(1, math.ceil(fall)) if fall <= end else None
    if course.only_falls:
        return first_crossing(lambda minute: calm.margin(course.at(minute)), end)
    return first_loud(lambda *stretch: min(map(calm.margin, course.bounds(*stretch))) > 0, end)


def _priority(assessment: Assessment) -> Ladder | None:
    policy = assessment.policy.priority
    if policy is None:
        return None
    return Ladder(scores_of(policy, assessment.profile), whole(levels_of(assessment).lead))


def _last_minute(assessment: Assessment, course: Course, jump: datetime | None) -> int:
    if jump is None:
        return course.ends
    left = (jump - assessment.profile.now) / timedelta(minutes=1)
    return min(course.ends, math.ceil(left) - 1)
