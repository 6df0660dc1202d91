"""What a person should look at in a connection's data: doubles, and amounts that cannot be.

Nothing here changes a fact: it says what to review, and why.

*Doubles* are sure where two records share a telephone number or an e-mail address, in the form
that all spellings of it have; they are probable where name, city and company agree in their key
forms. *Outliers* are amounts of more than 20 times the 99th percentile. A *unit error* is an
amount that is exactly ten times what another source says of the same thing: rial for toman. A
purchase of before 1990 has a date of another calendar, or none.

>>> anna = Person("1", "آنا كريمي", "تهران", "آکمه", phones=("۰۹۱۲۳۴۵۶۷۸۹",))
>>> again = Person("2", "Anna", phones=("+98 912 345 6789",))
>>> [(double.ids, double.sure) for double in doubles([anna, again])]
[(('1', '2'), True)]

Source: the levels of match are those of record linkage (Fellegi and Sunter 1969) with the weights
left out; quantiles are of type 7 (Hyndman and Fan 1996).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import combinations
from statistics import quantiles
from typing import Literal

from chalicelib.localization.letters import key_form
from chalicelib.localization.phones import e164

FAR_BEYOND = 20
"""Times the 99th percentile."""

EARLIEST_YEAR = 1990

FEWEST = 100
"""Below so many amounts there is no 99th percentile to speak of."""

_RIAL_PER_TOMAN = 10
_MOST_ALIKE = 20  # a number that more records share is a switchboard, not a person


@dataclass(frozen=True, slots=True)
class Person:
    """A contact as a CRM has it; what is not known is empty."""

    id: str
    name: str
    city: str = ""
    company: str = ""
    phones: Sequence[str] = ()
    emails: Sequence[str] = ()


@dataclass(frozen=True, slots=True, order=True)
class Double:
    """Two records of one person; those that are not ``sure`` need a person's confirmation."""

    ids: tuple[str, str]
    sure: bool
    why: Literal["phone", "email", "name"]


def doubles(people: Iterable[Person], region: str = "IR") -> tuple[Double, ...]:
    """Each pair once, with the surest reason; time is linear but for those who share a key."""
    holders: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for person in people:
        for key in _keys(person, region):
            holders[key].add(person.id)
    found: dict[tuple[str, str], Double] = {}
    for why in ("phone", "email", "name"):
        for key, ids in holders.items():
            if key[0] == why and len(ids) <= _MOST_ALIKE:
                for first, second in combinations(sorted(ids), 2):
                    double = Double((first, second), why != "name", why)
                    found.setdefault(double.ids, double)
    return tuple(sorted(found.values()))


def _keys(person: Person, region: str) -> Iterable[tuple[str, str]]:
    yield from (("phone", number) for one in person.phones if (number := e164(one, region)))
    yield from (("email", email) for one in person.emails if "@" in (email := key_form(one)))
    parts = [key_form(part) for part in (person.name, person.city, person.company)]
    if all(parts):
        yield "name", "\n".join(parts)


def outliers(amounts: Mapping[str, int]) -> tuple[str, ...]:
    """Ids of the amounts that go to review; none of a population that is too small.

    >>> outliers({str(n): 100 for n in range(200)} | {"typo": 100_000})
    ('typo',)
    """
    if len(amounts) < FEWEST:
        return ()
    highest = quantiles(amounts.values(), n=100, method="inclusive")[-1]
    return tuple(sorted(one for one, amount in amounts.items() if amount > FAR_BEYOND * highest))


def too_early(days: Mapping[str, date]) -> tuple[str, ...]:
    """Ids of what was bought before there were CRMs to note it: 1402 is a Jalali year.

    >>> too_early({"a": date(1402, 5, 1), "b": date(2023, 7, 23), "c": date(1970, 1, 1)})
    ('a', 'c')
    """
    return tuple(sorted(one for one, day in days.items() if day.year < EARLIEST_YEAR))


@dataclass(frozen=True, slots=True)
class UnitErrors:
    """``ids`` are those that are ten times, or a tenth of, what the other source says.

    ``share`` is that of all things that both sources know; a large one points at the source.
    """

    ids: tuple[str, ...]
    share: float


def unit_errors(ours: Mapping[str, int], theirs: Mapping[str, int]) -> UnitErrors:
    """Amounts by the id of what both sources tell of.

    >>> unit_errors({"a": 2500, "b": 700}, {"a": 250, "b": 700})
    UnitErrors(ids=('a',), share=0.5)
    """
    both = sorted(ours.keys() & theirs.keys())
    wrong = [one for one in both if _is_ten_times(ours[one], theirs[one])]
    return UnitErrors(tuple(wrong), len(wrong) / len(both) if both else 0.0)


def _is_ten_times(one: int, other: int) -> bool:
    low, high = sorted((abs(one), abs(other)))
    return low > 0 and high == low * _RIAL_PER_TOMAN
