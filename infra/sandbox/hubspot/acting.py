"""The stand-in HubSpot as any stand-in CRM: what an admin does in it, and what is seen of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from math import ceil
from typing import Any

from chalicelib.core.connector import OAuthGrant, Secret
from chalicelib.core.model import Ref
from chalicelib.core.policy import Attribute, Policy
from infra.crm.hubspot.webhooks import component, subscriptions
from infra.sandbox._serving.deliveries import Attempt
from infra.sandbox._serving.rate_limit import Rate
from infra.sandbox.hubspot.changes import Change
from infra.sandbox.hubspot.oauth import OAuthApp
from infra.sandbox.hubspot.people import KINDS, People
from infra.sandbox.hubspot.portal import Settings
from infra.sandbox.hubspot.properties import Definition, Option
from infra.sandbox.hubspot.server import StandIn
from infra.sandbox.hubspot.settings import AppToken
from infra.sandbox.hubspot.standard_properties import GROUPS
from infra.sandbox.hubspot.webhooks import EventSpeller, WebhookSettings

BATCH = 100
FIRST_ACCOUNT = 62515
APP = 54321
TYPES = {
    "text": ("string", "text"),
    "number": ("number", "number"),
    "date": ("date", "date"),
    "activity": ("datetime", "date"),
    "boolean": ("bool", "booleancheckbox"),
}


class ActingStandIn(StandIn):
    """``webhook_secret`` signs what it sends."""

    def __init__(self, settings: Settings, port: int, rate: Rate) -> None:
        super().__init__(settings, port, rate)
        self.webhook_secret = f"webhook-secret-of-{settings.portal_id}"
        self.people = People(self.portal, self.clock.advance, self.record_url)
        self._spelled = EventSpeller(settings.portal_id)
        self._told = 0
        self.portal.listen(self._count)

    def ref(self, connection: str, person: str) -> Ref:
        return Ref(connection, "contact", person)

    def credentials(self) -> tuple[Sequence[str], Mapping[str, str]]:
        environment = {"EMTIAZ_TOKEN": self.token, "EMTIAZ_WEBHOOK_SECRET": self.webhook_secret}
        return ("--base-url", self.url), environment

    def granted(self, address: str) -> Secret:
        installed, app = self.oauth.install(), self.oauth.app
        grant = OAuthGrant(app.client_id, app.client_secret, installed["refresh_token"])
        return Secret(address, (self.webhook_secret,), "", oauth=grant)

    def define(self, attribute: Attribute) -> None:
        kind, name = KINDS[attribute.of], attribute.fields["hubspot"]
        if self.portal.schema.find(kind, name):
            return
        type_, field_type = TYPES[attribute.type]
        options = ("true", "false") if type_ == "bool" else ()
        definition = Definition(
            name=name,
            label=name,
            type=type_,
            field_type=field_type,
            group=GROUPS[kind].name,
            created_at=self.portal.now(),
            options=tuple(Option(one, one) for one in options),
        )
        self.portal.schema.add(kind, definition)

    def subscribe(self, address: str, policy: Policy, **unkindness: Any) -> None:
        settings = {
            "target_url": address,
            "secret": self.webhook_secret,
            "subscriptions": subscriptions(component(address, policy.attributes)),
            **unkindness,
        }
        self.webhooks.configure(WebhookSettings.from_json(settings))

    def flush(self, seconds: float) -> bool:
        return self.webhooks.flush(seconds)

    def told(self) -> int:
        return self._told

    def attempts(self) -> Sequence[Attempt]:
        return self.webhooks.attempts()

    def writes(self) -> int:
        counts = self.requests.counts()
        return sum(count for route, count in counts.items() if "batch/update" in route)

    def dump(self) -> Mapping[str, Any]:
        return self.portal.dump()

    def least_calls(self, people: int, deals: int, companies: int) -> Mapping[str, int]:
        """One call per full batch of each kind that is read along, and of updates."""
        records = {
            "deals to contacts": deals,
            "contacts": people,
            "contacts to deals": people,
            "contacts to companies": people,
            "deals": deals,
            "companies": companies,
            "updates": people,
        }
        return {name: ceil(number / BATCH) for name, number in records.items()}

    def promotion(self, person: str) -> str:
        change = f"{self.url}/_control/records/contacts/{person}"
        body = """'{"properties": {"jobtitle": "CEO"}}'"""
        return f"curl -X PATCH {change} -H 'content-type: application/json' -d {body}"

    def allow(self, calls_per_second: int) -> None:
        for limit in (self.rate_limit, self.oauth_limit):
            limit.reset(Rate(calls_per_second, 1.0))

    def _count(self, change: Change) -> None:
        """Our own writes are not subscribed to, so they are none."""
        self._told += len(self._spelled.events(change, self.webhooks.settings))


@contextmanager
def start(currency: str = "USD", account: int = 1) -> Iterator[ActingStandIn]:
    with ActingStandIn.start(settings=_settings(currency, account)) as stand_in:
        yield stand_in


def _settings(currency: str, account: int) -> Settings:
    token = f"stand-in-token-{account}" if account > 1 else "stand-in-token"
    return Settings(
        portal_id=FIRST_ACCOUNT + account - 1,
        currency=currency,
        exchange_rates={"EUR": "1.25"} if currency == "USD" else {},
        tokens={token: AppToken(APP)},
        oauth_app=OAuthApp(APP),
    )
