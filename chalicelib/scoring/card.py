"""The card of one assessment: numbers, names, reasons, and what to do next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from chalicelib.core.calls import Advice, Priority
from chalicelib.core.card import (
    CustomerScore,
    CustomerValue,
    Gap,
    LeadScore,
    MachineActivities,
    Rfm,
    Satisfaction,
    ScoreCard,
    Suggestion,
)
from chalicelib.core.funnel import Forecast
from chalicelib.core.funnel import Standing as FunnelStanding
from chalicelib.core.model import Text
from chalicelib.core.policy import Action, Adviser
from chalicelib.core.standing import Standing
from chalicelib.scoring import newcomers
from chalicelib.scoring.assessment import Assessment, Reading
from chalicelib.scoring.classes import class_of
from chalicelib.scoring.completeness import completeness, gaps
from chalicelib.scoring.cross_sell import CROSS_SELL, suggestion
from chalicelib.scoring.dues import REFERRAL
from chalicelib.scoring.explanation import UNEXPLAINED, explain_customer, explain_lead, reasons
from chalicelib.scoring.forecast import STAGES_MODEL, forecast
from chalicelib.scoring.foretold import explained
from chalicelib.scoring.levels import TOP, Levels, band_of, clamp, levels, whole
from chalicelib.scoring.machine_traffic import summary
from chalicelib.scoring.priority import priority_of
from chalicelib.scoring.publication import segment_tag, tier_tag

D = TypeVar("D", Rfm, CustomerValue, Satisfaction)


def card_of(assessment: Assessment) -> ScoreCard:
    assessment = _explained(assessment)
    at = levels_of(assessment)
    lead, customer = _lead(assessment, at), _customer(assessment, at)
    return _card(
        assessment,
        lead,
        customer,
        reasons=reasons((customer or lead).contributions),
        unknown=gaps(assessment),
        machine_traffic=summary(assessment.profile.machines),
        suggestion=_suggestion(assessment),
    )


def unexplained_card(assessment: Assessment) -> ScoreCard:
    """All that can be a reason to write: the card without contributions and reasons."""
    at = levels_of(assessment)
    lead = _lead(assessment, at, explained=False)
    return _card(assessment, lead, _customer(assessment, at, explained=False))


def _explained(assessment: Assessment) -> Assessment:
    """With what is foretold in words, where that is anything."""
    profile, future = assessment.profile, assessment.future
    if future is None or profile.prediction is None:
        return assessment
    told = replace(profile, prediction=explained(future, profile.prediction))
    return replace(assessment, profile=told)


def _suggestion(assessment: Assessment) -> Suggestion | None:
    fitted = assessment.models.parameters.get(CROSS_SELL)
    return suggestion(assessment.profile, assessment.policy, fitted) if fitted else None


def _card(
    assessment: Assessment,
    lead: LeadScore,
    customer: CustomerScore | None,
    *,
    reasons: tuple[Text, ...] = (),
    unknown: tuple[Gap, ...] = (),
    machine_traffic: tuple[MachineActivities, ...] = (),
    suggestion: Suggestion | None = None,
) -> ScoreCard:
    bought = _detail(assessment, Rfm)
    stage = _stage(assessment.standing)
    profile = assessment.profile
    own = tuple([one.id for one in assessment.policy.segments if one.when.holds(profile)])
    loyalty = _loyalty(assessment, customer)
    tier = loyalty.tier.name if loyalty and loyalty.tier else None
    names = _names(lead, customer, _segment(bought) + own, stage, tier)
    prediction = profile.prediction
    if prediction and prediction.level:
        names["churn"] = (prediction.level,)
    advice = _advice(assessment.policy.advisers, names)
    return ScoreCard(
        subject=profile.subject,
        at=profile.now,
        policy=assessment.policy.version,
        models=assessment.models.version,
        lead=lead,
        customer=customer,
        rfm=bought,
        last_purchase=profile.purchases[-1] if profile.purchases else None,
        segments=_segment(bought) + _stage_segments(assessment.standing) + own,
        tags=_tags(assessment, names, bought),
        reasons=reasons,
        completeness=completeness(assessment),
        flags=_flags(assessment),
        stage=stage,
        forecast=_forecast(assessment),
        staying_tags=_of_products(assessment.products.staying) if assessment.products else (),
        next_action=advice.text,
        campaign=advice.campaign,
        service_level=advice.service_level,
        priority=_priority(assessment, lead, customer, advice),
        value=_detail(assessment, CustomerValue),
        satisfaction=_detail(assessment, Satisfaction),
        unknown=unknown,
        machine_traffic=machine_traffic,
        suggestion=suggestion,
        loyalty=loyalty,
        prediction=prediction,
    )


def _loyalty(assessment: Assessment, customer: CustomerScore | None) -> Standing | None:
    """Who has not bought has a customer score of 0, as far as tiers go."""
    if assessment.membership is None:
        return None
    return assessment.membership.by(customer.score if customer else 0)


def _segment(bought: Rfm | None) -> tuple[str, ...]:
    return (bought.segment,) if bought and bought.segment else ()


def _stage_segments(standing: FunnelStanding | None) -> tuple[str, ...]:
    return standing.segments if standing else ()


def _stage(standing: FunnelStanding | None) -> str | None:
    if standing is None or standing.stage is None:
        return None
    return f"{standing.stage}_stalled" if standing.is_stalled else standing.stage


def _forecast(assessment: Assessment) -> Forecast | None:
    if assessment.policy.funnel is None:
        return None
    fitted = assessment.models.parameters.get(STAGES_MODEL, {})
    return forecast(assessment.profile, assessment.policy, fitted)


def levels_of(assessment: Assessment) -> Levels:
    known = assessment.known_components
    return levels(
        assessment.policy.lead,
        [reading.points for reading in assessment.lead],
        [reading.group for reading in known],
        [reading.points for reading in known],
    )


def _lead(assessment: Assessment, at: Levels, *, explained: bool = True) -> LeadScore:
    policy, machine = assessment.policy.lead, whole(at.lead)
    by_hand = set_by_hand(assessment)
    score = machine if by_hand is None else by_hand
    fit = _share(at.fit, policy.most_fit)
    engagement = _share(at.engagement, policy.most_engagement)
    told = explain_lead(assessment.lead, machine, score) if explained else UNEXPLAINED
    return LeadScore(
        score=score,
        grade=band_of(policy.fit_grades, fit) + band_of(policy.engagement_grades, engagement),
        temperature=band_of(policy.temperatures, score),
        contributions=told.contributions,
        computed=None if by_hand is None else machine,
        limits=told.limits,
        resets=tuple([assessment.begun[group] for group in sorted(assessment.begun)]),
    )


def set_by_hand(assessment: Assessment) -> int | None:
    """The lead score that a person has put on the record, if the policy lets them."""
    name = assessment.policy.lead.override
    value = assessment.profile.value(name) if name else None
    if value is None or isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return whole(clamp(value, 0, TOP))


def _share(level: float, maximum: float) -> float:
    return level / maximum if maximum > 0 else 0.0


def _customer(
    assessment: Assessment, at: Levels, *, explained: bool = True
) -> CustomerScore | None:
    """None for somebody who has not bought, or of whom no component is known."""
    if at.customer is None:
        return None
    known, score = assessment.known_components, whole(at.customer)
    told = explain_customer(known, score) if explained else UNEXPLAINED
    return CustomerScore(
        score=score,
        class_=class_of(assessment, score),
        components={reading.group.id: _component(reading) for reading in known},
        confidence=_weight(known) / _weight(assessment.components),
        contributions=told.contributions,
        limits=told.limits,
    )


def _component(reading: Reading) -> float:
    return clamp(reading.points, reading.group.low, reading.group.high)


def _weight(readings: Sequence[Reading]) -> float:
    return sum([reading.group.weight for reading in readings])


def _detail(assessment: Assessment, kind: type[D]) -> D | None:
    """What the first component that tells it found."""
    for reading in assessment.components:
        if isinstance(reading.measure.detail, kind):
            return reading.measure.detail
    return None


def _flags(assessment: Assessment) -> tuple[str, ...]:
    found = [*assessment.profile.in_doubt]
    for reading in assessment.lead + assessment.components:
        found += reading.measure.flags
    return tuple(sorted(set(found))) if found else ()


Names = Mapping[str, tuple[str, ...]]
"""What actions and tags go by; a subject may be in several segments."""


def _names(
    lead: LeadScore,
    customer: CustomerScore | None,
    segments: tuple[str, ...],
    stage: str | None,
    tier: str | None,
) -> dict[str, tuple[str, ...]]:
    names: dict[str, tuple[str, ...]] = {
        "grade": (lead.grade,),
        "temperature": (lead.temperature,),
    }
    if customer:
        names["class"] = (customer.class_,)
    if segments:
        names["segment"] = segments
    if stage:
        names["stage"] = (stage,)
    if tier:
        names["tier"] = (tier,)
    return names


def _is_influencer(assessment: Assessment) -> bool:
    """Who brought in enough of what others bought until now."""
    owing, profile = assessment.policy.owing, assessment.profile
    if owing.referrer is None:
        return False
    referred = [one for one in profile.credited if one.credit == REFERRAL]
    return len(referred) >= owing.influencer_from


def _of_products(categories: Sequence[str]) -> tuple[str, ...]:
    return tuple(f"product:{category}" for category in categories)


def _tags(assessment: Assessment, names: Names, bought: Rfm | None) -> tuple[str, ...]:
    tags = [f"class:{name}" for name in names.get("class", ())]
    tags += [tier_tag(name) for name in names.get("tier", ())]
    tags += [segment_tag(name) for name in names.get("segment", ())]
    tags += newcomers.tags(assessment.policy.customer, assessment.profile)
    if bought and bought.one_time_buyer:
        tags.append("customer:one-time-buyer")
    if assessment.products:
        tags += _of_products(assessment.products.preferred)
    if _is_influencer(assessment):
        tags.append("influencer")
    tags += [mark.tag for mark in assessment.policy.marks if _fits(mark.when, names)]
    return tuple(sorted(tags))


def _advice(advisers: Mapping[Adviser, Sequence[Action]], names: Names) -> Advice:
    found: dict[Adviser, Any] = {}
    for member, actions in advisers.items():
        action = _first_fitting(actions, names)
        if action:
            found[member] = getattr(action, member)
    return Advice(**found)


def _first_fitting(actions: Sequence[Action], names: Names) -> Action | None:
    for action in actions:
        if _fits(action.when, names):
            return action
    return None


def _fits(when: Mapping[str, frozenset[str]], names: Names) -> bool:
    for name, fits in when.items():  # noqa: SIM110 - a generator would take three times as long
        if fits.isdisjoint(names.get(name, ())):
            return False
    return True


def _priority(
    assessment: Assessment, lead: LeadScore, customer: CustomerScore | None, advice: Advice
) -> Priority | None:
    policy = assessment.policy
    if policy.priority is None:
        return None
    worst = policy.customer.classes if customer else policy.lead.temperatures
    low = (customer.class_ if customer else lead.temperature) == worst[-1].name
    return priority_of(policy.priority, assessment.profile, lead.score, advice, low=low)
