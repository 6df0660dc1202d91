"""What is said of points, tiers, missions and rewards. Every function gives both languages."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from chalicelib.core.model import Money, Text
from chalicelib.localization.numbers import money, number, tenths


def points(count: int) -> Text:
    """With the word.

    >>> points(1).en, points(1250).en
    ('1 point', '1,250 points')
    """
    told = number(count)
    return Text(f"{told.en} point{'' if count == 1 else 's'}", f"{told.fa} امتیاز")


def purchases(count: int) -> Text:
    told = number(count)
    return Text(f"{told.en} purchase{'' if count == 1 else 's'}", f"{told.fa} خرید")


def times(count: int) -> Text:
    told = number(count)
    return Text(f"{told.en} time{'' if count == 1 else 's'}", f"{told.fa} بار")


def index(value: float) -> Text:
    told = tenths(value)
    return Text(f"{told.en} of 100", f"{told.fa} از ۱۰۰")


def to_next(missing: Text, level: Text) -> Text:
    """What is missing for the next level.

    >>> to_next(points(120), Text("Silver", "نقره‌ای")).en
    '120 points to Silver'
    """
    return Text(f"{missing.en} to {level.en}", f"{missing.fa} تا {level.fa}")


def to_keep(missing: Text, level: Text, by: Text) -> Text:
    """What is missing to stay, and by when.

    >>> to_keep(points(400), Text("Gold", "طلایی"), Text("29 Esfand", "۲۹ اسفند")).en
    'Keep Gold: 400 points by 29 Esfand'
    """
    return Text(
        f"Keep {level.en}: {missing.en} by {by.en}",
        f"برای ماندن در سطح {level.fa}: {missing.fa} تا {by.fa}",
    )


def expiring(count: int, day: Text) -> Text:
    """Points that die, and the last day on which they live.

    >>> expiring(40, Text("29 Esfand", "۲۹ اسفند")).en
    '40 points can be used until 29 Esfand'
    """
    told = points(count)
    return Text(f"{told.en} can be used until {day.en}", f"{told.fa} تا {day.fa} قابل استفاده است")


def mission(text: Text, value: Text, target: Text) -> Text:
    """How far somebody has come.

    >>> mission(Text("Three purchases", "سه خرید"), number(2), number(3)).en
    'Three purchases: 2 of 3'
    """
    return Text(f"{text.en}: {value.en} of {target.en}", f"{text.fa}: {value.fa} از {target.fa}")


def amount(value: int, currency: str) -> Text:
    return money(Money(value, currency))


def tier_up(level: Text) -> Text:
    return Text(f"Reached {level.en}", f"به سطح {level.fa} رسید")


def tier_down(level: Text) -> Text:
    return Text(f"Is {level.en} from now on", f"از این پس در سطح {level.fa} است")


def tier_grace(level: Text, day: Text) -> Text:
    return Text(
        f"Keeps {level.en} until {day.en} only", f"سطح {level.fa} فقط تا {day.fa} برقرار است"
    )


def tier_renewed(level: Text) -> Text:
    return Text(f"Keeps {level.en}", f"سطح {level.fa} تمدید شد")


TIER_CHANGES: Mapping[str, Callable[[Text], Text]] = {
    "up": tier_up,
    "down": tier_down,
    "ruled": tier_down,
    "renewed": tier_renewed,
}

ENTRIES: Mapping[str, Text] = {
    "earn": Text("Earned", "کسب امتیاز"),
    "activate": Text("Can be used now", "قابل استفاده شد"),
    "redeem": Text("Redeemed", "خرج امتیاز"),
    "redeem_cancel": Text("Redemption cancelled", "لغو خرج امتیاز"),
    "reverse_earn": Text("Taken back after a refund", "پس‌گرفته پس از مرجوعی"),
    "expire": Text("Expired", "منقضی شد"),
    "adjust": Text("Adjusted by hand", "اصلاح دستی"),
    "debt": Text("Owed, because spent points were taken back", "بدهی امتیاز خرج‌شده"),
    "repay": Text("Debt repaid", "تسویهٔ بدهی"),
    "merge": Text("Brought along by a merged record", "انتقال از رکورد ادغام‌شده"),
}
"""What kinds of ledger entries are called."""

REFUSALS: Mapping[str, Text] = {
    "unknown": Text("There is no such reward", "چنین جایزه‌ای وجود ندارد"),
    "not_now": Text("The reward is not offered now", "این جایزه اکنون ارائه نمی‌شود"),
    "tier": Text("The reward is for other tiers", "این جایزه برای سطح‌های دیگر است"),
    "sold_out": Text("The reward is sold out", "این جایزه تمام شده است"),
    "points": Text("There are not enough points", "امتیاز کافی نیست"),
}
"""Why a reward cannot be had."""
