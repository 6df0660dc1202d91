"""Searching for people, converting leads, notes on a record."""

from __future__ import annotations

from collections.abc import Callable

from flask import Response, g, request

from infra.sandbox._serving.errors import Wire
from infra.sandbox.zoho.batches import Answer, each, rows, success
from infra.sandbox.zoho.errors import ApiError, missing_parameter
from infra.sandbox.zoho.gate import Needs, Routes
from infra.sandbox.zoho.modules import NOTES, Module, module_named
from infra.sandbox.zoho.org import Org
from infra.sandbox.zoho.organisation import APP
from infra.sandbox.zoho.records import Record
from infra.sandbox.zoho.scopes import opens
from infra.sandbox.zoho.wire import whole, written

SEARCH_SCOPE = "ZohoSearch.securesearch.READ"
_EMAILS = ("Email", "Secondary_Email")
_PHONES = ("Phone", "Mobile")
_NAMED_SEARCHES = {"email": _EMAILS, "phone": _PHONES}


class ActionsApi:
    def __init__(self, org: Org) -> None:
        self._org = org

    def add_to(self, routes: Routes) -> None:
        def dear() -> int:
            return 3

        def dearer() -> int:
            return 5

        search = Needs("modules.{module}.READ", dear, lambda: True)
        convert = Needs("modules.leads.CREATE", dearer, lambda: True)
        routes.add("GET /crm/v8/<module>/search", self.search, search)
        routes.add("POST /crm/v8/Leads/<record_id>/actions/convert", self.convert, convert)
        notes = Needs("modules.notes.CREATE")
        routes.add("POST /crm/v8/<module>/<record_id>/Notes", self.add_notes, notes)

    def search(self, module: str) -> Wire | Response:
        if not opens(g.access.grant.scopes, SEARCH_SCOPE):
            raise ApiError(401, "OAUTH_SCOPE_MISMATCH", "invalid oauth scope to access this URL")
        kind = module_named(module)
        for name, fields in _NAMED_SEARCHES.items():
            if text := request.args.get(name):
                return self._found(kind, lambda one, f=fields, t=text: _holds(one, f, t))  # type: ignore[misc]
        raise missing_parameter("email")

    def convert(self, record_id: str) -> Answer:
        _, items = rows("data", 1)

        def act(item: Wire) -> Wire:
            made = self._org.convert(record_id, item, APP)
            links = {name: {"name": one.name, "id": one.id} for name, one in made.items()}
            details = {"Contacts": None, "Deals": None, "Accounts": None, **links}
            return success("The record has been converted successfully", details)

        return each("data", items, act, 200, self._org.guesses.mixed_status)

    def add_notes(self, module: str, record_id: str) -> Answer:
        kind = module_named(module)
        self._org.get(kind, record_id)
        _, items = rows("data", 100)
        parent = {"Parent_Id": {"id": record_id}, "$se_module": kind.name}

        def act(item: Wire) -> Wire:
            return written(self._org, self._org.create(NOTES, item | parent, APP), "record added")

        return each("data", items, act, 201, self._org.guesses.mixed_status)

    def _found(self, kind: Module, test: Callable[[Record], bool]) -> Wire | Response:
        with self._org.lock:
            found = [whole(self._org, one) for one in self._org.records(kind) if test(one)]
        if not found:
            return Response(status=204)
        info = {"per_page": 200, "count": len(found), "page": 1, "more_records": False}
        return {"data": found, "info": info}


def _holds(record: Record, fields: tuple[str, ...], text: str) -> bool:
    return any(str(record.values.get(one) or "").lower() == text.lower() for one in fields)
