"""The currencies of an account, and what they are worth in its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from infra.sandbox._serving.errors import Wire
from infra.sandbox._serving.instants import spell
from infra.sandbox.hubspot.errors import invalid


@dataclass(frozen=True, slots=True)
class ExchangeRate:
    """One unit of ``code`` is worth ``rate`` units of ``home``, from an instant on."""

    id: str
    code: str
    home: str
    rate: Decimal
    effective_at: datetime

    def to_json(self) -> Wire:
        return {
            "id": self.id,
            "fromCurrencyCode": self.code,
            "toCurrencyCode": self.home,
            "conversionRate": float(self.rate),
            "effectiveAt": spell(self.effective_at),
            "visibleInUI": True,
            "createdAt": spell(self.effective_at),
            "updatedAt": spell(self.effective_at),
        }


class Currencies:
    """``rates``: the further currencies of the account, and their worth to begin with."""

    def __init__(self, home: str, rates: Mapping[str, str], now: datetime) -> None:
        self.home = home
        self.additional = tuple(rates)
        self._rates: list[ExchangeRate] = []
        for code, rate in rates.items():
            self.set_rate(code, Decimal(rate), now)

    @property
    def codes(self) -> tuple[str, ...]:
        return (self.home, *self.additional)

    def set_rate(self, code: str, rate: Decimal, at: datetime) -> None:
        """Raises ``ApiError`` for a currency that the account does not have."""
        if code not in self.additional or rate <= 0:
            raise invalid(f"{code} is not an additional currency, or {rate} not a rate")
        number = str(len(self._rates) + 1)
        self._rates.append(ExchangeRate(number, code, self.home, rate, at))

    def current(self) -> Sequence[ExchangeRate]:
        """The latest of each currency."""
        return list({one.code: one for one in self._rates}.values())

    def in_home(self, amount: str, code: str) -> str:
        """An amount without a currency is in the home one; the empty text stays empty.

        >>> from datetime import UTC
        >>> held = Currencies("USD", {"EUR": "1.25"}, datetime(2026, 1, 1, tzinfo=UTC))
        >>> held.in_home("10.5", "EUR"), held.in_home("10.5", ""), held.in_home("", "EUR")
        ('13.125', '10.5', '')
        """
        if not amount or code in ("", self.home):
            return amount
        rates = {one.code: one.rate for one in self._rates}
        return f"{Decimal(amount) * rates[code]:f}"
