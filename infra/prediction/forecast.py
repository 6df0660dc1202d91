"""What fitted models say of each buyer, subscriber and lead of a file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from math import floor

from chalicelib.core.model import Json, Money, Text
from chalicelib.core.policy import FittedModels
from chalicelib.core.prediction import Prediction, PurchasePrediction, RiskLevel
from chalicelib.prediction.churn import gaps_of, overdue
from chalicelib.prediction.lifetime_value import DAYS_A_MONTH, Breakdown, lifetime_value
from chalicelib.prediction.purchases import History, RateModel, history_of
from chalicelib.scoring.fitted import Buying, Fitted, fitted
from chalicelib.scoring.future import future_of
from infra.prediction.buyers import Buyer
from infra.prediction.evidence import Evidence

SHORT_DAYS, LONG_DAYS = 30, 90


@dataclass(frozen=True, slots=True)
class Forecast:
    """Chances 0-1; ``expected`` purchases are those within the months of the terms.

    What the model has not proved to tell, or too little is known for, is None. ``rank`` orders
    customers by what is expected of them all the same. ``overdue`` counts the usual gaps between
    purchases since the last one. With ``by_rate`` it is a rule of thumb, and no model.
    ``lapse`` is a subscriber's chance not to renew, ``chance`` that of somebody who has not reached
    the policy's target to do so within ``horizon_days``; ``learning`` says that its model is young.
    """

    customer: str
    purchases: int = 0
    last: date | None = None
    alive: float | None = None
    rank: float = 0.0
    by_rate: bool = False
    short: float | None = None
    long: float | None = None
    expected: float | None = None
    spend: Money | None = None
    value: Money | None = None
    factors: Breakdown | None = None
    overdue: float | None = None
    cluster: Text | None = None
    lapse: float | None = None
    chance: float | None = None
    horizon_days: int | None = None
    learning: bool = False

    @property
    def risk(self) -> float | None:
        """To be lost, 0-1: a date of renewal knows better than purchases."""
        if self.lapse is not None:
            return self.lapse
        return None if self.alive is None else 1 - self.alive

    @property
    def churn(self) -> RiskLevel | None:
        return None if self.last is None else Prediction(self.last, churn=self.risk).level

    @property
    def is_lead(self) -> bool:
        """Whoever has bought is a customer, whatever else is hoped for."""
        return self.chance is not None and self.last is None

    @property
    def order(self) -> float:
        return self.chance or 0.0 if self.is_lead else self.rank

    @property
    def tells(self) -> bool:
        return self.rank > 0 or self.risk is not None or self.chance is not None

    def to_json(self) -> dict[str, Json]:
        return {
            "customer": self.customer,
            "purchases": self.purchases,
            "last_purchase": self.last.isoformat() if self.last else None,
            "method": "rate" if self.by_rate else "model",
            "alive": self.alive,
            "purchase_30": self.short,
            "purchase_90": self.long,
            "expected_purchases": self.expected,
            "spend": self.spend.to_json() if self.spend else None,
            "clv": self.value.to_json() if self.value else None,
            "factors": _factors(self.factors) if self.factors else None,
            "churn": self.churn,
            "churn_risk": self.risk,
            "overdue": self.overdue,
            "cluster": {"en": self.cluster.en, "fa": self.cluster.fa} if self.cluster else None,
            "chance": self.chance,
            "horizon_days": self.horizon_days,
            "learning": self.learning,
        }


def foretold(known: Evidence, models: FittedModels, terms: PurchasePrediction) -> list[Forecast]:
    """Customers, the best first, and then leads, the likeliest first."""
    asked = known.asked
    if asked.leads or asked.subscriptions:
        rows = _of_people(known, models, terms)
    else:
        buyers = known.watch(known.buyers, "predicting")
        rows = (forecast(one, fitted(models), known.end, terms) for one in buyers)
    found = [one for one in rows if one.tells]
    return sorted(found, key=lambda one: (one.is_lead, -one.order, one.customer))


def _of_people(
    known: Evidence, models: FittedModels, terms: PurchasePrediction
) -> Iterator[Forecast]:
    """Leads and subscribers as their cards tell of them."""
    buyers, made = {one.id: one for one in known.buyers}, fitted(models)
    for profile in known.profiles("predicting"):
        name = str(profile.subject)
        buyer = buyers.get(name)
        found = forecast(buyer, made, known.end, terms) if buyer else Forecast(name)
        future = future_of(profile, known.policy, models)
        if future and (not buyer or future.renewal or future.leading):
            told = future.on(known.end)
            found = replace(
                found,
                lapse=told.churn if future.renewal else None,
                chance=told.chance,
                horizon_days=told.horizon_days,
                learning=told.learning,
            )
        yield found


def forecast(buyer: Buyer, fitted: Fitted, end: date, terms: PurchasePrediction) -> Forecast:
    """As of the end of the day ``end``, by which they have bought."""
    bought, buying = buyer.bought, fitted.buying
    near = fitted.clusters.nearest(bought.point(end)) if fitted.clusters else None
    bare = Forecast(
        buyer.id, bought.purchases, bought.days[-1], cluster=near.label if near else None
    )
    history = history_of(bought.days, end, buying.unit_days) if buying else None
    if buying is None or history is None:
        return bare
    model, month = buying.model, DAYS_A_MONTH / buying.unit_days
    expected = model.expected(history, terms.horizon_months * month)
    late = overdue(
        gaps_of(bought.days), (end - bought.days[-1]).days, usual=buying.median_gap_days or None
    )
    factors = _value(buyer, history, fitted, terms) if buying.counts else None
    return replace(
        bare,
        alive=buying.alive(history),
        by_rate=isinstance(model, RateModel),
        rank=factors.value if factors else expected,
        short=_any(buying, history, SHORT_DAYS),
        long=_any(buying, history, LONG_DAYS),
        expected=expected if buying.counts else None,
        spend=_money(factors.spend, fitted) if factors else None,
        value=_money(factors.value, fitted) if factors else None,
        factors=factors,
        overdue=late.gaps if late else None,
    )


def _money(amount: float, fitted: Fitted) -> Money:
    return Money(floor(amount + 0.5), fitted.currency)


def _any(buying: Buying, history: History, days: int) -> float | None:
    if not buying.counts:
        return None
    return buying.any_purchase(history, days)


def _value(
    buyer: Buyer, history: History, fitted: Fitted, terms: PurchasePrediction
) -> Breakdown | None:
    if fitted.buying is None or fitted.spend is None:
        return None
    return lifetime_value(
        fitted.buying.model, fitted.spend, history, buyer.bought.usual,
        months=terms.horizon_months, annual_rate=terms.annual_rate, margin=terms.margin,
        month=DAYS_A_MONTH / fitted.buying.unit_days, paid=len(buyer.bought.again),
    )  # fmt: skip


def _factors(found: Breakdown) -> dict[str, Json]:
    return {
        "alive": found.alive,
        "purchases": found.purchases,
        "spend": found.spend,
        "margin": found.margin,
        "discount": found.discount,
    }
