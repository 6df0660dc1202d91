"""Reading and writing records."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from flask import Response, request

from infra.sandbox._serving.errors import Wire
from infra.sandbox.zoho.batches import Answer, each, rows, success
from infra.sandbox.zoho.errors import ApiError, invalid, missing, missing_parameter
from infra.sandbox.zoho.gate import Needs, Routes, sent_records
from infra.sandbox.zoho.instants import spell
from infra.sandbox.zoho.modules import LEADS, Module, module_named
from infra.sandbox.zoho.org import Org
from infra.sandbox.zoho.organisation import APP
from infra.sandbox.zoho.paging import Paging, modified_since
from infra.sandbox.zoho.records import Record
from infra.sandbox.zoho.values import id_of
from infra.sandbox.zoho.wire import spelled, whole, written

BATCH = 100
MOST_FIELDS = 50
LONGEST = 1_024
"""Characters of ``fields`` and of ``ids``."""
TRIGGERS = {"workflow", "approval", "blueprint", "pathfinder", "orchestration"}
SKIPPABLE = {"cadences", "assignment_rules", "connected_workflows"}
_FEW = 10
_DELETED_PARAMETER = ("all", "recycle", "permanent")

Reply = Wire | Response | Answer


@dataclass(frozen=True, slots=True)
class Writing:
    """One call that wrote, and what it asked of the automation: None where it did not say."""

    route: str
    ids: tuple[str, ...]
    trigger: tuple[str, ...] | None
    skipped: tuple[str, ...]


class RecordsApi:
    def __init__(self, org: Org) -> None:
        self._org = org
        self._paging = Paging(org.now, org.settings.time_zone)
        self.writings: list[Writing] = []

    def add_to(self, routes: Routes) -> None:
        def cost() -> int:
            return max(1, -(-sent_records() // _FEW))

        reading = partial(Needs, "modules.{module}.READ")
        sorting = reading(is_complex=lambda: bool({"sort_by", "cvid"} & request.args.keys()))
        writing = partial(Needs, cost=cost, is_complex=lambda: sent_records() > _FEW)
        routes.add("GET /crm/v8/<module>", self.listing, sorting)
        routes.add("POST /crm/v8/<module>", self.create, writing("modules.{module}.CREATE"))
        routes.add("PUT /crm/v8/<module>", self.update, writing("modules.{module}.UPDATE"))
        routes.add("DELETE /crm/v8/<module>", self.delete, Needs("modules.{module}.DELETE"))
        routes.add("GET /crm/v8/<module>/deleted", self.deleted, reading())
        routes.add("GET /crm/v8/<module>/<record_id>", self.one, reading())
        single = Needs("modules.{module}.UPDATE")
        routes.add("PUT /crm/v8/<module>/<record_id>", self.update_one, single)
        routes.add("GET /crm/v8/<module>/<record_id>/<name>", self.related, reading())

    def listing(self, module: str) -> Reply:
        kind, names = module_named(module), asked_fields()
        with self._org.lock:
            found = self._chosen(kind) if "ids" in request.args else self._listed(kind)
            since = modified_since()
            if since is not None:
                found = [one for one in found if one.modified_at >= since]
            return self._page(found, names, none=204 if since is None else 304)

    def one(self, module: str, record_id: str) -> Reply:
        with self._org.lock:
            found = self._org.find(module_named(module), record_id)
            return {"data": [whole(self._org, found)]} if found else Response(status=204)

    def related(self, module: str, record_id: str, name: str) -> Reply:
        kind, names = module_named(module), asked_fields()
        with self._org.lock:
            record = self._org.get(kind, record_id)
            try:
                found = self._org.related(record, name)
            except KeyError as unknown:
                raise invalid("the relation name given seems to be invalid") from unknown
            return self._page(found, names)

    def deleted(self, module: str) -> Reply:
        kind, wanted = module_named(module), request.args.get("type", "all")
        if wanted not in _DELETED_PARAMETER:
            raise invalid("invalid data", param_name="type", supported_values=_DELETED_PARAMETER)
        with self._org.lock:
            since, now = modified_since(), self._org.now()
            found = [
                one
                for one in self._org.every(kind)
                if (gone := one.deletion)
                and wanted in ("all", gone.kind(now))
                and (since is None or gone.at >= since)
            ]
            if not found:
                return Response(status=204 if since is None else 304)
            page, info = self._paging.cut(found)
            return {"data": [self._tombstone(one) for one in page], "info": info}

    def create(self, module: str) -> Answer:
        kind = module_named(module)
        body, items = rows("data", BATCH)
        runs = self._workflows(body)

        def act(item: Wire) -> Wire:
            record = self._org.create(kind, item, APP, workflows=runs)
            return written(self._org, record, "record added")

        return self._written(body, items, each("data", items, act, 201, self._mixed))

    def update(self, module: str) -> Answer:
        kind = module_named(module)
        body, items = rows("data", BATCH)
        return self._update(kind, body, items)

    def update_one(self, module: str, record_id: str) -> Answer:
        body, items = rows("data", 1)
        return self._update(module_named(module), body, [items[0] | {"id": record_id}])

    def delete(self, module: str) -> Answer:
        kind = module_named(module)
        items: list[Wire] = [{"id": one} for one in asked_ids()]

        def act(item: Wire) -> Wire:
            self._org.delete(kind, item["id"], APP)
            return success("record deleted", {"id": item["id"]})

        return each("data", items, act, 200, self._mixed)

    def _update(self, kind: Module, body: Wire, items: Sequence[Wire]) -> Answer:
        runs = self._workflows(body)

        def act(item: Wire) -> Wire:
            if item.get("id") is None:
                raise missing("id")
            record = self._org.update(kind, id_of(item["id"]), item, APP, workflows=runs)
            return written(self._org, record, "record updated")

        return self._written(body, items, each("data", items, act, 200, self._mixed))

    def _workflows(self, body: Wire) -> bool:
        """Whether workflows run: they do where nobody says. Raises ``ApiError``."""
        trigger = body.get("trigger")
        if trigger is not None and (not isinstance(trigger, list) or set(trigger) - TRIGGERS):
            raise invalid("invalid data", api_name="trigger", supported_values=sorted(TRIGGERS))
        names = [one.get("name") for one in body.get("skip_feature_execution", [])]
        if set(names) - SKIPPABLE:
            raise invalid("invalid data", api_name="skip_feature_execution")
        return trigger is None or "workflow" in trigger

    def _written(self, body: Wire, items: Sequence[Wire], answer: Answer) -> Answer:
        trigger = body.get("trigger")
        self.writings.append(
            Writing(
                route=f"{request.method} {request.path}",
                ids=tuple(str(one.get("id", "")) for one in items),
                trigger=None if trigger is None else tuple(trigger),
                skipped=tuple(one["name"] for one in body.get("skip_feature_execution", [])),
            )
        )
        return answer

    @property
    def _mixed(self) -> int:
        return self._org.guesses.mixed_status

    def _listed(self, kind: Module) -> list[Record]:
        return [one for one in self._org.records(kind) if _is_shown(one)]

    def _chosen(self, kind: Module) -> list[Record]:
        found = (self._org.find(kind, one) for one in asked_ids())
        return [one for one in found if one and _is_shown(one)]

    def _page(self, found: Sequence[Record], names: Sequence[str], none: int = 204) -> Reply:
        page, info = self._paging.cut(found)
        if not page:
            return Response(status=none)
        return {"data": [spelled(self._org, one, names) for one in page], "info": info}

    def _tombstone(self, record: Record) -> Wire:
        gone = record.deletion
        assert gone
        zone = self._org.settings.time_zone
        return {
            "id": record.id,
            "display_name": record.name,
            "type": gone.kind(self._org.now()),
            "deleted_by": gone.by.user.to_json(),
            "created_by": record.created_by.user.to_json(),
            "deleted_time": spell(gone.at, zone),
        }


def asked_fields() -> tuple[str, ...]:
    """Raises ``ApiError``: without ``fields`` nothing is listed."""
    text = request.args.get("fields", "")
    names = tuple(one.strip() for one in text.split(",") if one.strip())
    if not names:
        raise missing_parameter("fields")
    if len(names) > MOST_FIELDS or len(text) > LONGEST:
        details = {"param_name": "fields", "limit": MOST_FIELDS}
        raise ApiError(400, "LIMIT_EXCEEDED", "too many fields", details)
    return names


def asked_ids() -> tuple[str, ...]:
    """Raises ``ApiError``."""
    text = request.args.get("ids", "")
    if not text:
        raise missing_parameter("ids")
    if len(text) > LONGEST:
        raise invalid("invalid data", param_name="ids", maximum_length=LONGEST)
    return tuple(text.split(","))


def _is_shown(record: Record) -> bool:
    """Converted leads only to those who ask for them."""
    wanted = request.args.get("converted", "false")
    if record.module is not LEADS or wanted == "both":
        return True
    return record.converted is (wanted == "true")
