"""What records refer to and what seldom changes: read when it is old, or when it lacks something.

The fields of modules, with what the stages of deals mean, and the rates of currencies.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal, localcontext

from chalicelib.core.errors import CredentialsInvalid
from connectors._exchange import PRECISION, Rates
from connectors._http import Forbidden, Refused
from connectors._values import decimal
from connectors.zoho.api import ZohoApi
from connectors.zoho.records import Currency, Fields, Record

FIELDS_LIVE = timedelta(minutes=10)
UNKNOWN_STAGE_LIVES = timedelta(minutes=1)
"""A stage that we have not seen is looked up sooner, though not at every deal in it."""

RATES_LIVE = timedelta(hours=1)

WON, LOST, OPEN = "won", "lost", "open"

_FORECAST_TYPES: Mapping[str, str] = {
    "closed won": WON,
    "closed lost": LOST,
    "open": OPEN,
}

Stages = Mapping[str, str]
"""The status of a deal by its stage, under each of the names that a record may have it by."""


@dataclass(slots=True)
class Modules:
    """The fields of each module; one that the organisation does not have, or show us, has none."""

    api: ZohoApi
    now: Callable[[], datetime]
    known: dict[str, tuple[Fields, datetime]] = field(default_factory=dict)

    def fields(self, module: str, lives: timedelta = FIELDS_LIVE) -> Fields:
        """Raises Forbidden and Refused for a module that is not there."""
        held = self.known.get(module)
        if held is None or self.now() - held[1] > lives:
            rows = self.api.fields(module)
            held = {one["api_name"]: one for one in rows}, self.now()
            self.known[module] = held
        return held[0]

    def optional(self, module: str) -> Fields:
        """Of a module that not everybody has."""
        try:
            return self.fields(module)
        except (Forbidden, Refused):
            self.known[module] = {}, self.now()
            return {}

    def there(self, module: str, names: Iterable[str]) -> tuple[str, ...]:
        """Those of the names that are fields of the module."""
        fields = self.optional(module)
        return tuple(name for name in names if name in fields)

    def records(
        self, module: str, ids: Iterable[str], fields: Sequence[str], *, converted: bool = False
    ) -> list[Record]:
        """By ids, with those of the fields that there are: a policy may name one too many."""
        asked = list(ids)
        try:
            return self.api.records(module, asked, fields, converted=converted)
        except Refused:
            known = self.there(module, fields)
            if not known or len(known) == len(fields):
                raise
            return self.api.records(module, asked, known, converted=converted)

    def forget(self, module: str) -> None:
        self.known.pop(module, None)

    def stages(self, deals: Iterable[Record]) -> Stages:
        """What the stages mean, with those of these deals among them if anybody knows them."""
        known = stage_statuses(self.fields("Deals"))
        if all(deal.get("Stage") in known for deal in deals):
            return known
        return stage_statuses(self.fields("Deals", UNKNOWN_STAGE_LIVES))


def stage_statuses(fields: Fields) -> Stages:
    """By what Zoho forecasts of a stage, never by its label, which people rename.

    >>> won = {"actual_value": "Paid", "display_value": "Bezahlt", "forecast_type": "Closed Won"}
    >>> stage_statuses({"Stage": {"pick_list_values": [won]}})
    {'Bezahlt': 'won', 'Paid': 'won'}
    """
    values = (fields["Stage"].get("pick_list_values") or ()) if "Stage" in fields else ()
    shown = {one["display_value"]: _status(one.get("forecast_type")) for one in values}
    return shown | {one["actual_value"]: _status(one.get("forecast_type")) for one in values}


def _status(forecast_type: str | None) -> str:
    return _FORECAST_TYPES.get((forecast_type or "").lower(), OPEN)


@dataclass(slots=True)
class ExchangeRates:
    """Into ``currency``, which the rates of an organisation are usually relative to."""

    api: ZohoApi
    currency: str
    now: Callable[[], datetime]
    known: Rates = field(default_factory=Rates)
    read_at: datetime | None = None

    def rates(self, currencies: Sequence[str]) -> Rates:
        """Asked for where one of these currencies is not ``currency``."""
        is_old = self.read_at is None or self.now() - self.read_at > RATES_LIVE
        if is_old and any(one != self.currency for one in currencies):
            self.known, self.read_at = self._read(), self.now()
        return self.known

    def _read(self) -> Rates:
        """None without the scope, or for an organisation of one currency."""
        try:
            return rates_of(self.api.currencies(), self.currency)
        except (CredentialsInvalid, Refused):
            return Rates()


def rates_of(rows: Iterable[Currency], currency: str) -> Rates:
    """What is no positive number is left out.

    >>> rupees = Currency(iso_code="INR", exchange_rate="80.0")
    >>> rates_of([rupees, Currency(iso_code="USD", exchange_rate="1")], "USD").by_pair
    {('INR', 'USD'): Decimal('0.0125')}
    """
    worth = {
        row["iso_code"].upper(): found
        for row in rows
        if (found := decimal(str(row["exchange_rate"]))) is not None and found > 0
    }
    base = worth.get(currency, Decimal(1))
    with localcontext(prec=PRECISION):
        return Rates(
            {(one, currency): base / rate for one, rate in worth.items() if one != currency}
        )
