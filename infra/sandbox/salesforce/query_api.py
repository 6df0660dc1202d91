"""Queries over HTTP."""

from __future__ import annotations

import re

from flask import Blueprint, request

from infra.sandbox._serving.errors import Wire
from infra.sandbox.salesforce.cursors import Cursors
from infra.sandbox.salesforce.errors import ApiError
from infra.sandbox.salesforce.gate import root
from infra.sandbox.salesforce.org import Org
from infra.sandbox.salesforce.soql import answer, parse
from infra.sandbox.salesforce.topics import refuse_query

SMALLEST_PAGE = 200
LARGEST_PAGE = 2000
_BATCH_SIZE = re.compile(r"batchSize=(\d+)")


class QueryApi:
    def __init__(self, org: Org) -> None:
        self._org = org
        self._cursors = Cursors(org.now)

    def blueprint(self) -> Blueprint:
        api = Blueprint("query", __name__)
        api.get("/query")(self.query)
        api.get("/queryAll")(self.query_all)
        for name in ("query", "queryAll"):
            api.get(f"/{name}/<locator>", endpoint=f"{name}_more")(self.more)
        return api

    def query(self) -> Wire:
        return self._answer(deleted=False)

    def query_all(self) -> Wire:
        return self._answer(deleted=True)

    def more(self, locator: str) -> Wire:
        return self._cursors.next(locator, root())

    def _answer(self, *, deleted: bool) -> Wire:
        text = request.args.get("q")
        if not text:
            raise ApiError("MALFORMED_QUERY", "A query string has to be specified")
        self._org.empty_old_bins()
        query = parse(text)
        refuse_query(query)
        with self._org.lock:
            found = answer(self._org, query, root(), deleted=deleted)
        if found.count is not None:
            return {"totalSize": found.count, "done": True, "records": []}
        size = min(_asked_size(), self._org.settings.page_size)
        return self._cursors.first(found.records, size, root())


def _asked_size() -> int:
    found = _BATCH_SIZE.search(request.headers.get("Sforce-Query-Options", ""))
    asked = int(found[1]) if found else LARGEST_PAGE
    return min(max(asked, SMALLEST_PAGE), LARGEST_PAGE)
