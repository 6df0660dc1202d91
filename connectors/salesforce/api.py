"""The endpoints of Salesforce that we call, with its limits: 5 queries and 200 records a call."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import quote

from chalicelib.core.connector import Access, Connection, Secret
from chalicelib.core.errors import CrmStumbled
from connectors._http import SUCCESS, Dialect, Http, Line, Refused
from connectors.salesforce.answers import failure, message, status_of
from connectors.salesforce.limits import BUSY, SalesforceLimits
from connectors.salesforce.oauth import refresher
from connectors.salesforce.records import Record
from connectors.salesforce.soql import Query

T = TypeVar("T")

BATCH = 200
"""Records per write."""

QUERIES = 5
"""Per composite request, of the 25 requests that it may hold."""

REQUESTS = 25

EXPORT_PAGE = 10_000
"""Rows of one answer of an export."""

OURS: Mapping[str, str] = {
    "Sforce-Call-Options": "client=emtiaz",
    # A rule that would only warn a person shall not keep a score out.
    "Sforce-Duplicate-Rule-Header": "allowSave=true",
    # A write of a score is nothing to give a lead or a case to somebody else for.
    "Sforce-Auto-Assign": "FALSE",
}
"""Sent with every write."""

NOT_FOUND = 404

DIALECT = Dialect(
    busy=BUSY,
    in_doubt=frozenset({502, 504}),
    # Triggers and flows of the organisation run within a write, and may take ten minutes of it;
    # longer than gateways usually wait.
    write_timeout_s=110.0,
    message=message,
    status=status_of,
)


@dataclass(frozen=True, slots=True)
class ExportPage:
    """``locator`` leads to the next page; empty on the last one."""

    ids: tuple[str, ...]
    locator: str


class SalesforceApi:
    """One method per endpoint; raises what ``Http`` raises."""

    def __init__(self, connection: Connection, secret: Secret, access: Access) -> None:
        refresh = refresher(connection, secret, access.now)
        self.limits = SalesforceLimits(access.now)
        self._http = Http(Line(connection.base_url, access, refresh, DIALECT, self.limits))
        self._root = f"/services/data/{connection.api_version}"

    def organisation(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self._http.read("GET", self._path("connect/organization"))
        return found

    def describe(self, objects: Sequence[str]) -> Mapping[str, Mapping[str, Any]]:
        """By object; those that there are not, or that we may not see, are left out."""
        paths = [self._path("sobjects", name, "describe") for name in objects]
        answers = self._composite(paths, REQUESTS)
        found = dict(zip(objects, answers, strict=True))
        return {name: body for name, (status, body) in found.items() if _is_there(status, body)}

    def queries(self, wanted: Sequence[Query]) -> list[list[Record]]:
        """The rows of each, page after page: one may have fewer rows than were asked for."""
        answers = self._composite([self._query_path(one) for one in wanted], QUERIES)
        return [self._rows(_checked(status, body)) for status, body in answers]

    def counts(self, wanted: Sequence[Query]) -> list[int]:
        """Of queries that count."""
        answers = self._composite([self._query_path(one) for one in wanted], QUERIES)
        return [int(_checked(status, body)["totalSize"]) for status, body in answers]

    def begin_export(self, query: str) -> str:
        """The id of a job that collects the rows of a query."""
        body = {"operation": "query", "query": query}
        # A job that was begun twice does no harm, and the lost one is dropped by itself.
        return str(self._http.read("POST", self._path("jobs/query"), body=body)["id"])

    def export_state(self, job: str) -> str:
        """Empty for one that there is not any more."""
        try:
            return str(self._http.read("GET", self._path("jobs/query", job))["state"])
        except Refused as refusal:
            if refusal.status == NOT_FOUND:
                return ""
            raise

    def exported(self, job: str, locator: str) -> ExportPage:
        query = {"maxRecords": str(EXPORT_PAGE)} | ({"locator": locator} if locator else {})
        file = self._http.download(self._path("jobs/query", job, "results"), query=query)
        rows = csv.reader(io.StringIO(file.content.decode()))
        following = file.headers.get("Sforce-Locator", "")
        ids = tuple(row[0] for row in rows if row)[1:]
        return ExportPage(ids, "" if following == "null" else following)

    def update(self, records: Sequence[Record]) -> Any:
        """At most ``BATCH`` records of one object, each with its ``attributes`` and ``id``."""
        body = {"allOrNone": False, "records": list(records)}
        path = self._path("composite/sobjects")
        return self._http.write("PATCH", path, body=body, headers=OURS)

    def create(self, name: str, values: Mapping[str, Any]) -> Any:
        """A new record at every call; one that is in doubt may have been made."""
        path = self._path("sobjects", name)
        return self._http.write("POST", path, body=dict(values), headers=OURS)

    def create_rows(self, records: Sequence[Record]) -> Any:
        """At most ``BATCH``, each with its ``attributes``."""
        body = {"allOrNone": False, "records": list(records)}
        return self._http.write("POST", self._path("composite/sobjects"), body=body, headers=OURS)

    def delete_rows(self, ids: Sequence[str]) -> Any:
        """At most ``BATCH``."""
        path = f"{self._path('composite/sobjects')}?ids={','.join(ids)}&allOrNone=false"
        return self._http.write("DELETE", path, body=None, headers=OURS)

    def _rows(self, page: Mapping[str, Any]) -> list[Record]:
        rows: list[Record] = list(page["records"])
        while not page.get("done", True):
            path = str(page["nextRecordsUrl"])
            if not path.startswith(f"{self._root}/query"):  # or the token would go elsewhere
                raise CrmStumbled("the next page of a query is not among queries")
            page = self._http.read("GET", path)
            rows += page["records"]
        return rows

    def _composite(self, paths: Sequence[str], most: int) -> list[tuple[int, Any]]:
        """Status and body of each; a composite request counts as one call."""
        found: list[tuple[int, Any]] = []
        for some in chunks(paths, most):
            requests = [
                {"method": "GET", "url": path, "referenceId": f"r{place}"}
                for place, path in enumerate(some)
            ]
            body = {"allOrNone": False, "compositeRequest": requests}
            answer = self._http.read("POST", self._path("composite"), body=body)
            found += _parts(answer, len(some))
        return found

    def _query_path(self, query: Query) -> str:
        resource = "queryAll" if query.everything else "query"
        return f"{self._path(resource)}/?q={quote(query.text, safe='')}"

    def _path(self, *parts: str) -> str:
        return "/".join((self._root, *parts))


def chunks(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    return (items[start : start + size] for start in range(0, len(items), size))


def _parts(answer: Any, count: int) -> list[tuple[int, Any]]:
    parts = answer.get("compositeResponse") if isinstance(answer, dict) else None
    if not isinstance(parts, list) or len(parts) != count:
        raise CrmStumbled("a composite request was not answered in all its parts")
    return [(int(one["httpStatusCode"]), one["body"]) for one in parts]


def _checked(status: int, body: Any) -> Mapping[str, Any]:
    if status not in SUCCESS:
        raise failure(status, body)
    if not isinstance(body, dict):
        raise CrmStumbled("a query was answered with something else")
    return body


def _is_there(status: int, body: Any) -> bool:
    if status == NOT_FOUND:
        return False
    _checked(status, body)
    return True
