"""A score card as JSON, the form in which it is kept and shown."""

from __future__ import annotations

from chalicelib.core.calls import ServiceLevel
from chalicelib.core.card import (
    Contribution,
    CustomerScore,
    CustomerValue,
    Gap,
    LeadScore,
    Limit,
    MachineActivities,
    NextSegment,
    Rfm,
    Satisfaction,
    ScoreCard,
    Suggestion,
)
from chalicelib.core.facts import iso
from chalicelib.core.model import Json, Money, Text
from chalicelib.core.prediction import ClusterMembership, Factor, Moment, Outlook, Prediction


def card_json(card: ScoreCard) -> dict[str, Json]:
    """The published form, ``docs/reference/card.schema.json``."""
    return {
        "subject": str(card.subject),
        "at": iso(card.at),
        "policy": card.policy,
        "models": card.models,
        "score": card.score,
        "lead": _lead_json(card.lead),
        "customer": _customer_json(card.customer) if card.customer else None,
        "rfm": _rfm_json(card.rfm) if card.rfm else None,
        "segments": list(card.segments),
        "tags": list(card.tags),
        "reasons": [_text_json(reason) for reason in card.reasons],
        "completeness": round(card.completeness, 4),
        "unknown": [_gap_json(gap) for gap in card.unknown],
        "machine_traffic": [_machine_json(found) for found in card.machine_traffic],
        "next_action": _text_json(card.next_action) if card.next_action else None,
        "next_change_at": iso(card.next_change_at) if card.next_change_at else None,
        "flags": list(card.flags),
        "stage": card.stage,
        "forecast": card.forecast.to_json() if card.forecast else None,
        "campaign": _text_json(card.campaign) if card.campaign else None,
        "service_level": _service_level_json(card.service_level),
        "priority": card.priority.to_json() if card.priority else None,
        "suggestion": _suggestion_json(card.suggestion),
        "value": _value_json(card.value) if card.value else None,
        "satisfaction": _satisfaction_json(card.satisfaction) if card.satisfaction else None,
        "loyalty": card.loyalty.to_json() if card.loyalty else None,
        "prediction": _prediction_json(card.prediction) if card.prediction else None,
        "class_founded_at": iso(card.class_founded_at) if card.class_founded_at else None,
    }


def _text_json(text: Text) -> dict[str, Json]:
    return {"en": text.en, "fa": text.fa}


def _suggestion_json(found: Suggestion | None) -> Json:
    if found is None:
        return None
    return {
        "category": found.category,
        "given": found.given,
        "lift": found.lift,
        "at_least": found.at_least,
        "text": _text_json(found.text),
    }


def _service_level_json(level: ServiceLevel | None) -> Json:
    return {"days": level.days, "text": _text_json(level.text)} if level else None


def _contributions_json(contributions: tuple[Contribution, ...]) -> list[Json]:
    return [_contribution_json(one) for one in contributions]


def _contribution_json(one: Contribution) -> dict[str, Json]:
    row: dict[str, Json] = {"id": one.id, "points": one.points, "text": _text_json(one.text)}
    if one.exact is not None:
        row["exact"] = round(one.exact, 4)
    if one.unlimited is not None:
        row["unlimited"] = round(one.unlimited, 4)
    if one.half_life_days is not None:
        row["half_life_days"] = one.half_life_days
    return row


def _limits_json(limits: tuple[Limit, ...]) -> list[Json]:
    return [
        {"group": one.group, "points": round(one.points, 4), "limit": one.limit} for one in limits
    ]


def _lead_json(lead: LeadScore) -> dict[str, Json]:
    return {
        "score": lead.score,
        "computed": lead.computed,
        "grade": lead.grade,
        "temperature": lead.temperature,
        "contributions": _contributions_json(lead.contributions),
        "limits": _limits_json(lead.limits),
        "resets": [
            {"group": one.group, "reset": one.reset, "at": iso(one.at)} for one in lead.resets
        ],
    }


def _gap_json(gap: Gap) -> dict[str, Json]:
    return {"id": gap.id, "points": round(gap.points, 4), "text": _text_json(gap.text)}


