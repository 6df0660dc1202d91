"""``OUTPUTS``: the one table of what Emtiaz writes into a CRM."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from chalicelib.core.card import ScoreCard
from chalicelib.core.facts import iso
from chalicelib.core.funnel import STAGES
from chalicelib.core.model import Kind, Language, Money, Text, exponent
from chalicelib.core.standing import Expiring

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
    TOPICS = "topics"  # such tags beside those of people, where a CRM has a place for that
    TEXT = "text"  # at most WHY_LIMIT characters
    INSTANT = "instant"


class Trigger(StrEnum):
    """What a changed output means for the CRM."""

    STEP = "step"  # write if it moved by the policy's step or more
    ANY = "any"  # write whenever it changed
    FOLLOW = "follow"  # never a reason to write; goes along with one that is


Section = Literal["loyalty", "tiers", "churn", "chances", "reasons", "clusters", "topics"]


@dataclass(frozen=True, slots=True)
class Choice:
    value: str
    label: Text


@dataclass(frozen=True, slots=True)
class Output:
    """One row of ``OUTPUTS``. ``read`` takes the value from a card in the policy's language.

    One ``of`` loyalty is for policies with a programme alone, one of tiers for those with tiers,
    those of churn, chances, their reasons and clusters for those that have it predicted, and one
    of topics for those that ask for these.
    """

    name: str
    type: OutputType
    trigger: Trigger
    label: Text
    description: Text
    read: Callable[[ScoreCard, Language], FieldValue]
    minimal: bool = False
    kinds: tuple[Kind, ...] = ("contact", "lead", "account")
    choices: tuple[Choice, ...] = ()
    of: Section | None = None


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


def _joined(texts: Sequence[Text], language: Language) -> str:
    """As many whole texts as fit; a single one that is too long is cut with an ellipsis."""
    text = ""
    for one in (one.in_language(language) for one in texts):
        longer = f"{text} · {one}" if text else one
        if len(longer) > WHY_LIMIT:
            break
        text = longer
    if not text and texts:
        text = texts[0].in_language(language)[: WHY_LIMIT - 1] + "…"
    return text


def _points_expiring(card: ScoreCard) -> Expiring | None:
    return card.loyalty.expiring if card.loyalty else None


def _valid_until(card: ScoreCard) -> FieldValue:
    """A tier in grace has been valid and is kept a little longer."""
    tier = card.loyalty.tier if card.loyalty else None
    ends = (tier.grace_until or tier.valid_until) if tier else None
    return iso(ends) if ends else None


def _tier_progress(card: ScoreCard, language: Language) -> FieldValue:
    """What keeps the tier, and what leads to the next one."""
    tier = card.loyalty.tier if card.loyalty else None
    goals = [goal.text for goal in (tier.keep, tier.next) if goal] if tier else []
    return _joined(goals, language) or None


def _missions(card: ScoreCard, language: Language) -> FieldValue:
    missions = card.loyalty.missions if card.loyalty else ()
    return _joined([one.text for one in missions], language) or None


def _choices(names: Mapping[str, Text]) -> tuple[Choice, ...]:
    return tuple(Choice(value, label) for value, label in names.items())


def _last_amount(card: ScoreCard, language: Language) -> FieldValue:
    return _major(card.last_purchase.amount, language) if card.last_purchase else None


def _expected_value(card: ScoreCard, language: Language) -> FieldValue:
    """What is predicted is rounded to two digits: it falls a little every week."""
    outlook = card.prediction.outlook if card.prediction else None
    if outlook:
        value = outlook.value
        places = min(0, 2 - len(str(abs(value.amount))))
        return _major(Money(round(value.amount, places), value.currency), language)
    return _major(card.forecast.expected, language) if card.forecast else None


def _probability(card: ScoreCard) -> FieldValue:
    """In per cent; 0 and 100 would mean lost and won."""
    chance = card.prediction.likely if card.prediction else None
    return None if chance is None else min(max(math.floor(100 * chance + 0.5), 1), 99)


def _cluster(card: ScoreCard, language: Language) -> FieldValue:
    cluster = card.prediction.cluster if card.prediction else None
    return cluster.label.in_language(language) if cluster else None


def _prediction_why(card: ScoreCard, language: Language) -> FieldValue:
    factors = card.prediction.factors if card.prediction else ()
    return _joined([one.text for one in factors], language) or None


def _major(money: Money, language: Language) -> FieldValue:
    # Persian readers think in toman; the field's label says so.
    is_toman = money.currency == "IRR" and language == "fa"
    units = 10 if is_toman else 10 ** exponent(money.currency)
    whole, rest = divmod(money.amount, units)
    return money.amount / units if rest else whole


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

RISK_LEVELS: Mapping[str, Text] = {
    "low": Text("Low", "کم"),
    "medium": Text("Medium", "متوسط"),
    "high": Text("High", "زیاد"),
}

_STAGES = dict(STAGES) | {
    f"{stage}_stalled": Text(f"{name.en}, stalled", f"{name.fa}، راکد")
    for stage, name in STAGES.items()
}

_PERSONS: tuple[Kind, ...] = ("contact", "lead")

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
        "tier", OutputType.CHOICE, Trigger.ANY, minimal=True, kinds=_PERSONS, of="tiers",
        label=Text("Emtiaz tier", "سطح وفاداری"),
        description=Text("Loyalty tier.", "سطح مشتری در باشگاه مشتریان."),
        read=lambda card, _: card.tier,
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
        read=lambda card, language: _joined(card.reasons, language),
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
        label=Text("Emtiaz last purchase sum", "مبلغ آخرین خرید"),
        description=Text(
            "In the reporting currency.", "به واحد پول گزارش؛ ریال به تومان نوشته می‌شود."
        ),
        read=_last_amount,
    ),
    Output(
        "points", OutputType.NUMBER, Trigger.ANY, kinds=_PERSONS, of="loyalty",
        label=Text("Emtiaz points", "امتیاز قابل خرج"),
        description=Text("Loyalty points that can be spent.", "امتیاز باشگاه که می‌توان خرج کرد."),
        read=lambda card, _: card.loyalty.points if card.loyalty else None,
    ),
    Output(
        "points_expiring", OutputType.NUMBER, Trigger.ANY, kinds=_PERSONS, of="loyalty",
        label=Text("Emtiaz points expiring", "امتیاز رو به انقضا"),
        description=Text(
            "The points that expire first.", "امتیازی که زودتر از بقیه منقضی می‌شود."
        ),
        read=lambda card, _: one.points if (one := _points_expiring(card)) else None,
    ),
    Output(
        "points_expire_at", OutputType.INSTANT, Trigger.ANY, kinds=_PERSONS, of="loyalty",
        label=Text("Emtiaz points expire at", "زمان انقضای امتیاز"),
        description=Text("When they expire.", "زمانی که آن امتیاز منقضی می‌شود."),
        read=lambda card, _: iso(one.at) if (one := _points_expiring(card)) else None,
    ),
    Output(
        "tier_valid_until", OutputType.INSTANT, Trigger.ANY, kinds=_PERSONS, of="tiers",
        label=Text("Emtiaz tier valid until", "اعتبار سطح"),
        description=Text(
            "When the tier is reviewed, or its grace ends.",
            "زمان بازبینی سطح یا پایان مهلت آن.",
        ),
        read=lambda card, _: _valid_until(card),
    ),
    Output(
        "tier_progress", OutputType.TEXT, Trigger.ANY, kinds=_PERSONS, of="tiers",
        label=Text("Emtiaz tier progress", "راه تا سطح بعدی"),
        description=Text(
            "What keeps the tier and what leads to the next one.",
            "آنچه سطح را نگه می‌دارد و آنچه به سطح بعدی می‌رساند.",
        ),
        read=_tier_progress,
    ),
    Output(
        "missions", OutputType.TEXT, Trigger.ANY, kinds=_PERSONS, of="loyalty",
        label=Text("Emtiaz missions", "مأموریت‌ها"),
        description=Text("How far the missions are.", "پیشرفت مأموریت‌ها."),
        read=_missions,
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
            "What is expected of them, in the reporting currency.",
            "درآمد آیندهٔ مورد انتظار؛ ریال به تومان نوشته می‌شود.",
        ),
        read=_expected_value,
    ),
    Output(
        "churn_risk", OutputType.CHOICE, Trigger.ANY, kinds=_PERSONS, of="churn",
        label=Text("Emtiaz churn risk", "خطر ریزش"),
        description=Text("How likely they are lost.", "چقدر احتمال دارد از دست رفته باشد."),
        choices=_choices(RISK_LEVELS),
        read=lambda card, _: card.prediction.level if card.prediction else None,
    ),
    Output(
        "purchase_probability", OutputType.SCORE, Trigger.STEP, kinds=_PERSONS, of="chances",
        label=Text("Emtiaz purchase chance", "احتمال خرید"),
        description=Text(
            "Per cent: that they buy within 90 days, or do what is hoped for.",
            "درصد احتمال این که تا ۹۰ روز دیگر بخرد یا به هدف برسد.",
        ),
        read=lambda card, _: _probability(card),
    ),
    Output(
        "cluster", OutputType.TEXT, Trigger.ANY, kinds=_PERSONS, of="clusters",
        label=Text("Emtiaz cluster", "خوشهٔ مشتری"),
        description=Text("Customers who buy alike.", "مشتریانی که خریدشان به هم می‌ماند."),
        read=_cluster,
    ),
    Output(
        "prediction_why", OutputType.TEXT, Trigger.FOLLOW, kinds=_PERSONS, of="reasons",
        label=Text("Emtiaz prediction reasons", "دلیل پیش‌بینی"),
        description=Text(
            "What raises and lowers the chance, or the risk to leave, most.",
            "آنچه احتمال خرید یا خطر رفتن را بیش از همه بالا یا پایین می‌برد.",
        ),
        read=_prediction_why,
    ),
    Output(
        "tags", OutputType.TAGS, Trigger.ANY,
        label=Text("Emtiaz tags", "برچسب‌ها"),
        description=Text("Class, segment and other marks.", "کلاس، بخش و نشانه‌های دیگر."),
        choices=_choices(_TAGS),
        read=lambda card, _: card.tags,
    ),
    Output(
        "topics", OutputType.TOPICS, Trigger.ANY, minimal=True, of="topics",
        label=Text("Emtiaz topics", "موضوع‌ها"),
        description=Text(
            "The tags as topics, beside those of people.",
            "برچسب‌ها به شکل موضوع، کنار موضوع‌هایی که افراد می‌گذارند.",
        ),
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

TOPICS = frozenset(row.name for row in OUTPUTS if row.type is OutputType.TOPICS)
"""The names of those that only some CRMs have a place for."""
