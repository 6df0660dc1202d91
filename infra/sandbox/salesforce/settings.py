"""What one org is, before anything happens in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from infra.sandbox.salesforce.ids import long_id

LATEST = 68
FLOOR = 31
API = "66.0"
"""The version that events and messages name."""

INTEGRATION_USER = long_id("005Ws0000000001")
REP = long_id("005Ws0000000002")
ADMIN = long_id("005Ws0000000003")


@dataclass(frozen=True, slots=True)
class ConnectedClient:
    """An External Client App. ``public_key`` is PEM; without one there is no JWT bearer flow."""

    key: str = "stand-in-consumer-key"
    secret: str = field(default="stand-in-consumer-secret", repr=False)
    username: str = "integration@example.com"
    public_key: str = ""


@dataclass(frozen=True, slots=True)
class Guesses:
    """What no document says: see ``docs/reference/unverified.md``.

    ``collections_tell_client``: a write of many records passes on who calls, as that of one does.
    ``events_tell_nulls``: of a field that was cleared an event has the null, and not only its name.
    ``one_session``: whoever asks for a token gets the one that lives.
    ``conversion_tells_person``: a lead that became a person account names its contact as well.
    """

    collections_tell_client: bool = False
    events_tell_nulls: bool = True
    one_session: bool = True
    conversion_tells_person: bool = False


@dataclass(frozen=True, slots=True)
class Settings:
    """``rates`` are units of other currencies for one of the org's; with any, each sum has one.

    ``session`` is how long a token lives after it was last used. ``page_size`` is the most rows
    that one answer to a query has. ``bulk_looks`` is how often a bulk job is asked for in vain.
    ``lock_wait_s`` is how long a write waits for another one's row, ``write_seconds`` how long
    it holds its own. ``person_accounts`` and ``orders`` switch those features on.
    """

    org_id: str = long_id("00DWs000000ExA1")
    name: str = "Northwind"
    currency: str = "USD"
    rates: Mapping[str, str] = field(default_factory=dict)
    time_zone: str = "Asia/Tehran"
    client: ConnectedClient = ConnectedClient()
    session: timedelta = timedelta(hours=2)
    daily_requests: int = 100_000
    page_size: int = 2000
    bulk_looks: int = 2
    lock_wait_s: float = 10.0
    write_seconds: float = 0.0
    person_accounts: bool = False
    orders: bool = True
    guesses: Guesses = Guesses()

    @property
    def features(self) -> frozenset[str]:
        named = {
            "multicurrency": bool(self.rates),
            "person_accounts": self.person_accounts,
            "orders": self.orders,
        }
        return frozenset(name for name, is_on in named.items() if is_on)
