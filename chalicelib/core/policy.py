"""The compiled policy: what scoring reads. ``chalicelib.policy`` makes it from an admin's page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Literal, Protocol, cast, get_args
from zoneinfo import ZoneInfo

from chalicelib.core.announcements import AnnouncementRule
from chalicelib.core.calls import AssignTo, CallRules, ServiceLevel
from chalicelib.core.card import Detail, Gap
from chalicelib.core.facts import FactSet
from chalicelib.core.funnel import FunnelPolicy
from chalicelib.core.loyalty import Program
from chalicelib.core.model import Activity, Json, Kind, Language, Money, Purchase, Ref, Text
from chalicelib.core.prediction import Prediction, PredictionPolicy, Wins
from chalicelib.core.purchases import Credited
from chalicelib.core.standing import Standing
from chalicelib.core.structs import struct

Adviser = Literal["text", "campaign", "service_level", "assign_to"]
ADVISERS: tuple[Adviser, ...] = get_args(Adviser)
"""Members of an action."""

AttributeType = Literal["text", "number", "boolean", "date", "choice", "activity"]


@dataclass(frozen=True, slots=True)
class Attribute:
    """One canonical name and where each CRM keeps it.

    ``of`` is the kind of record that holds it. An attribute of type ``activity`` is a
    "last time" field of a CRM, of which each value is one activity of the kind ``activity``, or a
    counter, of which each rise is one. One that ``names_record`` holds the id of another record,
    which a person may have put there.
    """

    name: str
    type: AttributeType
    of: Kind
    fields: Mapping[str, str]
    activity: str = ""
    label: Text | None = None
    names_record: bool = False


MachineCheck = Literal["too_soon", "burst", "unopened", "agent", "network", "privacy_proxy"]


@struct
class Suspect:
    """An activity that is not counted, and the check that found it to be a machine's."""

    activity: Activity
    check: MachineCheck


PROGRAMS = (
    "barracuda", "bot/", "crawler", "curl/", "go-http-client", "headlesschrome", "mimecast",
    "proofpoint", "python-requests", "spider", "wget/",
)  # fmt: skip
"""Parts of user agents, in small letters, that no mail program or browser of a person has."""


@dataclass(frozen=True, slots=True)
class MachineTraffic:
    """How activities of machines are told from those of people.

    ``off`` names checks that are not made. ``agents`` are parts of user agents, ``networks``
    ranges of addresses from which no person comes, ``humans`` ids of activities that a person
    has vouched for.
    """

    off: frozenset[MachineCheck] = frozenset()
    after_delivery_seconds: float = 3
    burst_seconds: float = 2
    agents: tuple[str, ...] = PROGRAMS
    networks: tuple[str, ...] = ()
    humans: frozenset[str] = frozenset()


@struct
class Profile:
    """All that a model may look at: one subject's facts as of ``now``, sorted out once.

    ``attributes`` holds the subject's own values by canonical name; those of its first
    account stand under ``account``. Purchases and activities later than ``now`` are left out.
    ``credited`` are the purchases of others that the subject brought in, oldest first.
    ``in_doubt`` names the purchases and refunds that do not count, see ``core.purchases``;
    ``machines`` holds the activities that no person did, which are not among the others.
    ``loyalty`` is how the subject stands in the policy's programme, None where it is in none;
    ``prediction`` is what will probably become of it, None where nothing is to be predicted;
    ``wins`` what will of its open deals, None where only their stages tell.
    """

    subject: Ref
    now: datetime
    attributes: Mapping[str, Json]
    activities: Mapping[str, tuple[Activity, ...]]
    purchases: tuple[Purchase, ...]
    facts: FactSet
    in_doubt: tuple[str, ...] = ()
    machines: tuple[Suspect, ...] = ()
    credited: tuple[Credited, ...] = ()
    loyalty: Standing | None = None
    prediction: Prediction | None = None
    wins: Wins | None = None

    def value(self, name: str) -> Json:
        """Of an attribute as conditions call it, ``account.`` before those of the account."""
        of, _, own = name.rpartition(".")
        holder = cast("Mapping[str, Json]", self.attributes.get(of)) if of else self.attributes
        value = holder.get(own) if holder else None
        return None if value == "" else value


