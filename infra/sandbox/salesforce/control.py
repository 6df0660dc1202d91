"""What only a stand-in has, over HTTP: playing people and admins, planning trouble, insight.

Everything is JSON under ``/_control``; nothing here needs a token, counts as a request of the day
or appears in the request log.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from flask import Blueprint, request

from infra.sandbox._serving import request_body
from infra.sandbox._serving.control import CommonControl, read_as
from infra.sandbox._serving.errors import Wire, invalid
from infra.sandbox.salesforce.errors import ApiError
from infra.sandbox.salesforce.fields import Field
from infra.sandbox.salesforce.ids import normal
from infra.sandbox.salesforce.lineage import convert, merge
from infra.sandbox.salesforce.records import PERSON
from infra.sandbox.salesforce.rules import DuplicateRule, ValidationRule
from infra.sandbox.salesforce.topics import assign

if TYPE_CHECKING:
    from infra.sandbox.salesforce.server import StandIn


@dataclass(frozen=True, slots=True)
class Definition:
    """A field to be deployed. ``values`` are labels by value; ``access`` is the API's."""

    name: str
    type: str = "string"
    label: str = ""
    length: int = 255
    values: dict[str, str] = field(default_factory=dict)
    access: str = "edit"


def control_api(stand_in: StandIn) -> Blueprint:
    api = Blueprint("control", __name__, url_prefix="/_control")
    _People(stand_in).add_to(api)
    _Admins(stand_in).add_to(api)
    _Trouble(stand_in).add_to(api)
    CommonControl(stand_in.faults, stand_in.requests, stand_in.clock).add_to(api)
    return api


class _People:
    def __init__(self, stand_in: StandIn) -> None:
        self._org = stand_in.org

    def add_to(self, api: Blueprint) -> None:
        api.post("/records/<name>")(self.create)
        api.patch("/records/<name>/<record_id>")(self.change)
        api.delete("/records/<name>/<record_id>")(self.delete)
        api.post("/records/<name>/<record_id>/undelete")(self.undelete)
        api.post("/records/<name>/<record_id>/purge")(self.purge)
        api.post("/records/<name>/<record_id>/merge")(self.merge)
        api.post("/leads/<record_id>/convert")(self.convert)
        api.post("/topics/<record_id>")(self.assign)

    def create(self, name: str) -> Wire:
        with self._org.transaction(PERSON) as work:
            return {"id": work.create(name, request_body.json_object()).id}

    def change(self, name: str, record_id: str) -> Wire:
        with self._org.transaction(PERSON) as work:
            return {"id": work.update(name, record_id, request_body.json_object()).id}

    def delete(self, name: str, record_id: str) -> Wire:
        with self._org.transaction(PERSON) as work:
            work.delete(name, record_id)
        return {}

    def undelete(self, name: str, record_id: str) -> Wire:
        with self._org.transaction(PERSON) as work:
            return {"object": name, "id": work.undelete(record_id).id}

    def purge(self, name: str, record_id: str) -> Wire:
        """Out of the recycle bin, if it lies there."""
        with self._org.transaction(PERSON) as work:
            work.purge(name, record_id)
        return {}

    def merge(self, name: str, record_id: str) -> Wire:
        """Into the record named by the path: ``{"others": [ids]}``."""
        others = request_body.names(request_body.json_object(), "others")
        with self._org.transaction(PERSON) as work:
            return {"id": merge(work, name, normal(record_id), list(map(normal, others))).id}

    def convert(self, record_id: str) -> Wire:
        """``{"account"?: id, "contact"?: id, "opportunity"?: a name}``."""
        body = request_body.json_object()
        with self._org.transaction(PERSON) as work:
            return asdict(convert(work, record_id, **body))

    def assign(self, record_id: str) -> Wire:
        """``{"name": "VIP"}``, a new topic or one that there is."""
        name = str(request_body.json_object()["name"])
        with self._org.transaction(PERSON) as work:
            return {"id": assign(work, normal(record_id), name).id}


