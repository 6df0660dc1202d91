"""Why somebody stands on the call list, in words."""

from __future__ import annotations

from chalicelib.core.model import Money, Text
from chalicelib.localization.numbers import money, number


def worth(chance: float, value: Money) -> Text:
    """What a call is about.

    >>> worth(0.45, Money(120_000_000, "IRR")).en
    '45% chance × 120,000,000 IRR'
    """
    percent, amount = number(round(chance * 100)), money(value)
    return Text(f"{percent.en}% chance × {amount.en}", f"شانس {percent.fa}٪ × {amount.fa}")


def last_contact(when: Text | None) -> Text:
    if when is None:
        return Text("never contacted", "تاکنون با او تماس گرفته نشده")
    return Text(f"last contact {when.en}", f"آخرین تماس {when.fa}")


def waiting(days: int) -> Text:
    """For longer than the service level allows.

    >>> waiting(1).en
    'waiting for 1 day'
    """
    count = number(days)
    return Text(
        f"waiting for {count.en} day{'' if days == 1 else 's'}", f"{count.fa} روز در انتظار"
    )


BECAUSE = {
    "index": Text("among the most worthwhile", "از باارزش‌ترین‌ها"),
    "new": Text("minutes kept for new people", "سهم افراد تازه"),
    "existing": Text("minutes kept for customers", "سهم مشتریان فعلی"),
    "exploration": Text("minutes kept for the rest", "سهم کسانی که کمتر دیده می‌شوند"),
}