def _machine_json(found: MachineActivities) -> dict[str, Json]:
    return {
        "check": found.check,
        "count": found.count,
        "text": _text_json(found.text),
        "examples": [
            {"id": one.id, "kind": one.kind, "occurred_at": iso(one.occurred_at)}
            for one in found.examples
        ],
    }


def _customer_json(customer: CustomerScore) -> dict[str, Json]:
    return {
        "score": customer.score,
        "class": customer.class_,
        "class_certain": customer.class_certain,
        "components": {name: round(value, 4) for name, value in customer.components.items()},
        "confidence": round(customer.confidence, 4),
        "contributions": _contributions_json(customer.contributions),
        "limits": _limits_json(customer.limits),
    }


def _value_json(value: CustomerValue) -> dict[str, Json]:
    return {
        "total": value.total.to_json(),
        "realised": value.realised.to_json(),
        "indirect": value.indirect.to_json(),
        "cost": value.cost.to_json(),
        "windows": {str(days): money.to_json() for days, money in value.windows.items()},
    }


def _satisfaction_json(found: Satisfaction) -> dict[str, Json]:
    return {"mean": round(found.mean, 4), "answers": found.answers}


def _prediction_json(found: Prediction) -> dict[str, Json]:
    """Chances and counts to four places."""
    return {
        "as_of": found.as_of.isoformat(),
        "alive": _rounded(found.alive),
        "churn": _rounded(found.churn),
        "level": found.level,
        "purchase_30": _rounded(found.purchase_30),
        "purchase_90": _rounded(found.purchase_90),
        "outlook": _outlook_json(found.outlook) if found.outlook else None,
        "overdue": _rounded(found.overdue),
        "chance": _rounded(found.chance),
        "horizon_days": found.horizon_days,
        "learning": found.learning,
        "cluster": _cluster_json(found.cluster) if found.cluster else None,
        "moment": _moment_json(found.moment) if found.moment else None,
        "factors": [_factor_json(one) for one in found.factors],
    }


def _cluster_json(found: ClusterMembership) -> dict[str, Json]:
    alternative = _text_json(found.alternative) if found.alternative else None
    return {"id": found.id, "label": _text_json(found.label), "alternative": alternative}


def _moment_json(found: Moment) -> dict[str, Json]:
    return {
        "weekday": found.weekday,
        "part": found.part,
        "share": round(found.share, 4),
        "text": _text_json(found.text),
    }


def _factor_json(one: Factor) -> dict[str, Json]:
    return {"id": one.id, "odds": round(one.odds, 4), "text": _text_json(one.text)}


def _outlook_json(found: Outlook) -> dict[str, Json]:
    return {
        "months": found.months,
        "purchases": round(found.purchases, 4),
        "spend": found.spend.to_json(),
        "margin": found.margin,
        "discount": round(found.discount, 4),
        "model": found.model.to_json(),
        "pipeline": found.pipeline.to_json(),
        "overlap": found.overlap.to_json(),
        "value": found.value.to_json(),
        "realised": found.realised.to_json(),
        "costs": found.costs.to_json(),
        "total": found.total.to_json(),
        "at_risk": found.at_risk.to_json() if found.at_risk else None,
        "likely": _range_json(*found.likely) if found.likely else None,
    }


def _range_json(low: Money, high: Money) -> dict[str, Json]:
    return {"low": low.to_json(), "high": high.to_json()}


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def _rfm_json(rfm: Rfm) -> dict[str, Json]:
    return {
        "recency_days": rfm.recency_days,
        "frequency": rfm.frequency,
        "monetary": rfm.monetary.to_json(),
        "scores": list(rfm.scores) if rfm.scores else None,
        "segment": rfm.segment,
        "number": rfm.number,
        "next_segment": _next_segment_json(rfm.next_segment) if rfm.next_segment else None,
        "one_time_buyer": rfm.one_time_buyer,
    }


def _next_segment_json(coming: NextSegment) -> dict[str, Json]:
    return {
        "purchases": coming.purchases,
        "segment": coming.segment,
        "text": _text_json(coming.text),
    }
