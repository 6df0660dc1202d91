"""Sums in other currencies, by the rates that the account itself goes by.

Source: HubSpot's currencies API, by which ``conversionRate`` is what one unit of
``fromCurrencyCode``, a further currency of the account, is worth in ``toCurrencyCode``, its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, localcontext

from chalicelib.core.model import Money
from connectors.hubspot.records import ExchangeRate
from connectors.hubspot.values import MOST_DIGITS

# Eighteen digits before the point and those of any rate are multiplied without loss.
_PRECISION = 100


@dataclass(frozen=True, slots=True)
class Rates:
    """By pair of currencies, from and to: what one major unit is worth.

    The rates of today serve for every deal, however old: the present ones are all that
    HubSpot gives for a pair of currencies, and what it shows an admin goes by them too.
    """

    by_pair: Mapping[tuple[str, str], Decimal] = field(default_factory=dict)

    @classmethod
    def of(cls, rows: Iterable[ExchangeRate]) -> Rates:
        """What is no positive number is left out."""
        pairs = {
            (row["fromCurrencyCode"], row["toCurrencyCode"]): Decimal(str(row["conversionRate"]))
            for row in rows
        }
        return cls({pair: rate for pair, rate in pairs.items() if rate.is_finite() and rate > 0})

    def convert(self, amount: Money, currency: str) -> Money | None:
        """Rounded half away from zero, once; None without a rate.

        >>> rates = Rates({("EUR", "USD"): Decimal("1.0855")})
        >>> rates.convert(Money(1000, "EUR"), "USD")
        Money(amount=1086, currency='USD')
        """
        rate = self.by_pair.get((amount.currency, currency))
        if rate is None:
            return None
        with localcontext(prec=_PRECISION):
            worth = amount.to_decimal() * rate
            if worth.adjusted() >= MOST_DIGITS:
                return None
            return Money.from_decimal(worth, currency)
