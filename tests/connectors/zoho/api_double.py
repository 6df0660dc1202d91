"""Zoho's API as a double: every call is answered as told and compared whole."""

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import responses

from chalicelib.core.connector import Secret
from chalicelib.core.model import Ref
from chalicelib.core.policy import Attribute
from connectors.zoho.client import ZohoClient
from tests.connectors import cases
from tests.fakes.access import FakeAccess

CONNECTION = cases.connection_of("zoho")
NOW = datetime(2026, 11, 1, 8, tzinfo=UTC)
TOKEN = "zoho-token"
WEBHOOK_SECRET = "wK3vN0l9QmXb2Zt7RyA5wHs1DfUe8Jp4"
SECRET = Secret("https://hooks.example.com/hooks/zoho-main", (WEBHOOK_SECRET,), TOKEN)
V8 = "/crm/v8"


def client(*attributes, details=None):
    connection = CONNECTION if details is None else replace(CONNECTION, details=details)
    return ZohoClient(connection, SECRET, attributes, FakeAccess(TOKEN, now=NOW))


def ref(kind, identity):
    return Ref("zoho-main", kind, str(identity))


def contact(identity):
    return ref("contact", identity)


def lead(identity):
    return ref("lead", identity)


def deal(identity):
    return ref("deal", identity)


def attribute(name, kind="contact", field="", of_type="text", activity=""):
    return Attribute(name, of_type, kind, {"zoho": field or name}, activity)


@dataclass
class ApiDouble:
    mock: responses.RequestsMock

    def answer(self, method, path, reply, status=200, headers=None):
        """``reply`` is the answer, or makes it (or ``(status, answer)``) of what was asked: the
        JSON of a body, or the query of a request without one. None is an empty body.
        """

        def callback(request):
            asked = json.loads(request.body) if request.body else query_of(request.url)
            body = reply(asked) if callable(reply) else reply
            code, body = body if isinstance(body, tuple) else (status, body)
            return code, headers or {}, "" if body is None else json.dumps(body)

        self.mock.add_callback(method, CONNECTION.base_url + path, callback)

    @property
    def calls(self):
        """Everything that was asked, in order: method, path without query, body or query."""
        return [
            (
                one.request.method,
                urlsplit(one.request.url).path,
                json.loads(one.request.body) if one.request.body else query_of(one.request.url),
            )
            for one in self.mock.calls
        ]

    def calls_to(self, path):
        return [asked for _, url, asked in self.calls if url == path]


def query_of(url):
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


def rows(*records):
    return {"data": [*records], "info": {"more_records": False}}


def success(identity="", **details):
    return {
        "code": "SUCCESS",
        "status": "success",
        "message": "record updated",
        "details": {"id": identity, **details},
    }


def error(code, message="no", **details):
    return {"code": code, "status": "error", "message": message, "details": details}


def all_written(body):
    return {"data": [success(one["id"]) for one in body["data"]]}
