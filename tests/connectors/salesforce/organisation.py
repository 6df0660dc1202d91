"""An organisation in memory that answers what the client asks, by the forms of query that it uses."""

import json
import re
from urllib.parse import unquote

from connectors.salesforce.objects import OBJECTS
from connectors.salesforce.records import OWN
from tests.connectors import cases

ROOT = "/services/data/v66.0"
MODIFIED = "2026-10-20T08:14:52.000+0000"

_WHERE = re.compile(r"(?P<field>[\w.]+) IN \((?P<ids>[^)]*)\)")

_OF_PERSONS = re.compile(
    r"AccountId IN \(SELECT AccountId FROM Contact WHERE Id IN \((?P<ids>[^)]*)\)\) "
    r"AND Account.PersonContactId != null"
)


def record(name, identity, **fields):
    return {
        "attributes": {"type": name, "url": f"{ROOT}/sobjects/{name}/{identity}"},
        "Id": identity,
        "SystemModstamp": MODIFIED,
        "IsDeleted": False,
        **fields,
    }


class Organisation:
    """``tables`` are records by object; ``hidden`` objects and fields are not shown to us.

    ``asked`` are the queries that were made, ``calls`` the requests, one list of queries each.
    ``failures`` are answered instead, status and errors, as long as there are any.
    """

    def __init__(self, double):
        self.tables = {name: [] for name in (*OBJECTS.values(), "OpportunityContactRole")}
        self.extra = {}
        self.hidden = set()
        self.calls = []
        self.written = []
        self.results = []
        self.failures = []
        self.page_size = 2_000
        base = cases.connection_of("salesforce").base_url + ROOT
        double.assert_all_requests_are_fired = False
        double.add_callback("POST", f"{base}/composite", self._composite)
        double.add_callback("PATCH", f"{base}/composite/sobjects", self._update)
        double.add_callback("POST", re.compile(f"{base}/sobjects/\\w+"), self._create)

    @property
    def asked(self):
        return [one for call in self.calls for one in call]

    def put(self, *records):
        for one in records:
            self.tables.setdefault(one["attributes"]["type"], []).append(one)

    def _composite(self, request):
        requests = json.loads(request.body)["compositeRequest"]
        urls = [unquote(one["url"]) for one in requests]
        self.calls.append([url.partition("?q=")[2] or url for url in urls])
        parts = [self._part(url) for url in urls]
        answer = [
            {"body": body, "httpHeaders": {}, "httpStatusCode": status, "referenceId": one["referenceId"]}
            for (status, body), one in zip(parts, requests, strict=True)
        ]  # fmt: skip
        return 200, {}, json.dumps({"compositeResponse": answer})

    def _part(self, url):
        if url.endswith("/describe"):
            return self._description(url.split("/")[-2])
        if self.failures:
            return self.failures.pop(0)
        return 200, self._found(url.partition("?q=")[2], everything="/queryAll/" in url)

    def _description(self, name):
        if name in self.hidden:
            return 404, [
                {"errorCode": "NOT_FOUND", "message": "The requested resource does not exist"}
            ]
        shown = {*OWN.get(name, ()), *self.extra.get(name, {}), "Id", "IsDeleted"} - {
            "CurrencyIsoCode"
        }
        shown |= {"CurrencyIsoCode"} & set(self.extra.get(name, {}))
        fields = [
            {"name": one, **dict(self.extra.get(name, {})).get(one, {})}
            for one in sorted(shown - self.hidden)
        ]
        return 200, {"name": name, "fields": fields}

    def _found(self, soql, *, everything):
        selected, _, rest = soql.removeprefix("SELECT ").partition(" FROM ")
        name, where = rest.split()[0], _WHERE.search(rest)
        rows = [one for one in self.tables.get(name, []) if everything or not one.get("IsDeleted")]
        if persons := _OF_PERSONS.search(rest):
            where = None
            ids = persons["ids"].replace("'", "").split(", ")
            rows = [one for one in rows if value(one, "Account.PersonContactId") in ids]
        if where:
            ids = where["ids"].replace("'", "").split(", ")
            rows = [one for one in rows if value(one, where["field"]) in ids]
        if selected == "COUNT()":
            return {"totalSize": len(rows), "done": True, "records": []}
        made = [chosen(one, selected.split(", ")) for one in rows]
        return {"totalSize": len(rows), "done": True, "records": made}

    def _update(self, request):
        body = json.loads(request.body)
        self.written.append((body, request.headers))
        answer = self.results.pop(0) if self.results else (200, None)
        status, outcome = answer
        done = [{"id": one["id"], "success": True, "errors": []} for one in body["records"]]
        return status, {}, json.dumps(done if outcome is None else outcome)

    def _create(self, request):
        self.written.append((json.loads(request.body), request.headers))
        status, outcome = self.results.pop(0) if self.results else (201, None)
        made = {"id": "00TWs00000A1b2CMAR", "success": True, "errors": []}
        return status, {}, json.dumps(made if outcome is None else outcome)


def value(row, way):
    for name in way.split("."):
        row = (row or {}).get(name)
    return row


def chosen(row, fields):
    made = {"attributes": row["attributes"]}
    for way in fields:
        parent, _, name = way.rpartition(".")
        if not parent:
            made[way] = row.get(way)
        elif row.get(parent) is None:
            made[parent] = None
        else:
            made.setdefault(parent, {"attributes": row[parent]["attributes"]})
            made[parent][name] = row[parent].get(name)
    return made
