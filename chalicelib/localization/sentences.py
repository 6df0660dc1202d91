"""The sentences around the words of a policy. Every function gives both languages."""

from __future__ import annotations

from chalicelib.core.model import Text
from chalicelib.localization.numbers import number, signed, tenths


def happened(once: Text, often: Text, count: int, last: Text) -> Text:
    """What somebody did, how often, and when they last did it.

    ``often`` holds ``{count}``; ``once`` is said of a single time.

    >>> words = Text("Opened an e-mail", "…"), Text("Opened {count} e-mails", "…")
    >>> happened(*words, 1, Text("4 days ago", "…")).en
    'Opened an e-mail 4 days ago'
    >>> happened(*words, 3, Text("4 days ago", "…")).en
    'Opened 3 e-mails, last 4 days ago'
    """
    if count == 1:
        en, fa = f"{once.en} {last.en}", f"{once.fa}، {last.fa}"
    else:
        en, fa = f"{often.en}, last {last.en}", f"{often.fa}، آخرین بار {last.fa}"
    times = number(count)
    # Plain replacement: the words come from an admin, and str.format would run what they hold.
    return Text(en.replace("{count}", times.en), fa.replace("{count}", times.fa))


def people_scored(count: int, best: int) -> Text:
    """Of a company: how many people are known there, and how far the best of them is.

    >>> people_scored(3, 80).en
    '3 people there, the best with 80'
    """
    people, most = number(count), number(best)
    if count == 1:
        return Text(f"One person there, with {most.en}", f"یک نفر در شرکت با امتیاز {most.fa}")
    return Text(
        f"{people.en} people there, the best with {most.en}",
        f"{people.fa} نفر در شرکت، بهترین با امتیاز {most.fa}",
    )


def with_points(text: Text, points: int, unlimited: float | None = None) -> Text:
    """A reason as the sales rep reads it; ``unlimited`` is what it would be without bounds.

    >>> with_points(Text("Last purchase 12 days ago", "…"), 25).en
    'Last purchase 12 days ago (+25)'
    >>> with_points(Text("Visited the website 10 times", "…"), 30, 50.0).en
    'Visited the website 10 times (+50 limited to +30)'
    """
    value = signed(points)
    if unlimited is not None and round(unlimited) != points:
        free = signed(round(unlimited))
        value = Text(f"{free.en} limited to {value.en}", f"{free.fa} محدود به {value.fa}")
    return Text(f"{text.en} ({value.en})", f"{text.fa} ({value.fa})")


def in_full(text: Text, points: float, half_life_days: float | None) -> Text:
    r"""A line of an explanation with all that its number is made of.

    >>> in_full(Text("3 visits, last 4 days ago", "…"), 12.5, 14).en
    '3 visits, last 4 days ago, 12.5 points (half-life 14 days)'
    """
    value = tenths(points)
    en, fa = f"{text.en}, {value.en} points", f"{text.fa}، {value.fa} امتیاز"
    if half_life_days is None:
        return Text(en, fa)
    life = tenths(half_life_days)
    return Text(f"{en} (half-life {life.en} days)", f"{fa} (نیمه‌عمر {life.fa} روز)")


def unknown(name: Text) -> Text:
    """That something is not known of somebody.

    >>> unknown(Text("Company size", "اندازهٔ شرکت")).en
    'Company size unknown'
    """
    return Text(f"{name.en} unknown", f"{name.fa} نامعلوم است")


def set_by_hand(score: int, computed: int) -> Text:
    """That a person has put another number in the place of the machine's.

    >>> set_by_hand(80, 55).en
    'Set by hand to 80, computed 55'
    """
    given, machine = number(score), number(computed)
    return Text(
        f"Set by hand to {given.en}, computed {machine.en}",
        f"دستی تعیین شده: {given.fa}، محاسبه‌شده: {machine.fa}",
    )
