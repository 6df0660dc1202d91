"""``OUTPUTS``: the one table of what Emtiaz writes into a CRM."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from chalicelib.core.card import ScoreCard
from chalicelib.core.facts import iso
from chalicelib.core.funnel import STAGES
from chalicelib.core.model import Kind, Language, Money, Text

WHY_LIMIT = 255
"""Characters that the narrowest text field of the three CRMs takes."""

FieldValue = None | str | int | float | tuple[str, ...]
"""A value for a CRM field: tuples are tags, instants are ISO texts, None clears the field."""

Fields = Mapping[str, FieldValue]
"""Values by output name, without a CRM's own prefix."""


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
