"""What is said to the rep, and to the customer by SMS, when something is announced.

A text has places such as ``{tier}``, which are filled with a value of its language. Which places
there are depends on the occasion.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from chalicelib.core.announcements import Occasion
from chalicelib.core.model import Text
from chalicelib.localization.sms import plain

_PLACE = re.compile(r"\{([a-z_]+)\}")

LONGEST_NAME = 20
"""Letters of a name of the policy's own that a customer's text holds: an SMS has few."""


@dataclass(frozen=True, slots=True)
class Words:
    """What is said on an occasion, and the places that a text for it may have."""

    rep: Text
    customer: Text
    places: tuple[str, ...]


WORDS: Mapping[Occasion, Words] = {
    "tier_up": Words(
        Text("Customer {customer} reached {tier}", "مشتری {customer} به سطح {tier} رسید"),
        Text(
            "Congratulations! You have reached {tier}. Thank you for staying with us.",
            "تبریک! شما به سطح {tier} رسیدید.",
        ),
        ("customer", "tier"),
    ),
    "tier_down": Words(
        Text(
            "Customer {customer} is {tier} from now on",
            "مشتری {customer} از این پس در سطح {tier} است",
        ),
        Text(
            "Your level is {tier} from now on. We look forward to your next visit.",
            "سطح شما از این پس {tier} است.",
        ),
        ("customer", "tier"),
    ),
    "tier_grace": Words(
        Text(
            "Customer {customer} keeps {tier} until {day} only",
            "سطح {tier} مشتری {customer} فقط تا {day} برقرار است",
        ),
        Text("You keep {tier} until {day}.", "سطح {tier} شما تا {day} اعتبار دارد."),
        ("customer", "tier", "day"),
    ),
    "points_earned": Words(
        Text(
            "Customer {customer} earned {points} and has {balance}",
            "مشتری {customer} {points} گرفت و {balance} دارد",
        ),
        Text(
            "You have earned {points}. Your balance is {balance}.",
            "{points} گرفتید. موجودی: {balance}",
        ),
        ("customer", "points", "balance"),
    ),
    "points_expiring": Words(
        Text(
            "Customer {customer} can use {points} until {day} only",
            "مشتری {customer} فقط تا {day} فرصت استفاده از {points} دارد",
        ),
        Text("Your {points} can be used until {day}.", "{points} شما تا {day} قابل استفاده است."),
        ("customer", "points", "day"),
    ),
    "reward_redeemed": Words(
        Text(
            "Customer {customer} redeemed {points} for {reward}",
            "مشتری {customer} {points} را برای {reward} خرج کرد",
        ),
        Text(
            "Your reward: {reward}. {points} were used, your balance is {balance}.",
            "جایزهٔ شما: {reward}. موجودی: {balance}",
        ),
        ("customer", "points", "balance", "reward"),
    ),
    "score_crossing": Words(
        Text(
            "Customer {customer}: {name} is {score}, the mark is {threshold}",
            "مشتری {customer}: {name} اکنون {score} است، مرز {threshold}",
        ),
        Text(
            "Thank you for your interest. May we call you?",
            "از توجه شما سپاسگزاریم. مایلید با شما تماس بگیریم؟",
        ),
        ("customer", "name", "score", "threshold"),
    ),
    "stage_entered": Words(
        Text(
            "Customer {customer} entered the stage {stage}",
            "مشتری {customer} وارد مرحلهٔ {stage} شد",
        ),
        Text("Your request has reached the stage: {stage}.", "درخواست شما به مرحلهٔ {stage} رسید."),
        ("customer", "stage"),
    ),
    "stage_left": Words(
        Text(
            "Customer {customer} left the stage {stage}",
            "مشتری {customer} از مرحلهٔ {stage} خارج شد",
        ),
        Text(
            "Your request has passed the stage: {stage}.", "درخواست شما از مرحلهٔ {stage} گذشت."
        ),
        ("customer", "stage"),
    ),
    "days_in_stage": Words(
        Text(
            "Customer {customer} has been in the stage {stage} for {days} days",
            "مشتری {customer} {days} روز است که در مرحلهٔ {stage} مانده است",
        ),
        Text(
            "We have not forgotten your request. May we help you to decide?",
            "درخواست شما را فراموش نکرده‌ایم. کمکی از ما برمی‌آید؟",
        ),
        ("customer", "stage", "days"),
    ),
    "trial_ending": Words(
        Text(
            "The trial of customer {customer} ends on {day}",
            "دورهٔ آزمایشی مشتری {customer} در {day} تمام می‌شود",
        ),
        Text(
            "Your trial ends on {day}. May we help you to go on?",
            "دورهٔ آزمایشی شما در {day} تمام می‌شود.",
        ),
        ("customer", "day", "days"),
    ),
    "satisfaction_drop": Words(
        Text(
            "Satisfaction of customer {customer} fell from {before} to {after}",
            "رضایت مشتری {customer} از {before} به {after} رسید",
        ),
        Text(
            "We would like to do better. May we call you?",
            "می‌خواهیم بهتر شویم. مایلید با شما تماس بگیریم؟",
        ),
        ("customer", "before", "after"),
    ),
}  # fmt: skip


SCORES: Mapping[str, Text] = {
    "score": Text("the score", "امتیاز"),
    "lead_score": Text("the lead score", "امتیاز سرنخ"),
    "customer_score": Text("the customer score", "امتیاز مشتری"),
    "priority": Text("the priority of a call", "اولویت تماس"),
}


def places(text: Text) -> Iterator[str]:
    """Of both languages."""
    for told in (text.en, text.fa):
        yield from _PLACE.findall(told)


def filled(text: Text, values: Mapping[str, Text]) -> Text:
    """With each place replaced by its value; a place that has none stays as it is.

    >>> filled(Text("Reached {tier}", "به {tier} رسید"), {"tier": Text("Gold", "طلایی")}).en
    'Reached Gold'
    """
    return Text(
        _PLACE.sub(lambda found: values[found[1]].en if found[1] in values else found[0], text.en),
        _PLACE.sub(lambda found: values[found[1]].fa if found[1] in values else found[0], text.fa),
    )


def for_sms(text: Text, values: Mapping[str, Text]) -> Text:
    """The same for a customer's telephone: names that are too long are cut."""
    told = filled(text, {name: _short(value) for name, value in values.items()})
    return Text(plain(told.en), plain(told.fa))


def _short(name: Text) -> Text:
    english, persian = plain(name.en), plain(name.fa)
    if len(english) > LONGEST_NAME:
        english = english[: LONGEST_NAME - 3] + "..."
    return Text(english, _cut(persian))


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_NAME else text[: LONGEST_NAME - 1] + "…"
