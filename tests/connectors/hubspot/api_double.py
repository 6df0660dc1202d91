"""HubSpot's API as a double: every call is answered as told and compared whole."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime

import responses

from chalicelib.core.connector import Secret
from chalicelib.core.model import Ref
from chalicelib.core.policy import Attribute
from connectors.hubspot.client import HubSpotClient
from tests.connectors import cases
from tests.fakes.access import FakeAccess

CONNECTION = cases.connection_of("hubspot")
NOW = datetime(2026, 11, 1, 8, tzinfo=UTC)
TOKEN = "hubspot-token"


def client(*attributes):
    secret = Secret("https://hooks.example.com/webhooks/hubspot", ("unused",), TOKEN)
    return HubSpotClient(CONNECTION, secret, attributes, FakeAccess(TOKEN))


def ref(kind, identity):
    return Ref("hubspot-main", kind, str(identity))


def contact(identity):
    return ref("contact", identity)


def deal(identity):
    return ref("deal", identity)


def account(identity):
    return ref("account", identity)


def attribute(name, kind="contact", field="", of_type="text"):
    return Attribute(name, of_type, kind, {"hubspot": field or name})


@dataclass
class ApiDouble:
    """``answers`` maps ``METHOD path`` to a function from the request's JSON to an answer."""

    mock: responses.RequestsMock

    def answer(self, method, path, reply, status=200):
        """``reply`` is the answer, or makes it (or ``(status, answer)``) of the request body."""

        def callback(request):
            body = reply(json.loads(request.body)) if callable(reply) else reply
            code, body = body if isinstance(body, tuple) else (status, body)
            return code, {}, json.dumps(body)

        self.mock.add_callback(method, CONNECTION.base_url + path, callback)

    @property
    def calls(self):
        """Everything that was asked, in order: method, path with query, body."""
        return [
            (one.request.method, one.request.path_url, json.loads(one.request.body or "null"))
            for one in self.mock.calls
        ]

    def calls_to(self, path):
        return [body for _, url, body in self.calls if url.startswith(path)]


OBJECTS = "/crm/objects/2026-03/"
ASSOCIATIONS = "/crm/associations/2026-03/"
PROPERTIES = "/crm/properties/2026-03/contacts"
UPDATE = OBJECTS + "contacts/batch/update"


def all_found(body):
    return {
        "results": [
            {"id": one["id"], "properties": dict.fromkeys(body["properties"])}
            for one in body["inputs"]
        ]
    }


def all_written(body):
    return {"status": "COMPLETE", "results": [{"id": one["id"]} for one in body["inputs"]]}


def no_links(_body):
    return {"results": []}


def linked_to(*ids):
    """Every input is linked to the same records."""
    to = [{"toObjectId": one, "associationTypes": []} for one in ids]
    return lambda body: {
        "results": [{"from": {"id": one["id"]}, "to": to} for one in body["inputs"]]
    }


def envelope(message, code="", **context):
    """HubSpot's error body."""
    return {
        "status": "error",
        "message": "Property values were not valid",
        "correlationId": "c0ffee00-0000-4000-8000-000000000000",
        "category": "VALIDATION_ERROR",
        "errors": [{"message": message, "code": code, "context": context}],
    }
