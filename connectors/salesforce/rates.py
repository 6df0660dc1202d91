"""The rates that an organisation with several currencies goes by, read when they are old."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import localcontext

from chalicelib.core.errors import CredentialsInvalid
from connectors._exchange import PRECISION, Rates
from connectors._http import Refused
from connectors._values import decimal
from connectors.salesforce.api import SalesforceApi
from connectors.salesforce.records import Record
from connectors.salesforce.soql import Query

LIVE = timedelta(hours=1)

CURRENCIES = Query("SELECT IsoCode, ConversionRate, IsCorporate FROM CurrencyType")


@dataclass(slots=True)
class ExchangeRates:
    api: SalesforceApi
    currency: str
    known: Rates = field(default_factory=Rates)
    read_at: datetime | None = None

    def rates(self, now: datetime) -> Rates:
        if self.read_at is None or now - self.read_at > LIVE:
            self.known, self.read_at = self._read(), now
        return self.known

    def _read(self) -> Rates:
        """None where they are hidden from us: foreign deals count in their own currency then."""
        try:
            (rows,) = self.api.queries([CURRENCIES])
        except (CredentialsInvalid, Refused):
            return Rates()
        return rates_of(rows, self.currency)


def rates_of(rows: Iterable[Record], currency: str) -> Rates:
    """``ConversionRate`` is how much of a currency one unit of the corporate one is worth.

    What is no positive number is left out; and all, where ``currency`` is none of them.

    >>> rows = [{"IsoCode": "EUR", "ConversionRate": 0.8}, {"IsoCode": "USD", "ConversionRate": 1}]
    >>> rates_of(rows, "USD").by_pair
    {('EUR', 'USD'): Decimal('1.25')}
    >>> rates_of(rows, "IRR").by_pair
    {}
    """
    worth = {
        str(row["IsoCode"]).upper(): found
        for row in rows
        if (found := decimal(str(row["ConversionRate"]))) is not None and found > 0
    }
    own = worth.get(currency)
    if own is None:
        return Rates()
    with localcontext(prec=PRECISION):
        return Rates(
            {(one, currency): own / rate for one, rate in worth.items() if one != currency}
        )
