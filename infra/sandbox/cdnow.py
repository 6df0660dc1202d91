"""Fills a stand-in with a real purchase history: people, companies, and a won deal a purchase.

The purchases are CDNOW's; people, companies and engagement are invented from a seed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import count, groupby
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

from infra.sandbox.stand_in import Deal, People, Person

_NAMES = (
    ("Alice", "Moreau"), ("Benjamin", "Okafor"), ("Chiara", "Lindqvist"), ("Daniel", "Novak"),
    ("Elif", "Aydin"), ("Farid", "Haddad"), ("Grace", "Whitfield"), ("Hugo", "Santos"),
    ("Ingrid", "Solberg"), ("Jonas", "Keller"), ("Kaori", "Tanaka"), ("Leila", "Rahimi"),
    ("Marek", "Zielinski"), ("Nadia", "Petrova"), ("Omar", "Benali"), ("Priya", "Raman"),
    ("آرش", "کریمی"), ("بهاره", "صادقی"), ("پویا", "رستمی"), ("ترانه", "موسوی"),
    ("داریوش", "احمدی"), ("سارا", "نیک‌پور"), ("کاوه", "فرهادی"), ("مهسا", "جعفری"),
)  # fmt: skip
_COMPANY_WORDS = (
    ("Blue", "Harbour", "Records"), ("North", "Pine", "Studio"), ("Silver", "Lane", "Retail"),
    ("Green", "Valley", "Media"), ("Red", "Lantern", "Hotels"), ("Amber", "Hill", "Software"),
)  # fmt: skip
_JOB_TITLES = (
    "Chief Executive Officer", "Head of Marketing", "Purchasing Manager", "Sales Director",
    "Software Engineer", "Office Assistant", "Student", "Music Teacher", "Shop Owner", "Consultant",
)  # fmt: skip
_COUNTRIES = ("Iran", "Germany", "France", "Türkiye", "United Arab Emirates", "Canada", "Japan")
_CUSTOMERS_PER_COMPANY = 3

# What somebody did, and how likely the CRM has noted it at all.
_ENGAGEMENT = (
    ("email.opened", 0.7),
    ("email.clicked", 0.4),
    ("email.replied", 0.1),
    ("page.viewed", 0.6),
    ("form.submitted", 0.3),
    ("call.held", 0.35),
)
_HELD_EVERYWHERE = "call.held"


@dataclass(frozen=True, slots=True)
class Purchase:
    customer: str
    day: date
    discs: int
    dollars: str


@dataclass(frozen=True, slots=True)
class Loaded:
    """Ids of what is in the CRM now; customers have purchases, leads none."""

    customers: tuple[str, ...]
    leads: tuple[str, ...]
    companies: tuple[str, ...]
    deals: tuple[str, ...]
    people: Mapping[str, Person] = field(repr=False)


def load_cdnow(
    people: People,
    path: Path,
    now: datetime,
    *,
    leads: int = 100,
    seed: int = 1997,
    days_of: ZoneInfo | None = None,
) -> Loaded:
    """Load a CDNOW sample file, silently: no webhook rings.

    The purchases of 1997 and 1998 are moved by one constant number of days, so that the
    last of them was yesterday; the days between purchases stay what they were. The same
    seed and ``now`` give the same people.

    ``days_of`` is for the same history in several CRMs: nothing is loaded that some of them have
    no place for. Of deals that is the day, begun there, and of engagement calls alone.
    """
    loader = _Loader(people, now, Random(seed), days_of)  # noqa: S311 - invented people
    return loader.load(read_purchases(path), leads)


def read_purchases(path: Path) -> list[Purchase]:
    """Lines of ``master id, sample id, YYYYMMDD, CDs, dollars``, in the file's order."""
    rows = (line.split() for line in path.read_text(encoding="ascii").splitlines())
    return [
        Purchase(customer, date.fromisoformat(day),
                 int(discs), dollars)
        for _, customer, day, discs, dollars in rows
    ]  # fmt: skip