Verdict = bool | None
"""None where something that is needed to tell is missing."""


@dataclass(frozen=True, slots=True)
class Condition:
    """``changes_at`` is when time alone may next change the verdict; None where it never does.

    ``tested`` is, where the value of one attribute decides, its name and the test of it: whoever
    asks many such conditions need read each attribute but once.
    """

    holds: Callable[[Profile], Verdict]
    changes_at: Callable[[Profile], datetime | None] | None = None
    tested: tuple[str, Callable[[Json], Verdict]] | None = None


@struct
class Term:
    """One line of an explanation before caps: ``points`` now, falling by ``half_life_days``.

    With ``damping`` b they are worth ``points · d(1 + b) / (1 + b · d)`` when d of a plain term's
    points would be left: so decays a mean, of which the weights fade as well.
    """

    id: str
    points: float
    text: Text
    half_life_days: float | None = None
    damping: float = 0.0


@struct
class Measure:
    """What a model says of a profile.

    ``known`` and ``asked`` count the inputs that were there and that were wanted; nothing
    known means that the measure is missing, which is not zero. ``changes_at`` is the first
    instant at which a term jumps without a new fact (decay is not a jump). ``flags`` name what
    is doubtful in its inputs; ``detail`` is what a model found beside its points. ``at_stake``
    are the points, of either sign, that hang on inputs which somebody would have to tell, and
    ``gaps`` those of them that are missing.
    """

    terms: tuple[Term, ...]
    known: int
    asked: int
    changes_at: datetime | None = None
    flags: tuple[str, ...] = ()
    detail: Detail | None = None
    at_stake: float = 0
    gaps: tuple[Gap, ...] = ()


class Model(Protocol):
    """A way to score. A file in ``scoring/models`` offers one as its class ``Model``."""

    @property
    def maximum(self) -> float:
        """The most points that it can give; grades are shares of this."""
        ...

    def measure(self, profile: Profile, fitted: Mapping[str, Json]) -> Measure: ...


@dataclass(frozen=True, slots=True)
class Group:
    """Rules or a model with a weight and bounds: ``weight * clamp(sum of terms, low, high)``.

    ``fitted`` is the name under which training keeps what the model goes by.
    """

    id: str
    model_name: str
    model: Model
    weight: float
    low: float
    high: float
    fitted: str = ""


@dataclass(frozen=True, slots=True)
class Band:
    """A name for all values from ``minimum`` up to the next band."""

    name: str
    minimum: float


@dataclass(frozen=True, slots=True)
class Reset:
    """What makes some groups forget all that happened until then.

    ``by`` says what ``name`` names: a kind of activity, or an attribute of type date that
    holds the instant; for ``deal`` it is a lost one's closing and names nothing.
    """

    id: str
    groups: frozenset[str]
    by: Literal["activity", "attribute", "deal"]
    name: str


@dataclass(frozen=True)
class LeadPolicy:
    """``fit`` and ``engagement`` name the groups that make the grade's letter and digit.

    ``override`` names the attribute in which a person may set the score; empty if none does.
    """

    groups: tuple[Group, ...]
    fit: frozenset[str]
    engagement: frozenset[str]
    fit_grades: tuple[Band, ...]
    engagement_grades: tuple[Band, ...]
    temperatures: tuple[Band, ...]
    resets: tuple[Reset, ...] = ()
    override: str = ""

    @cached_property
    def scales(self) -> tuple[tuple[float, float, float, bool, bool], ...]:
        """Of each group its weight and bounds, and whether it counts for the letter, the digit."""
        return tuple(
            (one.weight, one.low, one.high, one.id in self.fit, one.id in self.engagement)
            for one in self.groups
        )

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
    """Components are groups bounded to 0-100 and mixed by weight; missing ones are left out.

    With ``value_shares`` the classes A and B are who makes these shares of all value, cumulated;
    ``classes``, which go by the score, serve until the borders are known. Who bought for the first
    time less than ``new_days`` ago is new.
    """

    components: tuple[Group, ...]
    classes: tuple[Band, ...]
    value_shares: tuple[float, float] | None = None
    new_days: int | None = None


