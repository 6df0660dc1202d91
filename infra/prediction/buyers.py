"""Who bought on which days and for how much, net of what went back."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from chalicelib.core.facts import FactSet
from chalicelib.core.model import Purchase, Ref
from chalicelib.core.purchases import Sale, bills, netted
from chalicelib.scoring.future import Bought, bought_in
from infra.imports.transactions import UNPRICED, Transactions

_NO_SUMS = "none"


@dataclass(frozen=True, slots=True)
class Buyer:
    id: str
    bought: Bought


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
    def of_facts(
        cls, subjects: Mapping[Ref, FactSet], zone: ZoneInfo, currency: str | None = None
    ) -> Books:
        """Companies are left out, as their people's purchases would count twice.

        Raises ValueError where a purchase has no amount.
        """
        people = {ref: facts for ref, facts in subjects.items() if ref.kind != "account"}
        told = {str(ref): bills(facts) for ref, facts in people.items() if not facts.hidden}
        return cls(told, currency or _currency(told), zone)

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
        return [one for one in known if one.bought.days]

    def _buyer(self, name: str, end: date) -> Buyer:
        sales, refunds = self.accounts[name]
        net = self._net(sales, refunds, end)
        return Buyer(name, bought_in(net, self.zone, self.currency or _NO_SUMS))

    def _net(self, sales: Sequence[Sale], refunds: Sequence[Sale], end: date) -> list[Purchase]:
        known = [one for one in sales if self._day(one.at) <= end]
        back = [one for one in refunds if self._day(one.at) <= end]
        return [*netted(known, back, None).purchases]

    def _day(self, at: datetime) -> date:
        try:
            return at.astimezone(self.zone).date()
        except OverflowError:  # at the ends of the years 1 and 9999
            return at.date()

    @property
    def foreign(self) -> int:
        """How many sales are in another currency, and so have no sum."""
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
