"""The stand-in Salesforce as any stand-in CRM: what an admin does in it, and what is seen of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from math import ceil
from typing import Any, Literal

from chalicelib.core.connector import OAuthGrant, Secret
from chalicelib.core.model import Ref
from chalicelib.core.policy import Attribute, Policy
from connectors.salesforce.objects import POINTERS
from connectors.salesforce.signature import FLOW, path_token
from infra.crm.salesforce.ringing import rung_by, watched
from infra.sandbox._serving.deliveries import Attempt
from infra.sandbox.salesforce.callouts import EVERYTHING, REMOVALS, CalloutSettings
from infra.sandbox.salesforce.change_events import ChangeEventSettings, Sink, partner_bus
from infra.sandbox.salesforce.collections_api import MOST_WRITTEN
from infra.sandbox.salesforce.composite_api import MOST_HEAVY
from infra.sandbox.salesforce.fields import Field
from infra.sandbox.salesforce.ids import long_id
from infra.sandbox.salesforce.ours import deploy
from infra.sandbox.salesforce.outbound_messages import Definition, MessageSettings
from infra.sandbox.salesforce.people import OBJECT_OF, People
from infra.sandbox.salesforce.server import StandIn
from infra.sandbox.salesforce.settings import ConnectedClient, Settings

Way = Literal["outbound", "messages", "flow", "cdc"]
"""Outbound messages with callouts for what they cannot tell, or alone; callouts; change events."""

_NAMED = 200
"""Records in the condition of a query, which is a part of an address and may not grow for ever."""

_BY_MESSAGES = {"outbound", "messages"}
_CALLED_OUT: Mapping[Way, frozenset[str]] = {"outbound": REMOVALS, "flow": EVERYTHING}
_CALLED_OUT_BESIDE = ("OpportunityContactRole", "OpportunityLineItem")
"""Kinds of record that messages do not tell of, and callouts do."""

_TYPES = {
    "number": "double",
    "boolean": "boolean",
    "date": "date",
    "instant": "datetime",
    "activity": "datetime",
}


class ActingStandIn(StandIn):
    """``webhook_secret`` proves what it sends; ``way`` is how it rings unless told otherwise."""

    way: Way = "outbound"

    def __init__(self, settings: Settings, port: int) -> None:
        super().__init__(settings, port)
        self.webhook_secret = f"webhook-secret-of-{settings.org_id}"
        self.people = People(self.org, self.clock, self.record_url)
        deploy(self.org)

    def ref(self, connection: str, person: str) -> Ref:
        return Ref(connection, "contact", person)

    def credentials(self) -> tuple[Sequence[str], Mapping[str, str]]:
        client = self.org.settings.client
        return ("--base-url", self.url, "--oauth"), {
            "EMTIAZ_CLIENT_ID": client.key,
            "EMTIAZ_CLIENT_SECRET": client.secret,
            "EMTIAZ_WEBHOOK_SECRET": self.webhook_secret,
        }

    def granted(self, address: str) -> Secret:
        """There is no refresh token: the app's secret does."""
        client = self.org.settings.client
        grant = OAuthGrant(client.key, client.secret, "")
        return Secret(address, (self.webhook_secret,), "", oauth=grant)

    def define(self, attribute: Attribute) -> None:
        """With a text for whatever is neither number, time nor yes and no."""
        name, object_name = attribute.fields["salesforce"], OBJECT_OF[attribute.of]
        if "." in name or self.org.schema.field(object_name, name):
            return
        kind = _TYPES.get(attribute.type, "string")
        self.org.schema.add(object_name, Field(name=name, type=kind, length=255))
        self.org.schema.grant(object_name, name, "edit")

    def subscribe(
        self,
        address: str,
        policy: Policy,
        *,
        way: Way | None = None,
        sink: Sink | None = None,
        **unkindness: Any,
    ) -> None:
        """By one way alone. ``sink`` takes change events, in place of the partner event source."""
        way = way or self.way
        rung = _rung(policy)
        definitions = self._definitions(address, rung) if way in _BY_MESSAGES else ()
        sink = (sink or _partner_bus()) if way == "cdc" else None
        self.messages.configure(MessageSettings(definitions=definitions, **unkindness))
        self.change_events.configure(ChangeEventSettings(sink=sink, **unkindness))
        callouts = CalloutSettings(
            url=f"{address}/{FLOW}",
            secret=self.webhook_secret,
            watched={**rung, **dict.fromkeys(_CALLED_OUT_BESIDE, frozenset[str]())},
            operations=_CALLED_OUT.get(way, frozenset()),
            **unkindness,
        )
        self.callouts.configure(callouts)

    def told(self) -> int:
        return self.messages.told + self.callouts.told + self.change_events.told

    def attempts(self) -> Sequence[Attempt]:
        return [one for way in self.ways for one in way.attempts()]

    def writes(self) -> int:
        return sum(self.collections.written[name] for name in ("Contact", "Lead"))

    def dump(self) -> Mapping[str, Any]:
        """By kind, with the ``settings`` that amounts and days are to be read by."""
        settings = self.org.settings
        told = {
            "currency": settings.currency,
            "rates": dict(settings.rates),
            "time_zone": settings.time_zone,
        }
        return self.org.dump() | {"settings": told}

    def least_calls(self, people: int, deals: int, companies: int) -> Mapping[str, int]:
        """A query names two hundred records, and finds all deals, or calls by telephone, of
        two hundred people, whose companies come with them; a call takes five queries. Where there
        are orders, those of two hundred people take one more.
        """
        del companies
        kinds = 3 + self.org.settings.orders
        queries = {
            "finding whose deals changed": ceil(deals / _NAMED),
            "reading people and what they did and bought": kinds * ceil(people / _NAMED),
        }
        calls = {name: ceil(number / MOST_HEAVY) for name, number in queries.items()}
        return calls | {"writing": ceil(people / MOST_WRITTEN)}

    def promotion(self, person: str) -> str:
        change = f"{self.url}/_control/records/Contact/{person}"
        body = """'{"Title": "CEO"}'"""
        return f"curl -X PATCH {change} -H 'content-type: application/json' -d {body}"

    def allow(self, calls_per_second: int) -> None:
        """For a whole day."""
        self.quota.set(calls_per_second * 24 * 3600)

    def _definitions(
        self, address: str, rung: Mapping[str, frozenset[str]]
    ) -> tuple[Definition, ...]:
        """With what leads from a record to a person, and nothing else: all else is read."""
        url = f"{address}/{path_token(self.webhook_secret, self.org.settings.org_id)}"
        return tuple(
            Definition(name, url, POINTERS.get(name, ()), fields) for name, fields in rung.items()
        )


def _rung(policy: Policy) -> Mapping[str, frozenset[str]]:
    """The fields whose changes ring, by kind of record, as our project has flows for them."""
    attributes = policy.attributes
    return {name: frozenset(watched(name, attributes)) for name in rung_by(attributes)}


def _partner_bus() -> Sink:
    import boto3

    return partner_bus(boto3.client("events"))


@contextmanager
def start(
    currency: str = "USD", account: int = 1, way: Way = "outbound"
) -> Iterator[ActingStandIn]:
    with ActingStandIn.start(settings=_settings(currency, account)) as stand_in:
        stand_in.way = way
        yield stand_in


def _settings(currency: str, account: int) -> Settings:
    if account == 1:
        client, org_id = ConnectedClient(), Settings().org_id
    else:
        client = ConnectedClient(f"consumer-key-{account}", f"consumer-secret-{account}")
        org_id = long_id(f"00DWs00000{account:05}")
    rates = {"EUR": "0.8"} if currency == "USD" else {}
    return Settings(org_id=org_id, currency=currency, rates=rates, client=client)
