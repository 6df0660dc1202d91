"""The compiled policy: what scoring reads. ``chalicelib.policy`` makes it from an admin's page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Literal, Protocol
from zoneinfo import ZoneInfo

from chalicelib.core.card import Rfm
from chalicelib.core.facts import FactSet
from chalicelib.core.funnel import FunnelPolicy
from chalicelib.core.model import Activity, Json, Kind, Language, Purchase, Ref, Text

AttributeType = Literal["text", "number", "boolean", "date", "choice", "activity"]


@dataclass(frozen=True, slots=True)
class Attribute:
    """One canonical name and where each CRM keeps it.

    ``of`` is the kind of record that holds it. An attribute of type ``activity`` is a
    "last time" field of a CRM, of which each value is one activity of the kind ``activity``, or a
    counter, of which each rise is one.
    """

    name: str
    type: AttributeType
    of: Kind
    fields: Mapping[str, str]
    activity: str = ""


@dataclass(frozen=True, slots=True)
class Profile:
    """All that a model may look at: one subject's facts as of ``now``, sorted out once.

    ``attributes`` holds the subject's own values by canonical name; those of its first
    account stand under ``account``. Purchases and activities later than ``now`` are left out.
    ``in_doubt`` names the purchases and refunds that do not count, see ``core.purchases``.
    """

    subject: Ref
    now: datetime
    attributes: Mapping[str, Json]
    activities: Mapping[str, tuple[Activity, ...]]
    purchases: tuple[Purchase, ...]
    facts: FactSet
    in_doubt: tuple[str, ...] = ()


Condition = Callable[[Profile], bool | None]
"""True, false, or None where an attribute it needs is missing."""


@dataclass(frozen=True, slots=True)
class Term:
    """One line of an explanation before caps: ``points`` now, falling by ``half_life_days``."""

    id: str
    points: float
    text: Text
    half_life_days: float | None = None


@dataclass(frozen=True, slots=True)
class Measure:
    """What a model says of a profile.

    ``known`` and ``asked`` count the inputs that were there and that were wanted; nothing
    known means that the measure is missing, which is not zero. ``changes_at`` is the first
    instant at which a term jumps without a new fact (decay is not a jump). ``flags`` name what
    is doubtful in its inputs; ``detail`` is what a model found beside its points.
    """

    terms: tuple[Term, ...]
    known: int
    asked: int
    changes_at: datetime | None = None
    flags: tuple[str, ...] = ()
    detail: Rfm | None = None


class Model(Protocol):
    """A way to score. A file in ``scoring/models`` offers one as its class ``Model``."""

    @property
    def maximum(self) -> float:
        """The most points that it can give; grades are shares of this."""
        ...

    def measure(self, profile: Profile, fitted: Mapping[str, Json]) -> Measure: ...


@dataclass(frozen=True, slots=True)
class Group:
    """Rules or a model with a weight and bounds: ``weight * clamp(sum of terms, low, high)``."""

    id: str
    model_name: str
    model: Model
    weight: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Band:
    """A name for all values from ``minimum`` up to the next band."""

    name: str
    minimum: float


@dataclass(frozen=True)
class LeadPolicy:
    """``fit`` and ``engagement`` name the groups that make the grade's letter and digit."""

    groups: tuple[Group, ...]
    fit: frozenset[str]
    engagement: frozenset[str]
    fit_grades: tuple[Band, ...]
    engagement_grades: tuple[Band, ...]
    temperatures: tuple[Band, ...]

    @cached_property
    def most_fit(self) -> float:
        """The highest level that the groups of the letter can reach together."""
        return self._most(self.fit)

    @cached_property
    def most_engagement(self) -> float:
        return self._most(self.engagement)

    def _most(self, names: frozenset[str]) -> float:
        named = (group for group in self.groups if group.id in names)
        return sum(group.weight * min(group.high, group.model.maximum) for group in named)


@dataclass(frozen=True, slots=True)
class CustomerPolicy:
    """Components are groups bounded to 0-100 and mixed by weight; missing ones are left out."""

    components: tuple[Group, ...]
    classes: tuple[Band, ...]


@dataclass(frozen=True, slots=True)
class Action:
    """What a rep should do next; the first that fits is taken.

    ``when`` maps ``class``, ``grade``, ``temperature`` or ``segment`` to the values that fit;
    all that are named must. An empty ``when`` fits everybody.
    """

    id: str
    when: Mapping[str, frozenset[str]]
    text: Text


@dataclass(frozen=True, slots=True)
class PublishPolicy:
    """``step`` is the change of a score, in points, that is worth a write to the CRM."""

    step: float
    profile: Literal["full", "minimal"]


@dataclass(frozen=True, slots=True)
class Owing:
    """What subjects owe to one another.

    With ``roll_up`` a person's score goes to their company. ``referrer`` is the attribute that
    holds the record id of whoever referred a buyer, who is credited with what the buyer bought.
    """

    roll_up: bool = False
    referrer: str | None = None

    def __bool__(self) -> bool:
        return self.roll_up or self.referrer is not None


@dataclass(frozen=True, slots=True)
class Policy:
    """``version`` is the hash of the canonical page it was compiled from."""

    name: str
    version: str
    language: Language
    time_zone: ZoneInfo
    calendar: Literal["gregorian", "jalali"]
    currency: str
    attributes: tuple[Attribute, ...]
    lead: LeadPolicy
    customer: CustomerPolicy
    actions: tuple[Action, ...]
    publish: PublishPolicy
    owing: Owing = Owing()
    funnel: FunnelPolicy | None = None


@dataclass(frozen=True, slots=True)
class FittedModels:
    """What training learned of a connection's population: parameters by model name."""

    version: str
    parameters: Mapping[str, Mapping[str, Json]]


NOTHING_FITTED = FittedModels(version="none", parameters={})
