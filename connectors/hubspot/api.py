"""The endpoints of HubSpot that we call, with its limits: 100 records a batch, dated paths."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NotRequired, TypedDict, TypeVar, cast

from chalicelib.core.connector import Access, Connection, Secret
from chalicelib.core.errors import CrmStumbled
from connectors._http import Dialect, Http, Line, Refused
from connectors.hubspot.limits import BUSY, CALLS, HubSpotLimits
from connectors.hubspot.oauth import refresher
from connectors.hubspot.records import (
    Association,
    ExchangeRate,
    Pipeline,
    Record,
)

T = TypeVar("T")

BATCH = 100
"""Records per batch call. Associations take 1,000 by the guide, 100 by the changelog."""

HISTORY_BATCH = 50
"""Records per batch read that asks for the past values of properties."""

SEARCH_PAGE = 200

NOT_FOUND = 404

WINDOW_S = CALLS.seconds


class Problem(TypedDict, total=False):
    """One entry of ``errors`` in a 207 or in an error envelope, or such an envelope itself.

    See ``problem`` for how HubSpot's own become so.
    """

    category: str
    code: str
    message: str
    context: Mapping[str, Sequence[str]]
    errors: Sequence[Problem]


@dataclass(frozen=True, slots=True)
class Matches:
    """The first records of a search, how many there are in all, and whether some are left."""

    records: Sequence[Record]
    total: int
    more: bool


class Outcome(TypedDict):
    """Of a batch: what is not among ``results`` was refused."""

    results: Sequence[Record]
    errors: NotRequired[Sequence[Any] | None]


class Filter(TypedDict):
    """One comparison; HubSpot takes instants as epoch milliseconds in text form."""

    propertyName: str
    operator: str
    value: str


class Option(TypedDict):
    label: str
    value: str
    displayOrder: int
    hidden: bool


class Definition(TypedDict):
    """A property as HubSpot defines it; only enumerations have options."""

    name: str
    label: str
    description: str
    groupName: str
    type: str
    fieldType: str
    options: NotRequired[Sequence[Option]]
    formField: NotRequired[bool]


def problem(error: Any) -> Problem:
    """All members are optional in practice, and one that is not as described is left out.

    Not to understand a refusal must not be worse than to be refused.
    """
    held = error if isinstance(error, dict) else {"message": error}
    told = {name: held.get(name) for name in ("category", "code", "message")}
    context = held.get("context")
    named = context.items() if isinstance(context, dict) else ()
    return cast(
        Problem,
        {
            **{name: text for name, text in told.items() if isinstance(text, str)},
            "context": {name: _texts(value) for name, value in named},
            "errors": problems(held),
        },
    )


def problems(body: Any) -> list[Problem]:
    """The ``errors`` of an answer, none where it has none."""
    errors = body.get("errors") if isinstance(body, dict) else None
    return [problem(one) for one in errors] if isinstance(errors, list) else []


def _texts(value: Any) -> list[str]:
    given = value if isinstance(value, list) else [value]
    return [str(one) for one in given if isinstance(one, str | int)]


def error_message(body: Any) -> str:
    """One line of an error envelope."""
    envelope = problem(body if isinstance(body, dict) else {})
    details = [one.get("message", "") for one in envelope["errors"]]
    text = "; ".join(filter(None, [envelope.get("message", "no reason given"), *details]))
    return f"{text} (correlation id {correlation_id(body) or 'unknown'})"


def correlation_id(body: Any) -> str:
    return str(body.get("correlationId") or "") if isinstance(body, dict) else ""


DIALECT = Dialect(
    busy=BUSY,
    in_doubt=frozenset({502, 504, 524}),
    # The proxy before HubSpot gives a request up after 100 s, with 524.
    write_timeout_s=110.0,
    message=error_message,
)


class HubSpotApi:
    """One method per endpoint; raises what ``Http`` raises."""

    def __init__(self, connection: Connection, secret: Secret, access: Access) -> None:
        refresh = refresher(connection, secret, access.now)
        limits = HubSpotLimits(connection.time_zone, access.now)
        self._http = Http(Line(connection.base_url, access, refresh, DIALECT, limits))
        self._version = connection.api_version

    def account(self) -> Mapping[str, Any]:
        details: Mapping[str, Any] = self._http.read("GET", self._path("account-info", "details"))
        return details

    def records(
        self,
        object_type: str,
        ids: Iterable[str],
        properties: Sequence[str],
        past: Sequence[str] = (),
        *,
        archived: bool = False,
    ) -> list[Record]:
        """Those that HubSpot has, or has in its bin; ``past`` are properties with history.

        A merged id may be answered by its survivor, whose own id the record then bears.
        """
        path = self._path("crm/objects", object_type, "batch/read")
        query = {"archived": "true"} if archived else None
        found: list[Record] = []
        for chunk in chunks(sorted(set(ids)), HISTORY_BATCH if past else BATCH):
            body = {
                "properties": list(properties),
                "propertiesWithHistory": list(past),
                "inputs": [{"id": identity} for identity in chunk],
            }
            answer: Outcome = self._http.read("POST", path, query=query, body=body)
            _check_only_absences(answer)
            found += answer["results"]
        return found

    def record_id(self, object_type: str, identity: str) -> str | None:
        """The id under which a record is kept now; None if HubSpot knows of none."""
        path = self._path("crm/objects", object_type, identity)
        try:
            record: Record = self._http.read("GET", path, query={"properties": "hs_object_id"})
        except Refused as refusal:
            if refusal.status == NOT_FOUND:
                return None
            raise
        return str(record["id"])

    def associations(
        self, source: str, target: str, ids: Iterable[str]
    ) -> dict[str, list[Association]]:
        """All associations of each id, page after page; an empty list for one without.

        Those of a merged record may come under the id of its survivor.
        """
        path = self._path("crm/associations", source, target, "batch/read")
        linked: dict[str, list[Association]] = {identity: [] for identity in sorted(set(ids))}
        waiting = [{"id": identity} for identity in linked]
        while waiting:
            answer = self._http.read("POST", path, body={"inputs": waiting[:BATCH]})
            _check_only_absences(answer)
            waiting = waiting[BATCH:]
            for row in answer["results"]:
                linked.setdefault(row["from"]["id"], []).extend(row["to"])
                if after := _next_page(row):
                    waiting.append({"id": row["from"]["id"], "after": after})
        return linked

    def page(self, object_type: str, after: str | None) -> tuple[list[str], str | None]:
        """Ids of up to 100 records, and the cursor of the next page."""
        query = {"limit": str(BATCH)} | ({"after": after} if after else {})
        path = self._path("crm/objects", object_type)
        answer = self._http.read("GET", path, query=query)
        return [record["id"] for record in answer["results"]], _next_page(answer)

    def count(self, object_type: str) -> int:
        """As the search index has it, some seconds behind."""
        return self.search(object_type, limit=1).total

    def search(
        self,
        object_type: str,
        filters: Sequence[Filter] = (),
        sort: str = "hs_object_id",
        *,
        limit: int = SEARCH_PAGE,
    ) -> Matches:
        """The first records that pass all filters, by ascending values of ``sort``.

        Never a further page: records that change meanwhile would slip past its offset.
        """
        path = self._path("crm/objects", object_type, "search")
        body = {
            "filterGroups": [{"filters": list(filters)}] if filters else [],
            "sorts": [{"propertyName": sort, "direction": "ASCENDING"}],
            "properties": [sort],
            "limit": limit,
            "after": "0",
        }
        answer = self._http.read("POST", path, body=body)
        return Matches(answer["results"], int(answer["total"]), _next_page(answer) is not None)

    def update(self, object_type: str, values: Mapping[str, Mapping[str, str]]) -> Outcome:
        """Property texts by record id; at most ``BATCH`` records."""
        # The trace id comes back in errors, also where the record's id does not.
        inputs = [
            {"id": identity, "objectWriteTraceId": identity, "properties": texts}
            for identity, texts in values.items()
        ]
        path = self._path("crm/objects", object_type, "batch/update")
        outcome: Outcome = self._http.write("POST", path, body={"inputs": inputs})
        return outcome

    def create(
        self,
        object_type: str,
        properties: Mapping[str, str],
        associations: Sequence[Mapping[str, Any]],
    ) -> Record:
        """A new record at every call; one that is in doubt may have been made."""
        body = {"properties": dict(properties), "associations": list(associations)}
        path = self._path("crm/objects", object_type)
        record: Record = self._http.write("POST", path, body=body)
        return record

    def pipelines(self, object_type: str) -> list[Pipeline]:
        return self._results("crm/pipelines", object_type)

    def exchange_rates(self) -> list[ExchangeRate]:
        """The present ones of every pair of currencies that the account uses."""
        return self._results("settings/currencies", "exchange-rates/current")

    def properties(self, object_type: str) -> list[Definition]:
        return self._results("crm/properties", object_type)

    def groups(self, object_type: str) -> list[str]:
        """Names of the property groups."""
        return [group["name"] for group in self._results("crm/properties", object_type, "groups")]

    def create_group(self, object_type: str, name: str, label: str) -> None:
        body = {"name": name, "label": label, "displayOrder": -1}
        self._http.write("POST", self._path("crm/properties", object_type, "groups"), body=body)

    def create_properties(self, object_type: str, definitions: Sequence[Definition]) -> Outcome:
        path = self._path("crm/properties", object_type, "batch/create")
        outcome: Outcome = self._http.write("POST", path, body={"inputs": list(definitions)})
        return outcome

    def replace_options(self, object_type: str, name: str, options: Sequence[Option]) -> None:
        """Options are replaced as a set: name all that should stay."""
        path = self._path("crm/properties", object_type, name)
        self._http.write("PATCH", path, body={"options": list(options)})

    def _results(self, *parts: str) -> list[Any]:
        results: list[Any] = self._http.read("GET", self._path(*parts))["results"]
        return results

    def _path(self, area: str, *parts: str) -> str:
        return "/" + "/".join((area, self._version, *parts))


def chunks(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    return (items[start : start + size] for start in range(0, len(items), size))


def _next_page(answer: Mapping[str, Any]) -> str | None:
    after = (answer.get("paging") or {}).get("next", {}).get("after")
    return str(after) if after else None


def _check_only_absences(answer: Outcome) -> None:
    """A batch read names what it could not give: gone is an answer, anything else is not."""
    for one in problems(answer):
        if one.get("category") != "OBJECT_NOT_FOUND":
            raise CrmStumbled(f"batch read: {one.get('message', 'no reason given')}")
