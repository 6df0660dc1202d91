"""The score card, and ``OUTPUTS``: the one table of what Emtiaz writes into a CRM."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from chalicelib.core.calls import Priority, ServiceLevel
from chalicelib.core.facts import iso
from chalicelib.core.funnel import STAGES, Forecast
from chalicelib.core.model import Activity, Json, Kind, Language, Money, Purchase, Ref, Text

WHY_LIMIT = 255
"""Characters that the narrowest text field of the three CRMs takes."""

FieldValue = None | str | int | float | tuple[str, ...]
"""A value for a CRM field: tuples are tags, instants are ISO texts, None clears the field."""

Fields = Mapping[str, FieldValue]
"""Values by output name, without a CRM's own prefix."""


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
class Limit:
    """A group, or ``total``, whose ``points`` were more or less than it may give."""

    group: str
    points: float
    limit: float


@dataclass(frozen=True, slots=True)
class Beginning:
    """``group`` has forgotten all that happened until ``at``, by the policy's ``reset``."""

    group: str
    reset: str
    at: datetime


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
class Gap:
    """An input that is not there, and how many points hang on it; ``text`` is its name."""

    id: str
    points: float
    text: Text


@dataclass(frozen=True, slots=True)
class MachineActivities:
    """Activities that a check found to be a machine's: how many, why, and the latest of them."""

    check: str
    count: int
    text: Text
    examples: tuple[Activity, ...]


