"""What only a stand-in has: loading, playing the people, planning trouble, looking inside.

Everything is JSON under ``/_control``; nothing here needs a token, counts against the rate
limit or appears in the request log.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from flask import Blueprint, request

from infra.sandbox.hubspot import request_body
from infra.sandbox.hubspot.associations import End
from infra.sandbox.hubspot.deliveries import Dispatcher
from infra.sandbox.hubspot.errors import Wire, invalid
from infra.sandbox.hubspot.faults import Fault, Faults
from infra.sandbox.hubspot.instants import read
from infra.sandbox.hubspot.portal import KINDS, Portal
from infra.sandbox.hubspot.rate_limit import Rate, RateLimit
from infra.sandbox.hubspot.records import HUBSPOT, OBJECT_TYPES, Actor, ObjectType
from infra.sandbox.hubspot.request_log import RequestLog
from infra.sandbox.hubspot.webhooks import WebhookSettings

Shape = TypeVar("Shape")

USER_ID = 77
"""The rep who changes things when nobody else is named."""


@dataclass(frozen=True, slots=True)
class Controls:
    """All that the control API reaches."""

    portal: Portal
    webhooks: Dispatcher
    rate_limit: RateLimit
    search_limit: RateLimit
    faults: Faults
    requests: RequestLog


def control_api(controls: Controls) -> Blueprint:
    api = Blueprint("control", __name__, url_prefix="/_control")
    _People(controls.portal).add_to(api)
    _Trouble(controls).add_to(api)
    _Insight(controls).add_to(api)
    return api


class _People:
    """What was there before, and what people do in the user interface."""

    def __init__(self, portal: Portal) -> None:
        self._portal = portal

    def add_to(self, api: Blueprint) -> None:
        api.post("/load")(self.load)
        api.post("/records/<kind:kind>")(self.create)
        api.patch("/records/<kind:kind>/<record_id>")(self.change)
        api.delete("/records/<kind:kind>/<record_id>")(self.delete)
        api.post("/deals/<record_id>/win")(self.win)
        api.post("/associations")(self.associate)
        api.delete("/associations")(self.dissociate)

    def load(self) -> Wire:
        return load_all(self._portal, request_body.json_object())

    def create(self, kind: ObjectType) -> Wire:
        body = request_body.json_object()
        person = _person(body)
        with self._portal.lock:
            created = self._portal.create(kind, request_body.properties(body), person)
            for link in body.get("associations", []):
                other, primary = _end(link.get("to")), bool(link.get("primary"))
                self._portal.associate((kind, created.id), other, person, primary=primary)
        return {"id": created.id}

    def change(self, kind: ObjectType, record_id: str) -> Wire:
        body = request_body.json_object()
        properties = request_body.properties(body)
        return {"id": self._portal.update(kind, record_id, properties, _person(body)).id}

    def delete(self, kind: ObjectType, record_id: str) -> Wire:
        self._portal.archive(kind, record_id, Actor.user(USER_ID))
        return {"id": record_id}

    def win(self, record_id: str) -> Wire:
        return {"id": self._portal.win_deal(record_id, Actor.user(USER_ID)).id}

    def associate(self) -> Wire:
        body = request_body.json_object()
        ends, primary = (_end(body.get("from")), _end(body.get("to"))), bool(body.get("primary"))
        self._portal.associate(*ends, _person(body), primary=primary)
        return {}

    def dissociate(self) -> Wire:
        body = request_body.json_object()
        self._portal.dissociate(_end(body.get("from")), _end(body.get("to")), _person(body))
        return {}


class _Trouble:
    """Webhooks with all their unkindness, the rate limits, planned faults."""

    def __init__(self, controls: Controls) -> None:
        self._controls = controls

    def add_to(self, api: Blueprint) -> None:
        api.put("/webhooks")(self.configure_webhooks)
        api.put("/rate-limit")(self.limit_rate)
        api.put("/search-limit")(self.limit_searches)
        api.post("/faults")(self.plan_fault)
        api.delete("/faults")(self.clear_faults)

    def configure_webhooks(self) -> Wire:
        settings = WebhookSettings.from_json(request_body.json_object())
        self._controls.webhooks.configure(settings)
        return {"subscriptions": len(settings.subscriptions)}

    def limit_rate(self) -> Wire:
        self._controls.rate_limit.reset(_read_as(Rate, request_body.json_object()))
        return {}

    def limit_searches(self) -> Wire:
        self._controls.search_limit.reset(_read_as(Rate, request_body.json_object()))
        return {}

    def plan_fault(self) -> Wire:
        self._controls.faults.plan(_read_as(Fault, request_body.json_object()))
        return {}

    def clear_faults(self) -> Wire:
        self._controls.faults.clear()
        return {}


class _Insight:
    """What a test asserts on."""

    def __init__(self, controls: Controls) -> None:
        self._controls = controls

    def add_to(self, api: Blueprint) -> None:
        api.get("/dump")(self.dump)
        api.get("/requests")(self.requests)
        api.delete("/requests")(self.forget_requests)
        api.get("/deliveries")(self.deliveries)
        api.delete("/deliveries")(self.forget_deliveries)
        api.post("/flush")(self.flush)

    def dump(self) -> Wire:
        return self._controls.portal.dump()

    def requests(self) -> Wire:
        return self._controls.requests.to_json()

    def forget_requests(self) -> Wire:
        self._controls.requests.reset()
        return {}

    def deliveries(self) -> Wire:
        return {"attempts": [one.to_json() for one in self._controls.webhooks.attempts()]}

    def forget_deliveries(self) -> Wire:
        self._controls.webhooks.forget_attempts()
        return {}

    def flush(self) -> tuple[Wire, int]:
        idle = self._controls.webhooks.flush(float(request.args.get("timeout", 30)))
        return {"idle": idle}, 200 if idle else 504


def load_all(portal: Portal, data: Wire) -> Wire:
    """Load records and associations in bulk, silently; returns the new ids by kind.

    ``{"contacts": [{"id"?, "properties", "created_at"?}], "companies": …, "deals": …,
    "associations": [{"from": ["contacts", "501"], "to": ["deals", "9001"], "primary"?}]}``
    """
    ids = {
        kind.name: [_load(portal, kind, row) for row in data.get(kind.name, [])] for kind in KINDS
    }
    for link in data.get("associations", []):
        ends = _end(link.get("from")), _end(link.get("to"))
        portal.load_link(*ends, primary=bool(link.get("primary")))
    return ids


def _load(portal: Portal, kind: ObjectType, row: Wire) -> str:
    created = row.get("created_at")
    return portal.load(
        kind,
        request_body.properties(row),
        created_at=read(created) if created else None,
        record_id=row.get("id"),
    ).id


def _person(body: Wire) -> Actor:
    """``"as": "hubspot"`` lets HubSpot itself write, also what is read-only for others."""
    return HUBSPOT if body.get("as") == "hubspot" else Actor.user(body.get("user_id", USER_ID))


def _end(pair: object) -> End:
    match pair:
        case (str(kind), str(record_id)) if kind in OBJECT_TYPES:
            return OBJECT_TYPES[kind], record_id
        case _:
            raise invalid(f"{pair!r} is not a pair of kind and id")


def _read_as(shape: Callable[..., Shape], body: Wire) -> Shape:
    try:
        return shape(**body)
    except TypeError as wrong:
        raise invalid(str(wrong)) from wrong