class _Loader:
    def __init__(
        self, crm: People, now: datetime, random: Random, days_of: ZoneInfo | None
    ) -> None:
        self._crm = crm
        self._now = now
        self._random = random
        self._days_of = days_of
        self._names = self._endless_names()
        self._people: dict[str, Person] = {}
        self._companies: list[str] = []
        self._deals: list[str] = []

    def load(self, purchases: Sequence[Purchase], leads: int) -> Loaded:
        yesterday = self._now.date() - timedelta(days=1)
        shift = yesterday - max(purchase.day for purchase in purchases)
        histories = groupby(purchases, key=lambda purchase: purchase.customer)
        customers = tuple(self._customer(list(history), shift) for _, history in histories)
        return Loaded(
            customers=customers,
            leads=tuple(self._lead() for _ in range(leads)),
            companies=tuple(self._companies),
            deals=tuple(self._deals),
            people=self._people,
        )

    def _customer(self, history: Sequence[Purchase], shift: timedelta) -> str:
        times = [self._time_of_day(purchase.day + shift) for purchase in history]
        person = self._person(times[0] - timedelta(days=1))
        for purchase, at in zip(history, times, strict=True):
            discs = "1 CD" if purchase.discs == 1 else f"{purchase.discs} CDs"
            self._deal(person, Deal(purchase.dollars, "USD", "won", at, f"Order of {discs}"))
        return person

    def _lead(self) -> str:
        person = self._person(self._now - timedelta(days=self._random.uniform(2, 200)))
        if self._random.random() < 0.3:  # noqa: PLR2004 - three in ten have a deal under way
            closing = self._now + timedelta(days=self._random.uniform(5, 60))
            amount = f"{self._random.uniform(15, 120):.2f}"
            self._deal(person, Deal(amount, "USD", "open", closing, "First order"))
        return person

    def _person(self, created: datetime) -> str:
        first, last, number = next(self._names)
        person = Person(
            email=f"customer{number}@example.com",
            title=self._random.choice(_JOB_TITLES),
            name=(first, last),
            country=self._random.choice(_COUNTRIES),
            phone=f"+1 555 01{number % 100:02}",
            active=self._engagement(created),
            created_at=created,
        )
        record = self._crm.load_person(person, self._company())
        self._people[record] = person
        return record

    def _company(self) -> str:
        """An earlier company, or a new one now and then."""
        if self._companies and self._random.random() > 1 / _CUSTOMERS_PER_COMPANY:
            return self._random.choice(self._companies)
        number = len(self._companies) + 1
        name = " ".join(self._random.choice(words) for words in zip(*_COMPANY_WORDS, strict=True))
        employees = round(self._random.lognormvariate(3.5, 1.5)) + 1
        self._companies.append(self._crm.load_company(f"{name} {number}", employees))
        return self._companies[-1]

    def _deal(self, person: str, deal: Deal) -> None:
        self._deals.append(self._crm.load_deal(person, deal))

    def _engagement(self, since: datetime) -> dict[str, datetime]:
        """Most people were last active recently, some long ago, nobody before ``since``."""
        days = (self._now - since) / timedelta(days=1)
        return {
            kind: self._now - timedelta(days=min(self._random.expovariate(1 / 45), days))
            for kind, share in _ENGAGEMENT
            if self._random.random() < share and (kind == _HELD_EVERYWHERE or not self._days_of)
        }

    def _time_of_day(self, day: date) -> datetime:
        """CDNOW knows only the day; an hour between 8 and 20 UTC is invented."""
        if self._days_of:
            return datetime.combine(day, time(), self._days_of)
        opening = datetime.combine(day, time(8), UTC)
        return opening + timedelta(seconds=self._random.randrange(12 * 3600))

    def _endless_names(self) -> Iterator[tuple[str, str, int]]:
        """First and last names of one script belong together."""
        scripts = _NAMES[:16], _NAMES[16:]
        for number in count(1):
            people: Sequence[tuple[str, str]] = self._random.choices(scripts, (3, 1))[0]
            yield self._random.choice(people)[0], self._random.choice(people)[1], number
