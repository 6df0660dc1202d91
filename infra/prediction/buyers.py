"""Who bought on which days and for how much, net of what went back."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import groupby
from zoneinfo import ZoneInfo

from chalicelib.core.facts import FactSet
from chalicelib.core.model import Purchase, Ref
from chalicelib.core.purchases import Sale, bills, netted
from infra.imports.transactions import UNPRICED, Transactions


@dataclass(frozen=True, slots=True)
class Buyer:
    """Days of purchase in ascending order, each once, and what was spent on each, net, in the
    smallest unit.
    """

    id: str
    days: tuple[date, ...]
    spent: tuple[int, ...]

    @property
    def repeat_spend(self) -> float:
        """Mean of the days after the first; 0 where there are none."""
        return sum(self.spent[1:]) / len(self.spent[1:]) if len(self.spent) > 1 else 0.0

    def until(self, end: date) -> Buyer | None:
        """What was known of them by that day; None of who had not bought yet."""
        count = sum(day <= end for day in self.days)
        return Buyer(self.id, self.days[:count], self.spent[:count]) if count else None


@dataclass(frozen=True, slots=True)
class Books:
    """All sales of a file by customer. ``currency`` is empty where it tells no sums."""

    accounts: Mapping[str, tuple[Sequence[Sale], Sequence[Sale]]]
    currency: str
    zone: ZoneInfo

    @classmethod
    def of_table(cls, table: Transactions, zone: ZoneInfo) -> Books:
        accounts = {
            customer: ([*one.sales.values()], one.refunds)
            for customer, one in table.by_customer.items()
        }
        return cls(accounts, _currency(accounts), zone)

    @classmethod
    def of_facts(cls, subjects: Mapping[Ref, FactSet], zone: ZoneInfo) -> Books:
        """Companies are left out, as their people's purchases would count twice.

        Raises ValueError where a purchase has no amount.
        """
        people = {ref: facts for ref, facts in subjects.items() if ref.kind != "account"}
        told = {str(ref): bills(facts) for ref, facts in people.items() if not facts.hidden}
        return cls(told, _currency(told), zone)

    def last_day(self, today: date) -> date | None:
        """Of a purchase or a refund that is not dated ahead of today."""
        accounts = self.accounts.values()
        days = (self._day(one.at) for both in accounts for some in both for one in some)
        return max((day for day in days if day <= today), default=None)

    def ahead(self, end: date) -> int:
        """How many sales are dated after that day."""
        accounts = self.accounts.values()
        return sum(self._day(sale.at) > end for sales, _ in accounts for sale in sales)

    def buyers(self, end: date) -> list[Buyer]:
        """As of the end of that day, in order of their ids; who gave all back is none."""
        known = (self._buyer(name, end) for name in sorted(self.accounts))
        return [one for one in known if one.days]

    def _buyer(self, name: str, end: date) -> Buyer:
        sales, refunds = self.accounts[name]
        by_day = groupby(self._net(sales, refunds, end), lambda one: self._day(one.occurred_at))
        spent = {day: sum(one.amount.amount for one in some) for day, some in by_day}
        return Buyer(name, tuple(spent), tuple(spent.values()))

    def _net(self, sales: Sequence[Sale], refunds: Sequence[Sale], end: date) -> list[Purchase]:
        known = [one for one in sales if self._day(one.at) <= end]
        counted = [one for one in known if one.worth.currency == self.currency]
        back = [one for one in refunds if self._day(one.at) <= end]
        return [*netted(counted, back, None).purchases]

    def _day(self, at: datetime) -> date:
        try:
            return at.astimezone(self.zone).date()
        except OverflowError:  # at the ends of the years 1 and 9999
            return at.date()

    @property
    def foreign(self) -> int:
        """How many sales are in another currency, and so do not count."""
        accounts = self.accounts.values()
        return sum(sale.worth.currency != self.currency for sales, _ in accounts for sale in sales)


def _currency(accounts: Mapping[str, tuple[Collection[Sale], Collection[Sale]]]) -> str:
    """That of most sales; of those that are as many, the first of the alphabet."""
    counts: dict[str, int] = {}
    for sales, _ in accounts.values():
        for sale in sales:
            code = sale.worth.currency
            counts[code] = counts.get(code, 0) + 1
    return min(counts, key=lambda code: (-counts[code], code), default=UNPRICED.currency)


def today() -> date:
    return datetime.now(UTC).date()
