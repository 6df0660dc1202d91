"""Tags: the palette of a module, and those of its records."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Response, request

from infra.sandbox._serving import request_body
from infra.sandbox._serving.errors import Wire
from infra.sandbox.zoho.batches import Act, Answer, each, json_body, rows, success
from infra.sandbox.zoho.errors import invalid, missing, missing_parameter, refused
from infra.sandbox.zoho.gate import Needs, Routes
from infra.sandbox.zoho.modules import Module, module_named
from infra.sandbox.zoho.org import Org
from infra.sandbox.zoho.organisation import APP
from infra.sandbox.zoho.records import Tag
from infra.sandbox.zoho.values import id_of

MOST_IDS = 500
MOST_TAGS = 50


class TagsApi:
    def __init__(self, org: Org) -> None:
        self._org = org

    def add_to(self, routes: Routes) -> None:
        update = Needs("modules.{module}.UPDATE")
        routes.add("GET /crm/v8/settings/tags", self.palette, Needs("settings.tags.READ"))
        routes.add("POST /crm/v8/settings/tags", self.create, Needs("settings.tags.CREATE"))
        for action, view in (("add_tags", self.add), ("remove_tags", self.remove)):
            routes.add(f"POST /crm/v8/<module>/actions/{action}", view, update)
            routes.add(f"POST /crm/v8/<module>/<record_id>/actions/{action}", view, update)

    def palette(self) -> Wire | Response:
        palette = self._org.palettes[asked_module()]
        tags = [one.to_json() for one in palette.tags()]
        info = {"count": len(tags), "allowed_count": palette.allowed}
        return {"tags": tags, "info": info} if tags else Response(status=204)

    def create(self) -> Answer:
        palette = self._org.palettes[asked_module()]
        _, items = rows("tags", MOST_TAGS)

        def act(item: Wire) -> Wire:
            name = item.get("name")
            if not name:
                raise missing("name")
            tag = palette.make(name, item.get("color_code"))
            return success("tags created successfully", tag.to_json())

        return each("tags", items, act, 201, self._org.guesses.mixed_status)

    def add(self, module: str, record_id: str = "") -> Answer:
        kind, body = module_named(module), _body()
        tags = self._org.palettes[kind].asked(_tags(body))
        over_write = body.get("over_write") is True

        def act(item: Wire) -> Wire:
            left_out = self._org.add_tags(kind, item["id"], tags, APP, over_write=over_write)
            details = self._held(kind, item["id"])
            if left_out:
                details["not_added_tags"] = [one.name for one in left_out]
            return success("tags updated successfully", details)

        return self._each(_ids(body, record_id), act)

    def remove(self, module: str, record_id: str = "") -> Answer:
        kind, body = module_named(module), _body()
        palette = self._org.palettes[kind]
        found: list[Tag | None] = [palette.named(one) for one in _tags(body)]
        tags = [one for one in found if one]

        def act(item: Wire) -> Wire:
            self._org.remove_tags(kind, item["id"], tags, APP)
            return success("tags updated successfully", self._held(kind, item["id"]))

        return self._each(_ids(body, record_id), act)

    def _each(self, ids: Sequence[str], act: Act) -> Answer:
        items: list[Wire] = [{"id": one} for one in ids]
        body, status = each("data", items, act, 200, self._org.guesses.mixed_status)
        good = sum(one["status"] == "success" for one in body["data"])
        counts = {"wf_scheduler": False, "success_count": str(good), "locked_count": "0"}
        return body | counts, status

    def _held(self, kind: Module, record_id: str) -> Wire:
        tags = self._org.get(kind, record_id).tags
        return {"id": record_id, "tags": [one.to_json() for one in tags]}


def asked_module() -> Module:
    """Of a settings call. Raises ``ApiError``."""
    if "module" not in request.args:
        raise missing_parameter("module")
    return module_named(request.args["module"])


def _body() -> Wire:
    if {"tag_names", "ids"} & request.args.keys():  # as version 2 had it
        raise invalid("parameters belong into the body")
    return json_body()


def _tags(body: Wire) -> list[Wire]:
    found = request_body.objects(body, "tags", refused)
    if not found:
        raise missing("tags", json_path="$.tags")
    return found


def _ids(body: Wire, record_id: str) -> Sequence[str]:
    if record_id:
        return (record_id,)
    ids = body.get("ids")
    if not isinstance(ids, list) or not 0 < len(ids) <= MOST_IDS:
        raise invalid("invalid data", api_name="ids", maximum_length=MOST_IDS, json_path="$.ids")
    return [id_of(one) for one in ids]
