"""The score card: what Emtiaz says of one subject at one instant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from chalicelib.core.calls import Priority, ServiceLevel
from chalicelib.core.funnel import Forecast
from chalicelib.core.model import Activity, Money, Purchase, Ref, Text
from chalicelib.core.prediction import Prediction
from chalicelib.core.standing import Standing
from chalicelib.core.structs import struct


@struct
class Contribution:
    """One line of an explanation; the points of all lines sum to the number shown.

    ``exact`` are the points before they were rounded, ``unlimited`` those before bounds took some
    away, None where none did.
    """

    id: str
    points: int
    text: Text
    exact: float | None = None
    unlimited: float | None = None
    half_life_days: float | None = None


@struct
class Limit:
    """A group, or ``total``, whose ``points`` were more or less than it may give."""

    group: str
    points: float
    limit: float


@struct
class Beginning:
    """``group`` has forgotten all that happened until ``at``, by the policy's ``reset``."""

    group: str
    reset: str
    at: datetime


@struct
class LeadScore:
    """``score`` is what is shown.

    Where a person has set it, ``computed`` is the machine's number; the contributions explain
    that, and one more, ``set_by_hand``, the rest.
    """

    score: int
    grade: str
    temperature: str
    contributions: tuple[Contribution, ...]
    computed: int | None = None
    limits: tuple[Limit, ...] = ()
    resets: tuple[Beginning, ...] = ()


@struct
class Gap:
    """An input that is not there, and how many points hang on it; ``text`` is its name."""

    id: str
    points: float
    text: Text


@struct
class MachineActivities:
    """Activities that a check found to be a machine's: how many, why, and the latest of them."""

    check: str
    count: int
    text: Text
    examples: tuple[Activity, ...]


@struct
class NextSegment:
    """So many more purchases would lead to this segment, as ``text`` says."""

    purchases: int
    segment: str
    text: Text


@struct
class Rfm:
    """Recency in whole local days, number of purchases, their sum; ``scores`` are 1-5 each.

    ``one_time_buyer`` says that they bought once, where that is so common that the frequency
    score does not tell it.
    """

    recency_days: int
    frequency: int
    monetary: Money
    scores: tuple[int, int, int] | None
    segment: str | None
    next_segment: NextSegment | None = None
    one_time_buyer: bool = False

    @property
    def number(self) -> int | None:
        """The three scores as the digits of one number: 100 R + 10 F + M."""
        if self.scores is None:
            return None
        r, f, m = self.scores
        return 100 * r + 10 * f + m


@struct
class CustomerValue:
    """What came in, what others brought in, what it cost; ``windows`` is revenue by days."""

    realised: Money
    indirect: Money
    cost: Money
    windows: Mapping[int, Money]

    @property
    def total(self) -> Money:
        amount = self.realised.amount + self.indirect.amount - self.cost.amount
        return Money(amount, self.realised.currency)


@struct
class Satisfaction:
    """``mean`` is that of the latest answers, 0-100, without regard to their age."""

    mean: float
    answers: int


Detail = Rfm | CustomerValue | Satisfaction
"""What a model finds out beside its points."""

SURE = 0.5
"""The least confidence with which a class is told without a question mark."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """``category`` to offer, for they bought ``given``.

    Buyers of that buy it ``lift`` times as often as all customers, and probably at least
    ``at_least`` times.
    """

    category: str
    given: str
    lift: float
    at_least: float
    text: Text


@struct
class CustomerScore:
    """``components`` are 0-100 by id; ``confidence`` is the share of weight that was known."""

    score: int
    class_: str
    components: Mapping[str, float]
    confidence: float
    contributions: tuple[Contribution, ...]
    limits: tuple[Limit, ...] = ()

    @property
    def class_certain(self) -> bool:
        """Whether the class is founded well enough to stand without a question mark."""
        return self.confidence >= SURE


@struct
class ScoreCard:
    """What Emtiaz says of one subject at one instant, with the versions that it was made with.

    ``class_founded_at`` is when the class was last certain; whoever keeps cards remembers it.
    ``flags`` are short names of what is doubtful in what it was made of: ``no_rate``,
    ``alike:f``, ``negative_amount:`` with the id of the purchase.
    """

    subject: Ref
    at: datetime
    policy: str
    models: str
    lead: LeadScore
    customer: CustomerScore | None
    rfm: Rfm | None
    last_purchase: Purchase | None
    segments: tuple[str, ...]
    tags: tuple[str, ...]
    reasons: tuple[Text, ...]
    completeness: float
    next_action: Text | None
    next_change_at: datetime | None = None
    flags: tuple[str, ...] = ()
    stage: str | None = None
    forecast: Forecast | None = None
    unknown: tuple[Gap, ...] = ()
    machine_traffic: tuple[MachineActivities, ...] = ()
    staying_tags: tuple[str, ...] = ()
    campaign: Text | None = None
    service_level: ServiceLevel | None = None
    priority: Priority | None = None
    value: CustomerValue | None = None
    satisfaction: Satisfaction | None = None
    class_founded_at: datetime | None = None
    suggestion: Suggestion | None = None
    loyalty: Standing | None = None
    prediction: Prediction | None = None

    @property
    def tier(self) -> str | None:
        """The name of the loyalty tier, where the policy has any."""
        return self.loyalty.tier.name if self.loyalty and self.loyalty.tier else None

    @property
    def score(self) -> int:
        """The headline: a customer's customer score, anybody else's lead score."""
        return self.customer.score if self.customer else self.lead.score

    @property
    def contributions(self) -> tuple[Contribution, ...]:
        """The lines that explain the headline."""
        return self.customer.contributions if self.customer else self.lead.contributions
