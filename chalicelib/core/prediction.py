"""What fitted models say of a subject's future, what a policy asks of them, and their cards."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Literal

from chalicelib.core.model import Json, Money, Text
from chalicelib.core.structs import struct

if TYPE_CHECKING:  # a condition is compiled from a policy's page, and a policy has predictions
    from chalicelib.core.policy import Condition

RiskLevel = Literal["low", "medium", "high"]
PurchaseFamily = Literal["mbg_nbd", "bg_nbd"]

MEDIUM, HIGH = 0.3, 0.6
"""Churn risks from which on their level has that name."""


STEP = 0.05
"""Chances count in steps towards a score, which would else change every week."""


@struct
class Factor:
    """What one input does to a chance; ``odds`` is its part of the log-odds."""

    id: str
    odds: float
    text: Text


@struct
class ClusterMembership:
    """The cluster whose centre is nearest, and the label of the second nearest."""

    id: str
    label: Text
    alternative: Text | None = None


@struct
class Moment:
    """When they are usually active: ``weekday`` 0 is Monday; ``share`` of all they did."""

    weekday: int
    part: Literal["morning", "noon", "afternoon", "evening", "night"]
    share: float
    text: Text


@struct
class Outlook:
    """Of a buyer, at the policy's horizon: CLV with its five factors and what is added to it.

    ``value`` is ``model`` and ``pipeline`` without their ``overlap``, and ``total`` that with what
    was ``realised``, less the ``costs`` that are known; ``at_risk`` is None where nobody can tell
    who is still a customer. ``likely`` are the ends of the shortest range that will hold ``value``
    four times of five, None where no chances are fitted.
    """

    months: int
    purchases: float
    spend: Money
    margin: float
    discount: float
    model: Money
    pipeline: Money
    overlap: Money
    realised: Money
    costs: Money
    at_risk: Money | None
    likely: tuple[Money, Money] | None = None

    @property
    def value(self) -> Money:
        amount = self.model.amount + self.pipeline.amount - self.overlap.amount
        return Money(amount, self.model.currency)

    @property
    def total(self) -> Money:
        """What the customer is worth altogether."""
        amount = self.realised.amount + self.value.amount - self.costs.amount
        return Money(amount, self.model.currency)


@struct
class Prediction:
    """Chances 0-1 as of ``as_of``, the local start of a week or a later last purchase's day.

    What there is too little data for is None. ``chance`` is that of the policy's target within
    ``horizon_days``, of somebody who has not reached it; ``learning`` says that its model is young.
    ``overdue`` counts the usual gaps between purchases since the last one. ``steps_at`` is when
    ``purchase_90`` falls by a step of ``STEP``, if anything goes by those.
    """

    as_of: date
    alive: float | None = None
    churn: float | None = None
    purchase_30: float | None = None
    purchase_90: float | None = None
    outlook: Outlook | None = None
    overdue: float | None = None
    chance: float | None = None
    horizon_days: int | None = None
    learning: bool = False
    cluster: ClusterMembership | None = None
    moment: Moment | None = None
    factors: tuple[Factor, ...] = ()
    steps_at: datetime | None = None

    @property
    def likely(self) -> float | None:
        """The chance that is told: of a purchase within 90 days, or else of the target."""
        return self.chance if self.purchase_90 is None else self.purchase_90

    @property
    def step(self) -> float | None:
        """``purchase_90`` in whole steps."""
        return (
            None if self.purchase_90 is None else STEP * math.floor(self.purchase_90 / STEP + 0.5)
        )

    @property
    def level(self) -> RiskLevel | None:
        """Of the churn risk."""
        if self.churn is None:
            return None
        return "low" if self.churn < MEDIUM else "medium" if self.churn < HIGH else "high"


@struct
class Wins:
    """How likely open deals are to be won, by their ids, as a model of deals tells.

    ``changes_at`` is when one of these chances next changes for no other reason than that time
    passed.
    """

    chances: Mapping[str, float]
    changes_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class PurchasePrediction:
    """``annual_rate`` discounts the value of ``horizon_months``; ``overlap`` is the share of the
    smaller of that value and the open deals which both of them count.
    """

    family: PurchaseFamily = "mbg_nbd"
    horizon_months: int = 12
    margin: float = 1.0
    annual_rate: float = 0.25
    overlap: float = 0.5


@dataclass(frozen=True, slots=True)
class SubscriptionPrediction:
    """``renewal`` names the attribute that holds the next due date; ``usage`` the activities that
    are use of what was subscribed to, all if empty; ``known`` the attributes that were as they are
    before anybody left, by which alone risks go.
    """

    renewal: str
    grace_days: int = 15
    usage: frozenset[str] = frozenset()
    known: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class LeadPrediction:
    """``target`` is what they are hoped to do; fields in ``exclude`` tell of it too late.

    Chances go by attributes in ``known`` alone, which are as they were from the start; ``since``
    names the one that holds when somebody came to be known. Those of one value of the attribute
    ``segment`` get a model of their own where that is better.
    """

    target: Condition
    horizon_days: int = 90
    exclude: frozenset[str] = frozenset()
    segment: str = ""
    known: frozenset[str] = frozenset()
    since: str = ""

    @property
    def known_ones(self) -> frozenset[str]:
        """Whoever has models by segment says that it was known."""
        return (self.known | {self.segment}) - self.exclude


@dataclass(frozen=True, slots=True)
class DealPrediction:
    """A deal that is won later than within ``horizon_days`` counts as one that is not."""

    horizon_days: int = 365


@dataclass(frozen=True, slots=True)
class ClusterPrediction:
    """How many clusters there may be."""

    low: int = 3
    high: int = 8


@dataclass(frozen=True, slots=True)
class PredictionPolicy:
    """What is predicted; each part only where the policy names it."""

    purchases: PurchasePrediction | None = None
    subscriptions: SubscriptionPrediction | None = None
    leads: LeadPrediction | None = None
    deals: DealPrediction | None = None
    clusters: ClusterPrediction | None = None


@dataclass(frozen=True, slots=True)
class Gate:
    """Whether a model may be used, and why or why not."""

    passed: bool
    sentences: tuple[Text, ...] = ()


@dataclass(frozen=True, slots=True)
class ModelCard:
    """What is to be known of a fitted model before it is trusted; ``figures`` are by name.

    ``stays`` is the card, as JSON, of the model that stays in force as this one is not used.
    """

    name: str
    gate: Gate
    figures: Mapping[str, Json] = field(default_factory=dict)
    trained_at: datetime | None = None
    stays: Mapping[str, Json] | None = None

    @property
    def passed(self) -> bool:
        return self.gate.passed

    @classmethod
    def from_json(cls, name: str, stated: Mapping[str, Any]) -> ModelCard:
        """Of one that is in force."""
        told, at = stated["sentences"], stated.get("trained_at")
        gate = Gate(stated["passed"], tuple(Text(one["en"], one["fa"]) for one in told))
        return cls(name, gate, stated["figures"], datetime.fromisoformat(at) if at else None)

    def to_json(self) -> dict[str, Json]:
        """As it stands among the parameters, by its name."""
        sentences: list[Json] = [{"en": one.en, "fa": one.fa} for one in self.gate.sentences]
        stated: dict[str, Json] = {
            "passed": self.passed,
            "sentences": sentences,
            "figures": dict(self.figures),
        }
        if self.trained_at:
            stated["trained_at"] = self.trained_at.isoformat()
        if self.stays:
            stated["stays"] = dict(self.stays)
        return stated
