"""The sentences around the words of a policy. Every function gives both languages."""

from __future__ import annotations

from chalicelib.core.model import Money, Text
from chalicelib.localization.numbers import money, number, signed


def counted(one: Text, many: Text, count: int) -> Text:
    """``many`` with ``{count}`` filled in, or ``one`` for a single time.

    >>> words = Text("Opened an e-mail", "…"), Text("Opened {count} e-mails", "…")
    >>> counted(*words, 1).en, counted(*words, 3).en
    ('Opened an e-mail', 'Opened 3 e-mails')
    """
    words, times = one if count == 1 else many, number(count)
    # Plain replacement: the words come from an admin, and str.format would run what they hold.
    return Text(words.en.replace("{count}", times.en), words.fa.replace("{count}", times.fa))


def happened(what: Text, count: int, last: Text) -> Text:
    """What somebody did and when they last did it.

    >>> happened(Text("Opened 3 e-mails", "…"), 3, Text("4 days ago", "…")).en
    'Opened 3 e-mails, last 4 days ago'
    """
    if count == 1:
        return Text(f"{what.en} {last.en}", f"{what.fa}، {last.fa}")
    return Text(f"{what.en}, last {last.en}", f"{what.fa}، آخرین بار {last.fa}")


def last_purchase(last: Text) -> Text:
    return Text(f"Last purchase {last.en}", f"آخرین خرید {last.fa}")


def purchases(count: int) -> Text:
    return counted(
        Text("Bought once", "یک بار خرید"), Text("Bought {count} times", "{count} بار خرید"), count
    )


def spent(total: Money) -> Text:
    amount = money(total)
    return Text(f"Spent {amount.en} in all", f"مجموع خرید {amount.fa}")


def with_points(text: Text, points: int) -> Text:
    """A reason as the sales rep reads it.

    >>> with_points(Text("Last purchase 12 days ago", "…"), 25).en
    'Last purchase 12 days ago (+25)'
    """
    value = signed(points)
    return Text(f"{text.en} ({value.en})", f"{text.fa} ({value.fa})")
