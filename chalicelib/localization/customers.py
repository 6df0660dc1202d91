"""What is said of who has bought. Every function gives both languages."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

from chalicelib.core.model import Money, Text
from chalicelib.localization.numbers import money, number, persian

TELLING = 50
"""From here on, per cent, it is worth telling how many others somebody is ahead of."""

_AHEAD = {
    "recent": Text("more recent than", "تازه‌تر از"),
    "often": Text("more often than", "بیشتر از"),
    "much": Text("more than", "بیشتر از"),
}


def last_purchase(last: Text) -> Text:
    return Text(f"Last purchase {last.en}", f"آخرین خرید {last.fa}")


def purchases(count: int) -> Text:
    if count == 1:
        return Text("Bought once", "یک بار خرید")
    if count == 0:
        return Text("Bought nothing lately", "خرید تازه‌ای ندارد")
    times = number(count)
    return Text(f"Bought {times.en} times", f"{times.fa} بار خرید")


def spent(total: Money, window_days: int | None = None, *, each: bool = False) -> Text:
    """In all, in the last so many days, or on average.

    >>> spent(Money(2933, "USD"), 90).en
    'Spent 29.33 USD in 90 days'
    """
    amount = money(total)
    if each:
        return Text(f"Spends {amount.en} at a time", f"میانگین هر خرید {amount.fa}")
    if window_days is None:
        return Text(f"Spent {amount.en} in all", f"مجموع خرید {amount.fa}")
    days = number(window_days)
    return Text(f"Spent {amount.en} in {days.en} days", f"خرید {days.fa} روز اخیر {amount.fa}")


def beyond_others(text: Text, how: Literal["recent", "often", "much"], percent: int) -> Text:
    """The same with how many customers somebody is ahead of, if that is worth telling.

    >>> beyond_others(Text("Last purchase 12 days ago", "…"), "recent", 80).en
    'Last purchase 12 days ago, more recent than 80 % of customers'
    """
    if percent < TELLING:
        return text
    ahead = _ahead(how, percent)
    return Text(text.en + ahead.en, text.fa + ahead.fa)


@lru_cache(maxsize=512)
def _ahead(how: str, percent: int) -> Text:
    words = _AHEAD[how]
    return Text(
        f", {words.en} {percent} % of customers", f"، {words.fa} {persian(str(percent))}٪ مشتریان"
    )


def more_purchases(count: int, segment: Text) -> Text:
    """What would bring somebody to a better segment.

    >>> more_purchases(2, Text("Champion", "قهرمان")).en
    '2 more purchases → Champion'
    """
    if count == 1:
        return Text(f"One more purchase → {segment.en}", f"یک خرید دیگر ← {segment.fa}")
    times = number(count)
    return Text(f"{times.en} more purchases → {segment.en}", f"{times.fa} خرید دیگر ← {segment.fa}")


def brought_in(total: Money) -> Text:
    amount = money(total)
    return Text(f"Brought in purchases worth {amount.en}", f"خریدهای معرفی‌شده به ارزش {amount.fa}")


def cost_us(total: Money) -> Text:
    amount = money(total)
    return Text(f"Cost us {amount.en}", f"هزینهٔ جذب و خدمات {amount.fa}")


def answered(survey: str, value: float, scale: int, last: Text) -> Text:
    """What somebody said in a survey.

    >>> answered("nps", 9, 10, Text("4 days ago", "…")).en
    'Gave 9 of 10 (NPS) 4 days ago'
    """
    shown = f"{value:g}"
    name = survey.upper()
    return Text(
        f"Gave {shown} of {scale} ({name}) {last.en}",
        f"امتیاز {persian(shown)} از {persian(str(scale))} ({name})، {last.fa}",
    )


def usual_answer() -> Text:
    return Text("Satisfaction of customers on average", "میانگین رضایت مشتریان")


def in_tier(level: Text) -> Text:
    """Of a loyalty programme.

    >>> in_tier(Text("Gold", "طلایی")).en
    'Loyalty tier Gold'
    """
    return Text(f"Loyalty tier {level.en}", f"سطح وفاداری {level.fa}")


def earned_points(count: int, days: int) -> Text:
    """Points of a loyalty programme, in the last so many days.

    >>> earned_points(250, 365).en
    'Earned 250 points in 365 days'
    """
    told, span = number(count), number(days)
    return Text(
        f"Earned {told.en} point{'' if count == 1 else 's'} in {span.en} days",
        f"{told.fa} امتیاز در {span.fa} روز اخیر",
    )


def open_deal(stage: Text, percent: int) -> Text:
    """And how probable it is to be won.

    >>> open_deal(Text("Negotiation", "مذاکره"), 60).en
    'Open deal at Negotiation: 60 %'
    """
    return Text(
        f"Open deal at {stage.en}: {percent} %",
        f"معاملهٔ باز در مرحلهٔ {stage.fa}: {persian(str(percent))}٪",
    )
