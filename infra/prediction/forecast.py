"""What fitted models say of each buyer of a file."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from math import floor

from chalicelib.core.model import Json, Money, Text
from chalicelib.core.prediction import HIGH, MEDIUM, RiskLevel
from chalicelib.prediction.churn import gaps_of, overdue
from chalicelib.prediction.lifetime_value import DAYS_A_MONTH, Breakdown, lifetime_value
from chalicelib.prediction.purchases import History, PurchaseModel, RateModel, history_of
from chalicelib.scoring.fitted import Buying, Fitted
from infra.prediction.buyers import Buyer
from infra.prediction.fitting import point

SHORT_DAYS, LONG_DAYS = 30, 90
ANNUAL_RATE, ANNUAL_RATE_OF_RIALS = 0.1, 0.25
"""Nominal, as the amounts are."""


@dataclass(frozen=True, slots=True)
class Terms:
    """Of a customer's value: over how many months, at what rate, and which share is earned."""

    months: int
    annual_rate: float
    margin: float


@dataclass(frozen=True, slots=True)
class Forecast:
    """Chances 0-1; ``expected`` purchases are those within the months of the terms.

    What the model has not proved to tell, or too little is known for, is None. ``rank`` orders
    customers by what is expected of them all the same. ``overdue`` counts the usual gaps between
    purchases since the last one. With ``by_rate`` it is a rule of thumb, and no model.
    """

    customer: str
    purchases: int
    last: date
    alive: float | None
    rank: float
    by_rate: bool = False
    short: float | None = None
    long: float | None = None
    expected: float | None = None
    spend: Money | None = None
    value: Money | None = None
    factors: Breakdown | None = None
    overdue: float | None = None
    cluster: Text | None = None

    @property
    def churn(self) -> RiskLevel | None:
        if self.alive is None:
            return None
        risk = 1 - self.alive
        return "low" if risk < MEDIUM else "medium" if risk < HIGH else "high"

    def to_json(self) -> dict[str, Json]:
        return {
            "customer": self.customer,
            "purchases": self.purchases,
            "last_purchase": self.last.isoformat(),
            "method": "rate" if self.by_rate else "model",
            "alive": self.alive,
            "purchase_30": self.short,
            "purchase_90": self.long,
            "expected_purchases": self.expected,
            "spend": self.spend.to_json() if self.spend else None,
            "clv": self.value.to_json() if self.value else None,
            "factors": _factors(self.factors) if self.factors else None,
            "churn": self.churn,
            "overdue": self.overdue,
            "cluster": {"en": self.cluster.en, "fa": self.cluster.fa} if self.cluster else None,
        }


def forecast(buyer: Buyer, fitted: Fitted, end: date, terms: Terms) -> Forecast | None:
    """As of the end of the day ``end``, by which they have bought; None without a model."""
    buying = fitted.buying
    history = history_of(buyer.days, end, buying.unit_days) if buying else None
    if buying is None or history is None:
        return None
    model, month = buying.model, DAYS_A_MONTH / buying.unit_days
    expected = model.expected(history, terms.months * month)
    place = point(buyer, end, fitted.currency)
    near = fitted.clusters.nearest(place) if fitted.clusters else None
    late = overdue(
        gaps_of(buyer.days), (end - buyer.days[-1]).days, usual=buying.median_gap_days or None
    )
    factors = _value(buyer, history, fitted, terms) if buying.counts else None
    return Forecast(
        customer=buyer.id,
        purchases=len(buyer.days),
        last=buyer.days[-1],
        alive=_alive(buying, history),
        by_rate=isinstance(model, RateModel),
        rank=factors.value if factors else expected,
        short=_any(buying, history, SHORT_DAYS),
        long=_any(buying, history, LONG_DAYS),
        expected=expected if buying.counts else None,
        spend=_money(factors.spend, fitted) if factors else None,
        value=_money(factors.value, fitted) if factors else None,
        factors=factors,
        overdue=late.gaps if late else None,
        cluster=near.label if near else None,
    )


def _alive(buying: Buying, history: History) -> float | None:
    """In BG/NBD nobody drops out before buying again, by construction: that is no finding."""
    model = buying.model
    untold = isinstance(model, PurchaseModel) and model.family == "bg_nbd" and not history.frequency
    return None if untold else model.alive(history)


def _money(amount: float, fitted: Fitted) -> Money:
    return Money(floor(amount + 0.5), fitted.currency)


def _any(buying: Buying, history: History, days: int) -> float | None:
    if not buying.counts:
        return None
    return buying.any_purchase(history, days)


def _value(buyer: Buyer, history: History, fitted: Fitted, terms: Terms) -> Breakdown | None:
    if fitted.buying is None or fitted.spend is None:
        return None
    return lifetime_value(
        fitted.buying.model, fitted.spend, history, buyer.repeat_spend,
        months=terms.months, annual_rate=terms.annual_rate, margin=terms.margin,
        month=DAYS_A_MONTH / fitted.buying.unit_days,
    )  # fmt: skip


def _factors(found: Breakdown) -> dict[str, Json]:
    return {
        "alive": found.alive,
        "purchases": found.purchases,
        "spend": found.spend,
        "margin": found.margin,
        "discount": found.discount,
    }