class _Admins:
    def __init__(self, stand_in: StandIn) -> None:
        self._org = stand_in.org

    def add_to(self, api: Blueprint) -> None:
        api.post("/fields/<name>")(self.deploy)
        api.put("/access/<name>/<field_name>")(self.grant)
        api.post("/validation-rules")(self.demand)
        api.post("/duplicate-rules")(self.forbid_duplicates)
        api.delete("/rules")(self.demand_nothing)
        api.put("/approvals/<record_id>")(self.submit)
        api.put("/topics/<name>")(self.switch_topics)

    def deploy(self, name: str) -> Wire:
        """The body is a ``Definition``."""
        wanted = read_as(Definition, request_body.json_object())
        found, pairs = self._org.schema.object(name), tuple(wanted.values.items())
        made = Field(
            name=wanted.name,
            type=wanted.type,
            label=wanted.label,
            length=wanted.length,
            values=pairs,
        )
        self._org.schema.add(found.name, made)
        self._grant(found.name, made.name, wanted.access)
        return {}

    def grant(self, name: str, field_name: str) -> Wire:
        """``{"access": "none", "read" or "edit"}``."""
        self._grant(name, field_name, request_body.json_object().get("access"))
        return {}

    def demand(self) -> Wire:
        self._org.rules.demand(read_as(ValidationRule, request_body.json_object()))
        return {}

    def forbid_duplicates(self) -> Wire:
        self._org.rules.forbid_duplicates(read_as(DuplicateRule, request_body.json_object()))
        return {}

    def demand_nothing(self) -> Wire:
        self._org.rules.clear()
        return {}

    def submit(self, record_id: str) -> Wire:
        """For approval: ``{"pending": true}``, or no more."""
        pending = bool(request_body.json_object().get("pending", True))
        self._org.rules.submit(normal(record_id), is_pending=pending)
        return {}

    def switch_topics(self, name: str) -> Wire:
        """For an object: ``{"enabled": true}``, or not."""
        objects, found = self._org.schema.topics.objects, self._org.schema.object(name)
        is_on = bool(request_body.json_object().get("enabled", True))
        (objects.add if is_on else objects.discard)(found.name)
        return {}

    def _grant(self, object_name: str, field_name: str, access: object) -> None:
        match access:
            case "none" | "read" | "edit":
                self._org.schema.grant(object_name, field_name, access)
            case _:
                raise invalid(f"access is none, read or edit, not {access!r}")


class _Trouble:
    def __init__(self, stand_in: StandIn) -> None:
        self._stand_in = stand_in

    def add_to(self, api: Blueprint) -> None:
        api.post("/locks/<record_id>")(self.lock)
        api.post("/stumbles/<record_id>")(self.stumble)
        api.put("/daily-requests")(self.limit)
        api.delete("/session")(self.expire)
        api.post("/gaps/<name>")(self.gap)
        api.post("/overflows/<name>")(self.overflow)
        api.get("/deliveries")(self.deliveries)
        api.post("/flush")(self.flush)
        api.get("/dump")(self.dump)

    def lock(self, record_id: str) -> Wire:
        """``{"times": 2}``: so many writes wait in vain for this row, or for its account."""
        times = int(request_body.json_object().get("times", 1))
        self._stand_in.org.locks.refuse(normal(record_id), times)
        return {}

    def stumble(self, record_id: str) -> Wire:
        """``{"code": "CANNOT_EXECUTE_FLOW_TRIGGER", "message"?: …, "times"?: 1}``."""
        body = request_body.json_object()
        error = ApiError(str(body["code"]), str(body.get("message", "")))
        rules, times = self._stand_in.org.rules, int(body.get("times", 1))
        rules.stumble(normal(record_id), error, times)
        return {}

    def limit(self) -> Wire:
        """``{"limit": 100}`` from now on."""
        self._stand_in.quota.set(int(request_body.json_object()["limit"]))
        return {}

    def expire(self) -> Wire:
        self._stand_in.sessions.expire()
        return {}

    def gap(self, name: str) -> Wire:
        """``{"ids": [ids], "kind": "GAP_UPDATE"}``."""
        body = request_body.json_object()
        ids = request_body.names(body, "ids")
        self._stand_in.change_events.gap(name, ids, str(body.get("kind", "GAP_UPDATE")))
        return {}

    def overflow(self, name: str) -> Wire:
        self._stand_in.change_events.overflow(name)
        return {}

    def deliveries(self) -> Wire:
        stand_in = self._stand_in
        ways = {
            "messages": stand_in.messages.attempts(),
            "callouts": stand_in.callouts.attempts(),
            "change_events": stand_in.change_events.attempts(),
        }
        return {name: [one.to_json() for one in attempts] for name, attempts in ways.items()}

    def flush(self) -> tuple[Wire, int]:
        idle = self._stand_in.flush(float(request.args.get("timeout", 30)))
        return {"idle": idle}, 200 if idle else 504

    def dump(self) -> Wire:
        return self._stand_in.org.dump()
