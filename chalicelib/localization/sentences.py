"""The sentences around the words of a policy. Every function gives both languages."""

from __future__ import annotations

from chalicelib.core.model import Text
from chalicelib.localization.numbers import number, signed


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


def with_points(text: Text, points: int) -> Text:
    """A reason as the sales rep reads it.

    >>> with_points(Text("Last purchase 12 days ago", "…"), 25).en
    'Last purchase 12 days ago (+25)'
    """
    value = signed(points)
    return Text(f"{text.en} ({value.en})", f"{text.fa} ({value.fa})")
