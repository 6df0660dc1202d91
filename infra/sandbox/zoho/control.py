"""What only a stand-in has, over HTTP: playing the people."""

from __future__ import annotations

from flask import Blueprint

from infra.sandbox._serving import request_body
from infra.sandbox._serving.errors import Wire
from infra.sandbox.zoho.modules import LEADS, module_named
from infra.sandbox.zoho.org import Org
from infra.sandbox.zoho.organisation import AT_WORK


class Control:
    def __init__(self, org: Org) -> None:
        self._org = org

    def blueprint(self) -> Blueprint:
        """JSON under ``/_control``; nothing here needs a token or appears in the request log."""
        api = Blueprint("control", __name__, url_prefix="/_control")
        api.post("/records/<module>")(self.create)
        api.patch("/records/<module>/<record_id>")(self.change)
        api.delete("/records/<module>/<record_id>")(self.delete)
        api.post("/records/<module>/<record_id>/restore")(self.restore)
        api.post("/records/<module>/<record_id>/merge")(self.merge)
        api.post("/leads/<record_id>/convert")(self.convert)
        return api

    def create(self, module: str) -> Wire:
        body = request_body.json_object()
        return {"id": self._org.create(module_named(module), body, AT_WORK).id}

    def change(self, module: str, record_id: str) -> Wire:
        body = request_body.json_object()
        return {"id": self._org.update(module_named(module), record_id, body, AT_WORK).id}

    def delete(self, module: str, record_id: str) -> Wire:
        self._org.delete(module_named(module), record_id, AT_WORK)
        return {"id": record_id}

    def restore(self, module: str, record_id: str) -> Wire:
        return {"id": self._org.restore(module_named(module), record_id, AT_WORK).id}

    def merge(self, module: str, record_id: str) -> Wire:
        """Into the record named by the path: ``{"others": [ids]}``."""
        others = request_body.names(request_body.json_object(), "others")
        return {"id": self._org.merge(module_named(module), record_id, others, AT_WORK).id}

    def convert(self, record_id: str) -> Wire:
        made = self._org.convert(record_id, request_body.json_object(), AT_WORK)
        return {name: one.id for name, one in made.items()} | {LEADS.name: record_id}


def control_api(org: Org) -> Blueprint:
    return Control(org).blueprint()
