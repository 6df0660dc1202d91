"""What records refer to and what seldom changes: read when it is old, or when it lacks something.

Pipelines, products and exchange rates of one account. Nothing is asked for that no record of
a reading refers to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from chalicelib.core.errors import CredentialsInvalid
from chalicelib.core.model import Kind
from connectors._exchange import Rates
from connectors._http import Refused
from connectors.hubspot.api import HubSpotApi
from connectors.hubspot.exchange import rates_of
from connectors.hubspot.records import (
    OBJECT_TYPES,
    PRODUCT_PROPERTIES,
    PRODUCTS,
    Pipeline,
    Record,
    place,
)
from connectors.hubspot.relations import Related
from connectors.hubspot.translate import (
    Reference,
    Stages,
    amount_of,
    stage_statuses,
    ticket_statuses,
)

PIPELINES_LIVE = timedelta(minutes=10)
UNKNOWN_STAGE_LIVES = timedelta(minutes=1)
"""A stage that we have not seen is looked up sooner, though not at every deal in it."""

RATES_LIVE = timedelta(hours=1)
PRODUCTS_LIVE = timedelta(minutes=10)

_STATUSES: Mapping[Kind, Callable[[Iterable[Pipeline]], Stages]] = {
    "deal": stage_statuses,
    "ticket": ticket_statuses,
}


@dataclass(slots=True)
class Pipelines:
    """What each stage of deals or of tickets means."""

    api: HubSpotApi
    kind: Kind
    known: Stages = field(default_factory=dict)
    read_at: datetime | None = None

    def statuses(self, records: Iterable[Record], now: datetime) -> Stages:
        places = {place(self.kind, record) for record in records}
        lifetime = PIPELINES_LIVE if places <= self.known.keys() else UNKNOWN_STAGE_LIVES
        if places and (self.read_at is None or now - self.read_at > lifetime):
            pipelines = self.api.pipelines(OBJECT_TYPES[self.kind])
            self.known, self.read_at = _STATUSES[self.kind](pipelines), now
        return self.known


@dataclass(slots=True)
class ExchangeRates:
    api: HubSpotApi
    known: Rates = field(default_factory=Rates)
    read_at: datetime | None = None

    def rates(self, now: datetime) -> Rates:
        if self.read_at is None or now - self.read_at > RATES_LIVE:
            self.known, self.read_at = self._read(), now
        return self.known

    def _read(self) -> Rates:
        """None for an app without the scope, or an account without the feature.

        Deals still tell HubSpot's own sum in the account's currency then.
        """
        try:
            return rates_of(self.api.exchange_rates())
        except (CredentialsInvalid, Refused):
            return Rates()


@dataclass(slots=True)
class Products:
    """By id; one that HubSpot does not have is remembered as absent."""

    api: HubSpotApi
    known: dict[str, tuple[Record | None, datetime]] = field(default_factory=dict)

    def by_id(self, ids: Iterable[str], now: datetime) -> Mapping[str, Record]:
        wanted = frozenset(ids)
        stale = [one for one in wanted if not self._is_fresh(one, now)]
        found = self.api.records(PRODUCTS, stale, PRODUCT_PROPERTIES)
        self.known |= dict.fromkeys(stale, (None, now))
        self.known |= {record["id"]: (record, now) for record in found}
        return {one: record for one in wanted if (record := self.known[one][0])}

    def _is_fresh(self, identity: str, now: datetime) -> bool:
        held = self.known.get(identity)
        return held is not None and now - held[1] <= PRODUCTS_LIVE


class ReferenceData:
    """All three, of one connection whose reporting currency is ``currency``."""

    def __init__(self, api: HubSpotApi, currency: str) -> None:
        self._currency = currency
        self._pipelines = [Pipelines(api, kind) for kind in _STATUSES]
        self._rates = ExchangeRates(api)
        self._products = Products(api)

    def of(self, related: Related, now: datetime) -> Reference:
        """What these records refer to, as known at ``now``."""
        reference = Reference(
            currency=self._currency,
            stages={
                one.kind: one.statuses(related.every(one.kind), now) for one in self._pipelines
            },
            products=self._products.by_id(_product_ids(related.every("line_item")), now),
            deals=related.deals,
        )
        if not _has_foreign_sums(related, reference):
            return reference
        return replace(reference, rates=self._rates.rates(now))


def _product_ids(items: Iterable[Record]) -> frozenset[str]:
    return frozenset(filter(None, (one["properties"].get("hs_product_id") for one in items)))


def _has_foreign_sums(related: Related, reference: Reference) -> bool:
    kinds: tuple[Kind, ...] = ("deal", "line_item")
    sums = (amount_of(kind, one, reference) for kind in kinds for one in related.every(kind))
    return any(found is not None and found.currency != reference.currency for found in sums)
