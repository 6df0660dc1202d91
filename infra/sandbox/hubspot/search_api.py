"""Searches over HTTP."""

from __future__ import annotations

from flask import Blueprint, request

from infra.sandbox._serving.errors import Wire
from infra.sandbox.hubspot import request_body
from infra.sandbox.hubspot.errors import invalid
from infra.sandbox.hubspot.objects_api import to_json
from infra.sandbox.hubspot.portal import Portal
from infra.sandbox.hubspot.records import ObjectType
from infra.sandbox.hubspot.search import search_from

BODY_LIMIT = 3_000


class SearchApi:
    def __init__(self, portal: Portal) -> None:
        self._portal = portal

    def blueprint(self) -> Blueprint:
        api = Blueprint("search", __name__)
        api.post("/crm/objects/<version:version>/<kind:kind>/search")(self.search)
        return api

    def search(self, kind: ObjectType) -> Wire:
        if len(request.get_data(as_text=True)) > BODY_LIMIT:
            raise invalid(f"The body of a search may have no more than {BODY_LIMIT} characters")
        search = search_from(request_body.json_object(), kind, self._portal.schema)
        end = search.after + search.limit
        with self._portal.lock:
            found = search.find(self._portal.indexed(kind), self._portal.value)
            page = [
                to_json(self._portal, one, search.properties) for one in found[search.after : end]
            ]
        paging: Wire = {"paging": {"next": {"after": str(end)}}} if len(found) > end else {}
        return {"total": len(found), "results": page} | paging