@dataclass(frozen=True, slots=True)
class Action:
    """What a rep should do next; of each member, the first that fits and has it is taken.

    ``when`` maps ``class``, ``grade``, ``temperature``, ``segment`` or ``stage`` to the values
    that fit; all that are named must. Of several segments one is enough. An empty ``when`` fits
    everybody.
    """

    id: str
    when: Mapping[str, frozenset[str]]
    text: Text | None = None
    campaign: Text | None = None
    service_level: ServiceLevel | None = None
    assign_to: AssignTo | None = None


@dataclass(frozen=True, slots=True)
class Mark:
    """A tag that the policy makes itself, of everybody whom ``when`` fits as that of an action."""

    tag: str
    when: Mapping[str, frozenset[str]]
    text: Text


@dataclass(frozen=True, slots=True)
class Segment:
    """A name of the policy's own for everybody of whom ``when`` is true."""

    id: str
    when: Condition
    text: Text


@dataclass(frozen=True, slots=True)
class PriorityPolicy:
    """What calls are worth, and who is called.

    ``chances`` of a purchase stand by whole lead score, 0-100; ``usual`` is the worth of the
    usual deal; ``minutes`` is what a call takes. Activities of the kinds in ``contacts`` are
    talks with us. ``owner`` names the attribute that holds whose customer it is.
    """

    chances: tuple[float, ...]
    uplift: float
    minutes: float
    usual: Money
    service_level_days: float
    contacts: frozenset[str]
    opted_out: Condition | None
    owner: str | None
    calls: CallRules


@dataclass(frozen=True, slots=True)
class PublishPolicy:
    """``step`` is the change of a score, in points, that is worth a write to the CRM.

    With ``topics`` the tags are written as topics of the records as well.
    """

    step: float
    profile: Literal["full", "minimal"]
    topics: bool = False


@dataclass(frozen=True, slots=True)
class Owing:
    """What subjects owe to one another.

    With ``roll_up`` a person's score goes to their company. ``referrer`` is the attribute that
    holds the record id of whoever referred a buyer, who is credited with what the buyer bought,
    and is an influencer from so many purchases on. ``region`` is that of telephone numbers without
    a country, by which two records of one person are known.
    """

    roll_up: bool = False
    referrer: str | None = None
    influencer_from: int = 3
    region: str = "IR"

    def __bool__(self) -> bool:
        return self.roll_up or self.referrer is not None


@dataclass(frozen=True, slots=True)
class Policy:
    """``version`` is the hash of the canonical page it was compiled from.

    ``advisers`` are the actions that have each member.
    """

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
    machine_traffic: MachineTraffic = MachineTraffic()
    owing: Owing = Owing()
    funnel: FunnelPolicy | None = None
    categories: tuple[str, ...] = ()
    marks: tuple[Mark, ...] = ()
    segments: tuple[Segment, ...] = ()
    priority: PriorityPolicy | None = None
    loyalty: Program | None = None
    announcements: tuple[AnnouncementRule, ...] = ()
    advisers: Mapping[Adviser, tuple[Action, ...]] = field(default_factory=dict)
    prediction: PredictionPolicy | None = None

    @property
    def foretells(self) -> PredictionPolicy:
        """What is predicted: nothing, where the policy says nothing of it."""
        return self.prediction or NOTHING_PREDICTED


NOTHING_PREDICTED = PredictionPolicy()


@dataclass(frozen=True, slots=True)
class FittedModels:
    """What training learned of a connection's population: parameters by model name."""

    version: str
    parameters: Mapping[str, Mapping[str, Json]]


NOTHING_FITTED = FittedModels(version="none", parameters={})