@dataclass(frozen=True, slots=True)
class NextSegment:
    """So many more purchases would lead to this segment, as ``text`` says."""

    purchases: int
    segment: str
    text: Text


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
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

    @property
    def score(self) -> int:
        """The headline: a customer's customer score, anybody else's lead score."""
        return self.customer.score if self.customer else self.lead.score

    @property
    def contributions(self) -> tuple[Contribution, ...]:
        """The lines that explain the headline."""
        return self.customer.contributions if self.customer else self.lead.contributions

    def to_json(self) -> dict[str, Json]:
        """The published form, ``docs/reference/card.schema.json``."""
        return {
            "subject": str(self.subject),
            "at": iso(self.at),
            "policy": self.policy,
            "models": self.models,
            "score": self.score,
            "lead": _lead_json(self.lead),
            "customer": _customer_json(self.customer) if self.customer else None,
            "rfm": _rfm_json(self.rfm) if self.rfm else None,
            "segments": list(self.segments),
            "tags": list(self.tags),
            "reasons": [_text_json(reason) for reason in self.reasons],
            "completeness": round(self.completeness, 4),
            "unknown": [_gap_json(gap) for gap in self.unknown],
            "machine_traffic": [_machine_json(found) for found in self.machine_traffic],
            "next_action": _text_json(self.next_action) if self.next_action else None,
            "next_change_at": iso(self.next_change_at) if self.next_change_at else None,
            "flags": list(self.flags),
            "stage": self.stage,
            "forecast": self.forecast.to_json() if self.forecast else None,
            "campaign": _text_json(self.campaign) if self.campaign else None,
            "service_level": _service_level_json(self.service_level),
            "priority": self.priority.to_json() if self.priority else None,
            "suggestion": _suggestion_json(self.suggestion),
            "value": _value_json(self.value) if self.value else None,
            "satisfaction": _satisfaction_json(self.satisfaction) if self.satisfaction else None,
            "class_founded_at": iso(self.class_founded_at) if self.class_founded_at else None,
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


class OutputType(StrEnum):
    SCORE = "score"  # whole number 0-100
    NUMBER = "number"
    CHOICE = "choice"  # one of Output.choices
    TAGS = "tags"  # several of our prefixed tags, any text
    TEXT = "text"  # at most WHY_LIMIT characters
    INSTANT = "instant"


class Trigger(StrEnum):
    """What a changed output means for the CRM."""

    STEP = "step"  # write if it moved by the policy's step or more
    ANY = "any"  # write whenever it changed
    FOLLOW = "follow"  # never a reason to write; goes along with one that is


@dataclass(frozen=True, slots=True)
class Choice:
    value: str
    label: Text


@dataclass(frozen=True, slots=True)
class Output:
    """One row of ``OUTPUTS``. ``read`` takes the value from a card in the policy's language."""

    name: str
    type: OutputType
    trigger: Trigger
    label: Text
    description: Text
    read: Callable[[ScoreCard, Language], FieldValue]
    minimal: bool = False
    kinds: tuple[Kind, ...] = ("contact", "lead", "account")
    choices: tuple[Choice, ...] = ()


RFM_SEGMENTS: Mapping[str, Text] = {
    "champion": Text("Champion", "قهرمان"),
    "loyal": Text("Loyal", "وفادار"),
    "potential_loyalist": Text("Potential loyalist", "وفادار بالقوه"),
    "new_customer": Text("New customer", "تازه‌وارد"),
    "promising": Text("Promising", "امیدبخش"),
    "need_attention": Text("Needs attention", "نیازمند توجه"),
    "about_to_sleep": Text("About to sleep", "در آستانهٔ خواب"),
    "at_risk": Text("At risk", "در معرض خطر"),
    "cant_lose_them": Text("Can't lose them", "نباید از دست برود"),
    "hibernating": Text("Hibernating", "خفته"),
}


def _why(card: ScoreCard, language: Language) -> str:
    """As many whole reasons as fit; a single one that is too long is cut with an ellipsis."""
    text = ""
    for reason in (reason.in_language(language) for reason in card.reasons):
        longer = f"{text} · {reason}" if text else reason
        if len(longer) > WHY_LIMIT:
            break
        text = longer
    if not text and card.reasons:
        text = card.reasons[0].in_language(language)[: WHY_LIMIT - 1] + "…"
    return text


def _choices(names: Mapping[str, Text]) -> tuple[Choice, ...]:
    return tuple(Choice(value, label) for value, label in names.items())


def _last_amount(card: ScoreCard, language: Language) -> FieldValue:
    return _major(card.last_purchase.amount, language) if card.last_purchase else None


def _expected_value(card: ScoreCard, language: Language) -> FieldValue:
    return _major(card.forecast.expected, language) if card.forecast else None


def _major(money: Money, language: Language) -> FieldValue:
    major = money.to_decimal()
    # Persian readers think in toman; the field's label says so.
    shown = major / 10 if money.currency == "IRR" and language == "fa" else major
    return int(shown) if shown == shown.to_integral_value() else float(shown)


_GRADES = {
    f"{fit}{doing}": Text(f"{fit}{doing}", f"{fit}{doing}") for fit in "ABC" for doing in "123"
}
_TEMPERATURES = {
    "hot": Text("Hot", "داغ"),
    "warm": Text("Warm", "گرم"),
    "cold": Text("Cold", "سرد"),
}
_CLASSES = {name: Text(name, name) for name in "ABC"}
_CUSTOMER_TAGS = {
    "customer:one-time-buyer": Text("One-time buyer", "خریدار یک‌باره"),
    "customer:first-time": Text("First-time customer", "مشتری بار اول"),
    "customer:new": Text("Newly won customer", "مشتری تازه"),
}
_TAGS = (
    _CUSTOMER_TAGS
    | {f"class:{name}": Text(f"Class {name}", f"کلاس {name}") for name in _CLASSES}
    | {f"segment:{name.replace('_', '-')}": label for name, label in RFM_SEGMENTS.items()}
    | {"influencer": Text("Influencer", "تأثیرگذار")}
)

_STAGES = dict(STAGES) | {
    f"{stage}_stalled": Text(f"{name.en}, stalled", f"{name.fa}، راکد")
    for stage, name in STAGES.items()
}

OUTPUTS: tuple[Output, ...] = (
    Output(
        "score", OutputType.SCORE, Trigger.STEP, minimal=True,
        label=Text("Emtiaz score", "امتیاز"),
        description=Text(
            "0-100: customer score of customers, lead score of everybody else.",
            "۰ تا ۱۰۰: امتیاز مشتری برای خریداران و امتیاز سرنخ برای دیگران.",
        ),
        read=lambda card, _: card.score,
    ),
    Output(
        "trend", OutputType.CHOICE, Trigger.FOLLOW,
        label=Text("Emtiaz trend", "روند امتیاز"),
        description=Text(
            "Where the score moved when it was last written.",
            "جهت تغییر امتیاز در آخرین به‌روزرسانی.",
        ),
        choices=_choices({
            "rising": Text("Rising", "رو به بالا"),
            "steady": Text("Steady", "ثابت"),
            "falling": Text("Falling", "رو به پایین"),
        }),
        read=lambda _card, _language: "steady",  # publish() knows what was written before
    ),
    Output(
        "class", OutputType.CHOICE, Trigger.ANY, minimal=True,
        label=Text("Emtiaz class", "کلاس مشتری"),
        description=Text("Customer class, A is best.", "کلاس مشتری؛ A بهترین است."),
        choices=_choices(_CLASSES),
        read=lambda card, _: card.customer.class_ if card.customer else None,
    ),
    Output(
        "next_action", OutputType.TEXT, Trigger.ANY,
        label=Text("Emtiaz next action", "اقدام بعدی"),
        description=Text("What to do next.", "کاری که بهتر است اکنون انجام شود."),
        read=lambda card, language: (
            card.next_action.in_language(language) if card.next_action else None
        ),
    ),
    Output(
        "priority", OutputType.SCORE, Trigger.STEP,
        label=Text("Emtiaz priority", "اولویت تماس"),
        description=Text(
            "0-100: how much a call now is worth; 50 is the usual deal at even chance.",
            "۰ تا ۱۰۰: ارزش تماس گرفتن در این زمان؛ ۵۰ یعنی معاملهٔ معمول با شانس برابر.",
        ),
        read=lambda card, _: card.priority.score if card.priority else None,
    ),
    Output(
        "campaign", OutputType.TEXT, Trigger.ANY,
        label=Text("Emtiaz campaign", "کمپین"),
        description=Text("The campaign that fits.", "کمپینی که برای این مشتری مناسب است."),
        read=lambda card, language: card.campaign.in_language(language) if card.campaign else None,
    ),
    Output(
        "service_level", OutputType.TEXT, Trigger.ANY,
        label=Text("Emtiaz service level", "سطح خدمت"),
        description=Text("How soon to answer.", "زمان مناسب برای پاسخ‌گویی."),
        read=lambda card, language: (
            card.service_level.text.in_language(language) if card.service_level else None
        ),
    ),
    Output(
        "why", OutputType.TEXT, Trigger.FOLLOW, minimal=True,
        label=Text("Emtiaz reasons", "دلیل امتیاز"),
        description=Text(
            "The three contributions that weigh most.", "سه دلیلی که بیشترین سهم را دارند."
        ),
        read=_why,
    ),
    Output(
        "lead_score", OutputType.SCORE, Trigger.STEP,
        label=Text("Emtiaz lead score", "امتیاز سرنخ"),
        description=Text("0-100: fit and engagement.", "۰ تا ۱۰۰: تناسب و تعامل."),
        read=lambda card, _: card.lead.score,
    ),
    Output(
        "computed_score", OutputType.SCORE, Trigger.STEP,
        label=Text("Emtiaz computed score", "امتیاز محاسبه‌شده"),
        description=Text(
            "The lead score by the rules, where a person has set another one.",
            "امتیاز سرنخ بر پایهٔ قواعد، وقتی کسی امتیاز دیگری تعیین کرده است.",
        ),
        read=lambda card, _: card.lead.computed,
    ),
    Output(
        "grade", OutputType.CHOICE, Trigger.ANY,
        label=Text("Emtiaz grade", "درجهٔ سرنخ"),
        description=Text(
            "Fit A-C and engagement 1-3; A1 is best.", "تناسب A تا C و تعامل ۱ تا ۳؛ A1 بهترین است."
        ),
        choices=_choices(_GRADES),
        read=lambda card, _: card.lead.grade,
    ),
    Output(
        "temperature", OutputType.CHOICE, Trigger.ANY,
        label=Text("Emtiaz temperature", "دمای سرنخ"),
        description=Text("How warm the lead is.", "میزان آمادگی سرنخ."),
        choices=_choices(_TEMPERATURES),
        read=lambda card, _: card.lead.temperature,
    ),
    Output(
        "customer_score", OutputType.SCORE, Trigger.STEP,
        label=Text("Emtiaz customer score", "امتیاز مشتری"),
        description=Text("0-100: behaviour and value.", "۰ تا ۱۰۰: رفتار و ارزش."),
        read=lambda card, _: card.customer.score if card.customer else None,
    ),
    Output(
        "rfm_segment", OutputType.CHOICE, Trigger.ANY,
        label=Text("Emtiaz segment", "بخش مشتری"),
        description=Text(
            "Segment by recency, frequency and value of purchases.",
            "بخش بر پایهٔ تازگی، تعداد و ارزش خریدها.",
        ),
        choices=_choices(RFM_SEGMENTS),
        read=lambda card, _: card.rfm.segment if card.rfm else None,
    ),
    Output(
        "rfm_next", OutputType.TEXT, Trigger.FOLLOW,
        label=Text("Emtiaz next segment", "راه تا بخش بعدی"),
        description=Text(
            "How many purchases lead to which segment.", "با چند خرید دیگر به کدام بخش می‌رسد."
        ),
        read=lambda card, language: (
            card.rfm.next_segment.text.in_language(language)
            if card.rfm and card.rfm.next_segment
            else None
        ),
    ),
    Output(
        "last_purchase", OutputType.INSTANT, Trigger.ANY,
        label=Text("Emtiaz last purchase", "آخرین خرید"),
        description=Text("Time of the last purchase.", "زمان آخرین خرید."),
        read=lambda card, _: iso(card.last_purchase.occurred_at) if card.last_purchase else None,
    ),
    Output(
        "last_purchase_amount", OutputType.NUMBER, Trigger.ANY,
        label=Text("Emtiaz last purchase amount", "مبلغ آخرین خرید"),
        description=Text(
            "In the reporting currency.", "به واحد پول گزارش؛ ریال به تومان نوشته می‌شود."
        ),
        read=_last_amount,
    ),
    Output(
        "stage_segment", OutputType.CHOICE, Trigger.ANY,
        label=Text("Emtiaz stage", "مرحلهٔ فروش"),
        description=Text(
            "Stage of the most advanced open deal, and whether it has been there for too long.",
            "مرحلهٔ پیشرفته‌ترین معاملهٔ باز و این که آیا در آن مانده است.",
        ),
        choices=_choices(_STAGES),
        read=lambda card, _: card.stage,
    ),
    Output(
        "expected_value", OutputType.NUMBER, Trigger.ANY,
        label=Text("Emtiaz expected value", "ارزش مورد انتظار"),
        description=Text(
            "What the open deals will probably bring, in the reporting currency.",
            "آنچه معامله‌های باز احتمالاً می‌آورند؛ ریال به تومان نوشته می‌شود.",
        ),
        read=_expected_value,
    ),
    Output(
        "tags", OutputType.TAGS, Trigger.ANY,
        label=Text("Emtiaz tags", "برچسب‌ها"),
        description=Text("Class, segment and other marks.", "کلاس، بخش و نشانه‌های دیگر."),
        choices=_choices(_TAGS),
        read=lambda card, _: card.tags,
    ),
    Output(
        "confidence", OutputType.NUMBER, Trigger.FOLLOW,
        label=Text("Emtiaz confidence", "اطمینان"),
        description=Text(
            "0-1: share of the score's inputs that were known.",
            "۰ تا ۱: سهم داده‌های موجود از داده‌های لازم.",
        ),
        read=lambda card, _: round(
            card.customer.confidence if card.customer else card.completeness, 2
        ),
    ),
    Output(
        "updated", OutputType.INSTANT, Trigger.FOLLOW, minimal=True,
        label=Text("Emtiaz updated", "زمان محاسبه"),
        description=Text("When this was computed.", "زمان محاسبهٔ این مقدارها."),
        read=lambda card, _: iso(card.at),
    ),
)  # fmt: skip
