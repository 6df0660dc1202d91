"""What is said of somebody's future. Every function gives both languages."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

from chalicelib.core.model import Text
from chalicelib.localization.numbers import number, persian

_ONE = 0.05
"""Odds that are nearer to being the same are."""

_YES, _NO = Text("yes", "بله"), Text("no", "خیر")

_PURCHASES = {
    "frequency": Text("How often they bought", "تعداد خریدها"),
    "recency": Text("The time since their last purchase", "زمان گذشته از آخرین خرید"),
    "age": Text("How long they have been customers", "مدت مشتری بودن"),
    "only": Text("Having bought once, and how long ago,", "یک‌بار خریدن و زمان گذشته از آن"),
}

_DAYS = (
    Text("Mondays", "دوشنبه‌ها"), Text("Tuesdays", "سه‌شنبه‌ها"), Text("Wednesdays", "چهارشنبه‌ها"),
    Text("Thursdays", "پنجشنبه‌ها"), Text("Fridays", "جمعه‌ها"), Text("Saturdays", "شنبه‌ها"),
    Text("Sundays", "یکشنبه‌ها"),
)  # fmt: skip

Part = Literal["morning", "noon", "afternoon", "evening", "night"]

_PARTS: dict[Part, Text] = {
    "morning": Text("in the morning", "صبح"),
    "noon": Text("around noon", "ظهر"),
    "afternoon": Text("in the afternoon", "بعدازظهر"),
    "evening": Text("in the evening", "عصر"),
    "night": Text("at night", "شب"),
}


def purchase_input(name: str) -> Text:
    """One of ``frequency``, ``recency``, ``age``; ``only`` of who bought once."""
    return _PURCHASES[name]


def field_known(label: Text, value: str | float) -> Text:
    """Numbers as people write them.

    >>> field_known(Text("Revenue", "درآمد"), 25e6).en, field_known(Text("VIP", "ویژه"), True)
    ('Revenue: 25,000,000', Text(en='VIP: yes', fa='ویژه: بله'))
    """
    told = _written(value)
    return Text(f"{label.en}: {told.en}", f"{label.fa}: {told.fa}")


def _written(value: str | float) -> Text:
    if isinstance(value, str):
        return Text(value, value)
    if isinstance(value, bool):
        return _YES if value else _NO
    if isinstance(value, int) or value.is_integer():
        return number(int(value))
    told = f"{value:,.2f}".rstrip("0").removesuffix(".")
    return Text(told, persian(told))


def field_missing(label: Text) -> Text:
    return Text(f"{label.en} is not known", f"{label.fa} معلوم نیست")


def no_data(labels: Sequence[Text]) -> Text:
    """Of attributes that a chance would go by.

    >>> no_data([Text("Country", "کشور"), Text("Source", "منبع")]).en
    'No data on Country, Source'
    """
    return Text(
        f"No data on {', '.join(one.en for one in labels)}",
        f"بدون اطلاع از {'، '.join(one.fa for one in labels)}",
    )


def how_often(kind: Text) -> Text:
    """Of an activity, lately."""
    return Text(f"How often lately: {kind.en}", f"دفعات اخیر: {kind.fa}")


RULE_OF_THUMB = Text(
    "By a rule of thumb, as there is too little for a model",
    "با قاعده‌ای سرانگشتی، چون داده برای الگو کم است",
)
KINDS_LATELY = Text("What they did lately", "فعالیت‌های اخیر")
PURCHASES = Text("How often they bought", "دفعات خرید")
DAYS_QUIET = Text("Days since they did anything", "روزهای بی‌فعالیت")

_RENEWALS = {
    "survived": Text("How often they renewed", "دفعات تمدید"),
    "usage": Text("Their use of late against that before", "استفادهٔ اخیر نسبت به گذشته"),
    "tickets": Text("Their tickets of late", "تیکت‌های اخیر"),
    "answer:nps": Text("Whether they would recommend you", "پاسخ به پرسش توصیه به دیگران"),
    "answer:csat": Text("How satisfied they say they are", "رضایتی که ابراز کرده‌اند"),
}


def renewal_input(name: str) -> Text:
    """What is known of subscribers alone."""
    return _RENEWALS.get(name, Text(name, name))


def leaving(what: Text, log_odds: float) -> Text:
    """What something does to the chance that somebody does not renew.

    >>> leaving(renewal_input("usage"), 1.1).en
    'Their use of late against that before raises the odds of leaving 3 times'
    """
    if abs(log_odds) < _ONE:
        return Text(
            f"{what.en} leaves the odds of leaving as they are",
            f"{what.fa} احتمال رفتن را تغییر نمی‌دهد",
        )
    times, up = _times(log_odds), log_odds > 0
    return Text(
        f"{what.en} {'raises' if up else 'lowers'} the odds of leaving {times} times",
        f"{what.fa} بخت رفتن را {persian(times)} برابر {'بیشتر' if up else 'کمتر'} می‌کند",
    )


def odds(what: Text, log_odds: float) -> Text:
    """What something does to a chance.

    >>> odds(Text("Source: expo", "…"), 0.5878).en
    'Source: expo raises the odds 1.8 times'
    >>> odds(Text("Source: web", "…"), -0.6931).en
    'Source: web lowers the odds 2 times'
    """
    if abs(log_odds) < _ONE:
        return Text(f"{what.en} leaves the odds as they are", f"{what.fa} بخت را تغییر نمی‌دهد")
    times, up = _times(log_odds), log_odds > 0
    return Text(
        f"{what.en} {'raises' if up else 'lowers'} the odds {times} times",
        f"{what.fa} بخت را {persian(times)} برابر {'بیشتر' if up else 'کمتر'} می‌کند",
    )


def _times(log_odds: float) -> str:
    return f"{min(math.exp(abs(log_odds)), 999):.1f}".removesuffix(".0")


def likely_to_buy(percent: int, days: int) -> Text:
    """In how many days, with which chance.

    >>> likely_to_buy(35, 90).en
    'Likely to buy within 90 days: 35 %'
    """
    span = number(days)
    return Text(
        f"Likely to buy within {span.en} days: {percent} %",
        f"احتمال خرید تا {span.fa} روز دیگر: {persian(str(percent))}٪",
    )


def best_moment(weekday: int, part: Part) -> Text:
    """The part of a day of the week, of which 0 is Monday.

    >>> best_moment(5, "morning").en
    'Saturdays in the morning'
    """
    day, hours = _DAYS[weekday], _PARTS[part]
    return Text(f"{day.en} {hours.en}", f"{day.fa} {hours.fa}")
