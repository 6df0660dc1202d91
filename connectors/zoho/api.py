"""The endpoints of Zoho CRM that we call, with its limits: 50 ids a read, 100 records a write."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

from chalicelib.core.connector import Access, Connection, Secret
from chalicelib.core.errors import CrmStumbled
from connectors._http import Dialect, Http, Line
from connectors.zoho.answers import message, status_of
from connectors.zoho.limits import BUSY, ZohoLimits
from connectors.zoho.oauth import refresher
from connectors.zoho.records import Currency, Field, Record

T = TypeVar("T")

BATCH = 100
"""Records per write."""

IDS = 50
"""Ids per read: 1,024 characters of them, and as many values as an ``in`` takes."""

FIELDS = 50
"""Fields per read."""

ROWS = 200
"""Of a listing, or of a query for one credit."""

FIRST, LAST_NUMBERED = "1", 10
"""Pages of a listing: beyond its first 2,000 records none has a number."""

MOST_ROWS = 2_000
"""Of a query, for three credits."""

NEW_FIELDS = 5
"""Fields that one call makes."""

TAGGED = 500
"""Records per change of tags."""

DIALECT = Dialect(
    busy=BUSY,
    in_doubt=frozenset({502, 504}),
    # How long Zoho works on a request is not published; longer than gateways usually wait.
    write_timeout_s=110.0,
    message=message,
    scheme="Zoho-oauthtoken",
    status=status_of,
)


class ZohoApi:
    """One method per endpoint; raises what ``Http`` raises."""

    def __init__(self, connection: Connection, secret: Secret, access: Access) -> None:
        refresh = refresher(connection, secret, access.now)
        limits = ZohoLimits(access.now)
        self._http = Http(Line(connection.base_url, access, refresh, DIALECT, limits))
        self._version = connection.api_version

    def org(self) -> Mapping[str, Any]:
        return self._one("GET", self._path("org"), "org")

    def user(self) -> Mapping[str, Any]:
        """Whose token it is."""
        return self._one("GET", self._path("users"), "users", {"type": "CurrentUser"})

    def currencies(self) -> list[Currency]:
        return self._rows("GET", self._path("org/currencies"), "currencies")

    def modules(self) -> list[Mapping[str, Any]]:
        return self._rows("GET", self._path("settings/modules"), "modules")

    def fields(self, module: str) -> list[Field]:
        return self._rows("GET", self._path("settings/fields"), "fields", {"module": module})

    def records(
        self, module: str, ids: Iterable[str], fields: Sequence[str], *, converted: bool = False
    ) -> list[Record]:
        """Those that there are; with ``converted``, leads that became contacts as well."""
        query = {"converted": "both"} if converted else {}
        found: dict[str, dict[str, Any]] = {}
        for some in chunks(sorted(set(ids)), IDS):
            for names in chunks(fields, FIELDS):
                asked = {"ids": ",".join(some), "fields": ",".join(names), **query}
                for record in self._rows("GET", self._path(module), "data", asked):
                    found.setdefault(str(record["id"]), {}).update(record)
        return [{**record, "id": identity} for identity, record in found.items()]

    def query(self, select: str) -> list[Record]:
        """Rows of a COQL query."""
        body = {"select_query": select}
        return self._rows("POST", self._path("coql"), "data", body=body)

    def related(
        self, module: str, identity: str, related: str, fields: Sequence[str]
    ) -> list[Record]:
        """The first 200 records of a related list."""
        path = self._path(module, identity, related)
        return self._rows("GET", path, "data", {"fields": ",".join(fields), "per_page": str(ROWS)})

    def deleted(
        self, module: str, kind: str, place: str = FIRST, since: datetime | None = None
    ) -> tuple[list[Record], str]:
        """A page of what was deleted, ``recycle`` or ``all``, and where the next one is, if any.

        Pages have numbers as far as Zoho counts them, and tokens beyond.
        """
        by = {"page": place} if _is_numbered(place) else {"page_token": place}
        query = {"type": kind, **by, "per_page": str(ROWS)}
        headers = {"If-Modified-Since": since.isoformat(timespec="seconds")} if since else None
        path = self._path(module, "deleted")
        answer = self._http.read("GET", path, query=query, headers=headers)
        return _rows_of(answer, "data"), _next_place(answer, place)

    def page(self, module: str, token: str) -> tuple[list[Record], str]:
        """Ids of 200 records, and the token of the next page, empty on the last one."""
        query = {"fields": "id", "per_page": str(ROWS)} | ({"page_token": token} if token else {})
        answer = self._http.read("GET", self._path(module), query=query)
        following = answer["info"].get("next_page_token") if _has_more(answer) else ""
        return _rows_of(answer, "data"), str(following or "")

    def begin_export(self, module: str, page: int) -> str:
        """The id of a job that collects the ids of up to 200,000 records."""
        query = {"module": {"api_name": module}, "fields": ["id"], "page": page}
        path = f"/crm/bulk/{self._version}/read"
        made = self._one("POST", path, "data", body={"query": query})
        return str(made["details"]["id"])

    def export(self, job: str) -> Mapping[str, Any]:
        return self._one("GET", f"/crm/bulk/{self._version}/read/{job}", "data")

    def exported(self, job: str) -> bytes:
        """A ZIP with one CSV."""
        return self._http.download(f"/crm/bulk/{self._version}/read/{job}/result").content

    def update(self, module: str, records: Sequence[Record]) -> Any:
        """At most ``BATCH`` records. No workflow, approval, blueprint or cadence begins by it."""
        body = {
            "data": list(records),
            "trigger": [],
            "skip_feature_execution": [{"name": "cadences"}],
        }
        return self._http.write("PUT", self._path(module), body=body)

    def create(self, module: str, record: Mapping[str, Any]) -> Any:
        """A new record at every call; one that is in doubt may have been made."""
        body = {"data": [dict(record)], "trigger": []}
        return self._http.write("POST", self._path(module), body=body)

    def add_tags(self, module: str, ids: Sequence[str], tags: Sequence[str]) -> Any:
        """Beside those that there are, whoever set them."""
        body = {"tags": _named(tags), "over_write": False, "ids": list(ids)}
        return self._http.write("POST", self._path(module, "actions/add_tags"), body=body)

    def remove_tags(self, module: str, ids: Sequence[str], tags: Sequence[str]) -> Any:
        body = {"tags": _named(tags), "ids": list(ids)}
        return self._http.write("POST", self._path(module, "actions/remove_tags"), body=body)

    def create_fields(self, module: str, fields: Sequence[Mapping[str, Any]]) -> Any:
        """At most ``NEW_FIELDS``."""
        path = f"{self._path('settings/fields')}?{urlencode({'module': module})}"
        return self._http.write("POST", path, body={"fields": list(fields)})

    def replace_values(
        self, module: str, identity: str, values: Sequence[Mapping[str, Any]]
    ) -> Any:
        """Of a pick list, as a set: name all that should stay."""
        path = f"{self._path('settings/fields', identity)}?{urlencode({'module': module})}"
        body = {"fields": [{"id": identity, "pick_list_values": list(values)}]}
        return self._http.write("PATCH", path, body=body)

    def channels(self) -> list[Mapping[str, Any]]:
        """All that the user whose token it is has been subscribed to, by us or others."""
        found: list[Mapping[str, Any]] = []
        page, more = 1, True
        while more:
            query = {"page": str(page), "per_page": str(ROWS)}
            answer = self._http.read("GET", self._path("actions/watch"), query=query)
            found += _rows_of(answer, "watch")
            page, more = page + 1, _has_more(answer)
        return found

    def open_channels(self, channels: Sequence[Mapping[str, Any]]) -> Any:
        return self._http.write("POST", self._path("actions/watch"), body={"watch": [*channels]})

    def replace_channels(self, channels: Sequence[Mapping[str, Any]]) -> Any:
        """What a channel was before is dropped whole."""
        return self._http.write("PUT", self._path("actions/watch"), body={"watch": [*channels]})

    def close_channels(self, ids: Sequence[str]) -> Any:
        path = f"{self._path('actions/watch')}?channel_ids={quote(','.join(ids))}"
        return self._http.write("DELETE", path, body=None)

    def _rows(
        self,
        method: str,
        path: str,
        envelope: str,
        query: Mapping[str, str] | None = None,
        body: Any = None,
    ) -> list[Any]:
        return _rows_of(self._http.read(method, path, query=query, body=body), envelope)

    def _one(
        self,
        method: str,
        path: str,
        envelope: str,
        query: Mapping[str, str] | None = None,
        body: Any = None,
    ) -> Mapping[str, Any]:
        rows = self._rows(method, path, envelope, query, body)
        if not rows:
            raise CrmStumbled(f"{method} {path} answered without {envelope}")
        first: Mapping[str, Any] = rows[0]
        return first

    def _path(self, *parts: str) -> str:
        return "/" + "/".join(("crm", self._version, *parts))


def chunks(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    return (items[start : start + size] for start in range(0, len(items), size))


def _rows_of(answer: Any, envelope: str) -> list[Any]:
    """None of an answer without a body, which is how Zoho says that there is nothing."""
    if answer is None:
        return []
    rows = answer.get(envelope) if isinstance(answer, dict) else None
    if not isinstance(rows, list):
        raise CrmStumbled(f"answered without {envelope}")
    return rows


def _is_numbered(place: str) -> bool:
    return place.isdecimal() and int(place) <= LAST_NUMBERED


def _next_place(answer: Any, place: str) -> str:
    if not _has_more(answer):
        return ""
    if _is_numbered(place) and int(place) < LAST_NUMBERED:
        return str(int(place) + 1)
    return str(answer["info"].get("next_page_token") or "")


def _has_more(answer: Any) -> bool:
    return bool(answer and (answer.get("info") or {}).get("more_records"))


def _named(tags: Iterable[str]) -> list[Mapping[str, str]]:
    return [{"name": tag} for tag in tags]
