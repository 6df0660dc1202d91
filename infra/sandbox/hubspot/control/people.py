"""What was there before, and what people do in the user interface."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from flask import Blueprint

from infra.sandbox._serving.control import read_as
from infra.sandbox._serving.errors import Wire
from infra.sandbox._serving.instants import read
from infra.sandbox.hubspot import request_body
from infra.sandbox.hubspot.admin_rules import Bounds, Required
from infra.sandbox.hubspot.control.controls import Controls
from infra.sandbox.hubspot.control.loading import load_all
from infra.sandbox.hubspot.control.reading import USER_ID, actor, end
from infra.sandbox.hubspot.engagement import engage
from infra.sandbox.hubspot.errors import invalid
from infra.sandbox.hubspot.records import Actor, ObjectType
from infra.sandbox.hubspot.workflows import WebhookAction


class People:
    def __init__(self, controls: Controls) -> None:
        self._portal = controls.portal
        self._workflows = controls.workflows

    def add_to(self, api: Blueprint) -> None:
        api.post("/load")(self.load)
        api.post("/records/<kind:kind>")(self.create)
        api.patch("/records/<kind:kind>/<record_id>")(self.change)
        api.delete("/records/<kind:kind>/<record_id>")(self.delete)
        api.post("/records/<kind:kind>/<record_id>/restore")(self.restore)
        api.post("/records/<kind:kind>/<record_id>/merge")(self.merge)
        api.post("/contacts/<record_id>/erase")(self.erase)
        api.post("/engage")(self.engage)
        api.post("/records/<kind:kind>/<record_id>/workflow")(self.enrol)
        api.post("/deals/<record_id>/win")(self.win)
        api.post("/rules/<kind:kind>/<name>")(self.demand)
        api.delete("/rules")(self.demand_nothing)
        api.put("/exchange-rates/<code>")(self.set_exchange_rate)
        api.post("/associations")(self.associate)
        api.delete("/associations")(self.dissociate)

    def load(self) -> Wire:
        return load_all(self._portal, request_body.json_object())

    def create(self, kind: ObjectType) -> Wire:
        body = request_body.json_object()
        by = actor(body)
        with self._portal.lock:
            created = self._portal.create(kind, request_body.properties(body), by)
            for link in body.get("associations", []):
                other, primary = end(link.get("to")), bool(link.get("primary"))
                self._portal.associate((kind, created.id), other, by, primary=primary)
        return {"id": created.id}

    def change(self, kind: ObjectType, record_id: str) -> Wire:
        body = request_body.json_object()
        properties = request_body.properties(body)
        return {"id": self._portal.update(kind, record_id, properties, actor(body)).id}

    def delete(self, kind: ObjectType, record_id: str) -> Wire:
        self._portal.archive(kind, record_id, Actor.user(USER_ID))
        return {"id": record_id}

    def restore(self, kind: ObjectType, record_id: str) -> Wire:
        return {"id": self._portal.restore(kind, record_id, Actor.user(USER_ID)).id}

    def merge(self, kind: ObjectType, record_id: str) -> Wire:
        """Into the record named by the path: ``{"others": [ids], "new_id"?: bool}``."""
        body = request_body.json_object()
        others = request_body.names(body, "others")
        by, new_id = actor(body), body.get("new_id")
        return {"id": self._portal.merge(kind, record_id, others, by, new_id=new_id).id}

    def enrol(self, kind: ObjectType, record_id: str) -> Wire:
        """In a workflow that sends the record; the body is a ``WebhookAction``."""
        action = read_as(WebhookAction, request_body.json_object())
        self._workflows.enrol(action, kind, record_id)
        return {}

    def erase(self, record_id: str) -> Wire:
        self._portal.erase(record_id, Actor.user(USER_ID))
        return {}

    def engage(self) -> Wire:
        """``{"contact": id, "activity": "email_open", "at"?: an instant}``."""
        body = request_body.json_object()
        at, contact = body.get("at"), str(body.get("contact"))
        moment = read(at) if at else None
        engage(self._portal, contact, str(body.get("activity")), moment)
        return {}

    def win(self, record_id: str) -> Wire:
        return {"id": self._portal.win_deal(record_id, Actor.user(USER_ID)).id}

    def demand(self, kind: ObjectType, name: str) -> Wire:
        """Of a property: ``{"when": property, "value": …}``, or ``{"min"?: …, "max"?: …}``."""
        body = request_body.json_object()
        self._portal.schema.definition(kind, name)
        self._portal.rules.add(
            Required(kind, name, str(body["when"]), str(body.get("value", "")))
            if "when" in body
            else Bounds(kind, name, _decimal(body.get("min")), _decimal(body.get("max")))
        )
        return {}

    def demand_nothing(self) -> Wire:
        self._portal.rules.clear()
        return {}

    def set_exchange_rate(self, code: str) -> Wire:
        """``{"rate": "1.25"}``: one unit in the home currency, from now on."""
        rate = _decimal(request_body.json_object().get("rate"))
        self._portal.currencies.set_rate(code, rate or Decimal(0), self._portal.now())
        return {}

    def associate(self) -> Wire:
        body = request_body.json_object()
        ends, primary = (end(body.get("from")), end(body.get("to"))), bool(body.get("primary"))
        self._portal.associate(*ends, actor(body), primary=primary)
        return {}

    def dissociate(self) -> Wire:
        body = request_body.json_object()
        self._portal.dissociate(end(body.get("from")), end(body.get("to")), actor(body))
        return {}


def _decimal(value: object) -> Decimal | None:
    if value is None:
        return None
    try:
        return Decimal(str(value))
    except InvalidOperation as wrong:
        raise invalid(f"{value!r} is not a number") from wrong
