"""A stand-in HubSpot in a process of its own, as a test drives it: the control API in Python."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

import requests

from infra.sandbox._serving.errors import Wire
from infra.sandbox._serving.fault_plan import FaultPlan
from infra.sandbox._serving.faults import Fault
from infra.sandbox._serving.instants import read, spell
from infra.sandbox._serving.rate_limit import Rate, Usage
from infra.sandbox.hubspot.guesses import Guesses
from infra.sandbox.hubspot.oauth import TokenPolicy
from infra.sandbox.hubspot.records import Written
from infra.sandbox.hubspot.workflows import WebhookAction

_TIMEOUT_S = 60.0

Pair = tuple[str, str]
"""Kind and id of a record: ``("contacts", "501")``."""


class ControlRefused(Exception):
    """The stand-in did not do what it was told; the text is its answer."""


class Remote:
    """``url`` is the stand-in's. Kinds are plural names, ids and values text."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._session = requests.Session()
        self._session.trust_env = False  # on loopback no proxy may step in

    def close(self) -> None:
        self._session.close()

    def call(self, method: str, path: str, body: object = None) -> Any:
        """Any route of the control API. Raises ControlRefused."""
        answer = self._session.request(
            method, f"{self.url}/_control/{path}", json=body, timeout=_TIMEOUT_S
        )
        if not answer.ok:
            raise ControlRefused(f"{method} {path}: {answer.status_code} {answer.text}")
        return answer.json()

    # What was there before, and what people do

    def load(self, data: Wire) -> Mapping[str, Sequence[str]]:
        """As ``load_all`` takes it; returns the ids by kind."""
        loaded: dict[str, list[str]] = self.call("POST", "load", data)
        return loaded

    def create(
        self, kind: str, properties: Mapping[str, str], links: Sequence[Pair] = (), **by: Any
    ) -> str:
        associations = [{"to": list(link)} for link in links]
        body = {"properties": properties, "associations": associations, **_by(by)}
        return str(self.call("POST", f"records/{kind}", body)["id"])

    def update(self, kind: str, record_id: str, properties: Mapping[str, str], **by: Any) -> None:
        """``by``: ``user_id=78``, or ``as_="hubspot"`` for what only HubSpot may write."""
        self.call("PATCH", f"records/{kind}/{record_id}", {"properties": properties, **_by(by)})

    def delete(self, kind: str, record_id: str) -> None:
        self.call("DELETE", f"records/{kind}/{record_id}")

    def restore(self, kind: str, record_id: str) -> None:
        self.call("POST", f"records/{kind}/{record_id}/restore")

    def merge(
        self, kind: str, primary_id: str, other_ids: Sequence[str], *, new_id: bool | None = None
    ) -> str:
        """Returns the survivor's id."""
        body = {"others": list(other_ids), "new_id": new_id}
        return str(self.call("POST", f"records/{kind}/{primary_id}/merge", body)["id"])

    def erase(self, contact_id: str) -> None:
        """A privacy deletion."""
        self.call("POST", f"contacts/{contact_id}/erase")

    def enrol(self, kind: str, record_id: str, action: WebhookAction) -> None:
        """In a workflow that sends the record."""
        self.call("POST", f"records/{kind}/{record_id}/workflow", asdict(action))

    def engage(self, contact_id: str, activity: str, at: datetime | None = None) -> None:
        """One of ``ACTIVITIES``, now or at another instant."""
        moment = spell(at) if at else None
        self.call("POST", "engage", {"contact": contact_id, "activity": activity, "at": moment})

    def win(self, deal_id: str) -> None:
        self.call("POST", f"deals/{deal_id}/win")

    def require(self, kind: str, name: str, *, when: str, value: str) -> None:
        """An admin's rule: ``name`` may not be empty while ``when`` has ``value``."""
        self.call("POST", f"rules/{kind}/{name}", {"when": when, "value": value})

    def bound(
        self, kind: str, name: str, minimum: float | None = None, maximum: float | None = None
    ) -> None:
        """An admin's rule for a number."""
        self.call("POST", f"rules/{kind}/{name}", {"min": minimum, "max": maximum})

    def clear_rules(self) -> None:
        self.call("DELETE", "rules")

    def set_exchange_rate(self, code: str, rate: str) -> None:
        self.call("PUT", f"exchange-rates/{code}", {"rate": rate})

    def associate(self, start: Pair, stop: Pair, *, primary: bool = False) -> None:
        self.call("POST", "associations", {"from": start, "to": stop, "primary": primary})

    def dissociate(self, start: Pair, stop: Pair) -> None:
        self.call("DELETE", "associations", {"from": start, "to": stop})

    # Trouble

    def configure_webhooks(self, settings: Wire) -> None:
        """As ``WebhookSettings.from_json`` takes them."""
        self.call("PUT", "webhooks", settings)

    def drop_subscriptions(self, subscription_id: int | None = None) -> None:
        """One is gone, or all are: their events are lost without a word."""
        one = "" if subscription_id is None else f"/{subscription_id}"
        self.call("DELETE", f"webhooks/subscriptions{one}")

    def guess(self, guesses: Guesses) -> None:
        self.call("PUT", "guesses", asdict(guesses))

    def limit_rate(self, rate: Rate) -> None:
        self.call("PUT", "rate-limit", asdict(rate))

    def limit_searches(self, rate: Rate) -> None:
        self.call("PUT", "search-limit", asdict(rate))

    def leave_daily(self, left: int, resets_at: datetime | None = None) -> None:
        """Of the day's quota, until midnight or another instant."""
        body = {"left": left, "resets_at": spell(resets_at) if resets_at else None}
        self.call("PUT", "daily-quota", body)

    def usage(self, limit: str = "static") -> Usage:
        """What was used of the ``static``, ``oauth`` or ``search`` limit."""
        return Usage.from_json(self._object("limits")[limit])

    def daily_quota(self) -> Wire:
        """``{"limit", "left", "refused", "resets_at"}``."""
        quota: Wire = self._object("limits")["daily"]
        return quota

    def plan(self, fault: Fault) -> None:
        self.call("POST", "faults", asdict(fault))

    def follow(self, plan: FaultPlan) -> None:
        self.call("PUT", "fault-plan", asdict(plan))

    def clear_faults(self) -> None:
        self.call("DELETE", "faults")

    def struck(self) -> Mapping[str, int]:
        struck: dict[str, int] = self.call("GET", "faults")["struck"]
        return struck

    def outage(self, mode: str = "503", until: datetime | None = None) -> None:
        self.call("PUT", "outage", {"mode": mode, "until": spell(until) if until else None})

    def lift(self) -> None:
        self.call("DELETE", "outage")

    def outage_calls(self) -> Sequence[datetime]:
        return [read(at) for at in self.call("GET", "faults")["outage_calls"]]

    # The app's installation, and time

    def install(self) -> Wire:
        """By OAuth, with all scopes; the tokens as the token endpoint gives them."""
        tokens: Wire = self.call("POST", "oauth/install")
        return tokens

    def uninstall(self) -> None:
        self.call("DELETE", "oauth/grants")

    def set_token_policy(self, policy: TokenPolicy) -> None:
        self.call("PUT", "oauth/policy", asdict(policy))

    def limit_oauth_rate(self, rate: Rate) -> None:
        self.call("PUT", "oauth/limit", asdict(rate))

    def refreshes(self) -> Sequence[Wire]:
        """``{"at", "outdated"}`` of each refresh: when, and not with the newest token."""
        refreshes: list[Wire] = self._object("oauth")["refreshes"]
        return refreshes

    def refresh_tokens(self) -> Sequence[str]:
        """The newest of each living grant."""
        tokens: list[str] = self._object("oauth")["refresh_tokens"]
        return tokens

    def advance(self, by: timedelta) -> datetime:
        """Make it that much later at once; returns the stand-in's present."""
        return read(self.call("POST", "clock", {"seconds": by.total_seconds()})["now"])

    # Insight

    def dump(self) -> Wire:
        return self._object("dump")

    def property_history(self, kind: str, record_id: str, name: str) -> list[Written]:
        """Everything that a property ever was, oldest first."""
        return _written(self._object(f"history/{kind}/{name}/{record_id}")["history"])

    def histories(self, kind: str, name: str) -> Mapping[str, list[Written]]:
        """The same of all records that ever had the property, by id."""
        found = self._object(f"history/{kind}/{name}")
        return {record_id: _written(rows) for record_id, rows in found.items()}

    def request_counts(self) -> Mapping[str, int]:
        counts: dict[str, int] = self._object("requests?entries=no")["counts"]
        return counts

    def requests(self) -> Sequence[Wire]:
        entries: list[Wire] = self._object("requests")["entries"]
        return entries

    def forget_requests(self) -> None:
        self.call("DELETE", "requests")

    def deliveries(self) -> Sequence[Wire]:
        attempts: list[Wire] = self._object("deliveries")["attempts"]
        return attempts

    def lost_events(self) -> Sequence[int]:
        """The numbers of events that were never sent."""
        lost: list[int] = self._object("deliveries")["lost"]
        return lost

    def workflow_attempts(self) -> Sequence[Wire]:
        attempts: list[Wire] = self._object("deliveries")["workflows"]
        return attempts

    def flush(self, timeout: float = 30.0) -> None:
        """Wait until every webhook was sent. Raises ControlRefused if that took too long."""
        self.call("POST", f"flush?timeout={timeout}")

    def _object(self, path: str) -> Wire:
        found: Wire = self.call("GET", path)
        return found


def _written(rows: Sequence[tuple[str, str, str]]) -> list[Written]:
    return [Written(value, read(at), source) for value, at, source in rows]


def _by(members: Mapping[str, object]) -> Mapping[str, object]:
    return {name.rstrip("_"): who for name, who in members.items()}


@contextmanager
def running(*options: str) -> Iterator[Remote]:
    """Start ``python -m infra.sandbox.hubspot`` with these options, and end it."""
    command = [sys.executable, "-m", "infra.sandbox.hubspot", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        remote = Remote(process.stdout.readline().strip())
        try:
            yield remote
        finally:
            remote.close()
            process.send_signal(signal.SIGTERM)
