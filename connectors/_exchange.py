"""Sums in other currencies, by the rates that an account itself goes by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal, localcontext

from chalicelib.core.model import Money
from connectors._values import MOST_DIGITS

# Eighteen digits before the point and those of any rate are multiplied without loss.
PRECISION = 100


@dataclass(frozen=True, slots=True)
class Rates:
    """By pair of currencies, from and to: what one major unit is worth.

    The rates of today serve for every deal, however old: what a CRM shows an admin goes by them
    too.
    """

    by_pair: Mapping[tuple[str, str], Decimal] = field(default_factory=dict)

    def convert(self, amount: Money, currency: str) -> Money | None:
        """Rounded half away from zero, once; None without a rate.

        >>> rates = Rates({("EUR", "USD"): Decimal("1.0855")})
        >>> rates.convert(Money(1000, "EUR"), "USD")
        Money(amount=1086, currency='USD')
        """
        rate = self.by_pair.get((amount.currency, currency))
        if rate is None:
            return None
        with localcontext(prec=PRECISION):
            worth = amount.to_decimal() * rate
            if worth.adjusted() >= MOST_DIGITS:
                return None
            return Money.from_decimal(worth, currency)
