"""HubSpot's exchange rates.

Source: its currencies API, by which ``conversionRate`` is what one unit of
``fromCurrencyCode``, a further currency of the account, is worth in ``toCurrencyCode``, its own.
The present ones are all that it gives for a pair of currencies.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from connectors._exchange import Rates
from connectors.hubspot.records import ExchangeRate


def rates_of(rows: Iterable[ExchangeRate]) -> Rates:
    """What is no positive number is left out."""
    pairs = {
        (row["fromCurrencyCode"], row["toCurrencyCode"]): Decimal(str(row["conversionRate"]))
        for row in rows
    }
    return Rates({pair: rate for pair, rate in pairs.items() if rate.is_finite() and rate > 0})
