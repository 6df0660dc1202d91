"""The stand-in as a web server on loopback, for a test's thread or a program of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, Self

from flask import Flask
from werkzeug.exceptions import HTTPException, NotFound

from chalicelib.core.connector import OAuthGrant, Secret
from chalicelib.core.model import Ref
from chalicelib.core.policy import Attribute, Policy
from infra.sandbox._serving import errors
from infra.sandbox._serving.clock import Clock
from infra.sandbox._serving.deliveries import Attempt
from infra.sandbox._serving.errors import Envelope, rendered
from infra.sandbox._serving.faults import Faults
from infra.sandbox._serving.mishaps import Mishaps
from infra.sandbox._serving.record_page import RecordPage
from infra.sandbox._serving.request_log import RequestLog
from infra.sandbox._serving.stoppable import Stoppable
from infra.sandbox._serving.web_server import LOOPBACK, WebServer
from infra.sandbox.zoho.actions_api import ActionsApi
from infra.sandbox.zoho.bulk_read import BulkReadApi
from infra.sandbox.zoho.changes import Change
from infra.sandbox.zoho.channels import Channels
from infra.sandbox.zoho.control import control_api
from infra.sandbox.zoho.coql_api import CoqlApi
from infra.sandbox.zoho.deliveries import Dispatcher, Ringing, WayOut
from infra.sandbox.zoho.dump import dump
from infra.sandbox.zoho.errors import ApiError
from infra.sandbox.zoho.fields import Field
from infra.sandbox.zoho.gate import Gate, Routes, error_of, route_template
from infra.sandbox.zoho.limits import Concurrency, Credits
from infra.sandbox.zoho.oauth import OAuth
from infra.sandbox.zoho.oauth_api import OAuthApi
from infra.sandbox.zoho.org import Org
from infra.sandbox.zoho.people import MODULE_OF, People
from infra.sandbox.zoho.query import MOST_VALUES as IN_A_QUERY
from infra.sandbox.zoho.record_view import Contacts
from infra.sandbox.zoho.records_api import BATCH, RecordsApi
from infra.sandbox.zoho.scopes import EVERYTHING
from infra.sandbox.zoho.settings import OAuthApp, Settings
from infra.sandbox.zoho.settings_api import SettingsApi
from infra.sandbox.zoho.tags_api import TagsApi
from infra.sandbox.zoho.watch_api import WatchApi
from infra.sandbox.zoho.workflows import Workflows

_TYPES = {
    "number": "double", "boolean": "boolean", "instant": "datetime", "activity": "datetime",
    "date": "date",
}  # fmt: skip


class StandIn(Stoppable):
    """A running stand-in Zoho CRM.

    ``org`` is its state, ``clock`` its time, ``oauth`` what it granted, ``channels`` who is rung,
    ``webhooks`` the sender, ``faults`` its trouble, ``requests`` the log of API calls.
    """

    def __init__(self, settings: Settings, port: int = 0) -> None:
        self.clock = Clock()
        self.org = Org(settings, self.clock.now)
        self.oauth = OAuth(settings.app, self.clock.now)
        self.channels = Channels(self.org)
        self.workflows = Workflows(self.org)
        self.webhooks = Dispatcher(self.clock.now)
        self.credits = Credits(settings.limits.daily_credits(settings.users), self.clock.now)
        self.concurrency = Concurrency(settings.limits)
        self.faults = Faults(self.clock.now)
        self.requests = RequestLog()
        self.records = RecordsApi(self.org)
        self.bulk = BulkReadApi(self.org)
        self._told = 0
        self.org.listen(self._ring)
        self._server = WebServer(port, self._app())
        self.oauth.api_domain = self.url

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self._server.port}"

    @cached_property
    def people(self) -> People:
        return People(self.org, self.clock, self.url)

    def ref(self, connection: str, person: str) -> Ref:
        return Ref(connection, "contact", person)

    def credentials(self) -> tuple[Sequence[str], Mapping[str, str]]:
        """A self client, with a code that is good for once and ten minutes."""
        app = self.org.settings.app
        return ["--oauth", "--base-url", self.url], {
            "EMTIAZ_CLIENT_ID": app.client_id,
            "EMTIAZ_CLIENT_SECRET": app.client_secret,
            "EMTIAZ_CODE": self.oauth.grant_code(EVERYTHING),
        }

    def granted(self, address: str) -> Secret:
        secret = f"webhook-secret-of-{self.org.settings.zgid}"
        return Secret(url=address, webhook_secrets=(secret,), token="", oauth=self.grant())

    def grant(self, scopes: Sequence[str] = EVERYTHING) -> OAuthGrant:
        """As an admin gives it to a self client."""
        app = self.org.settings.app
        code = self.oauth.grant_code(scopes)
        tokens = self.oauth.exchange(app.client_id, app.client_secret, code, "")
        return OAuthGrant(app.client_id, app.client_secret, tokens["refresh_token"])

    def define(self, attribute: Attribute) -> None:
        """With a text for whatever is neither number, time nor yes and no.

        What stands in a module of its own, as ``Calls.Call_Start_Time``, is there already.
        """
        name, module = attribute.fields["zoho"], MODULE_OF[attribute.of]
        if "." not in name and self.org.schema.find(module, name) is None:
            label = name.replace("_", " ")
            kind = _TYPES.get(attribute.type, "text")
            self.org.schema.define(module, Field(name, label, kind, custom=True))

    def subscribe(self, address: str, policy: Policy, **unkindness: Any) -> None:  # noqa: ARG002
        """Zoho rings where an app asked it to; what is to be said here is how unkindly."""
        self.webhooks.configure(WayOut(**unkindness))

    def flush(self, seconds: float) -> bool:
        return self.webhooks.flush(seconds)

    def told(self) -> int:
        return self._told

    def attempts(self) -> Sequence[Attempt]:
        return self.webhooks.attempts()

    def writes(self) -> int:
        counts = self.requests.counts()
        return sum(n for route, n in counts.items() if route.startswith("PUT") or "_tags" in route)

    def dump(self) -> Mapping[str, Any]:
        return dump(self.org)

    def least_calls(self, people: int, deals: int, companies: int) -> Mapping[str, int]:
        """A query names fifty records, and finds all deals, or telephone calls, of fifty people."""
        return {
            "finding whose deals changed": -(-deals // IN_A_QUERY),
            "reading people": -(-people // IN_A_QUERY),
            "reading deals": -(-people // IN_A_QUERY),
            "reading companies": -(-companies // IN_A_QUERY),
            "reading telephone calls": -(-people // IN_A_QUERY),
            "writing": -(-people // BATCH),
        }

    def promotion(self, person: str) -> str:
        address = f"{self.url}/_control/records/Contacts/{person}"
        body = '{"Title": "Chief Executive Officer"}'
        return f"curl -X PATCH {address} -H 'Content-Type: application/json' -d '{body}'"

    def allow(self, calls_per_second: int) -> None:
        """So many may be under way at a time; credits and tokens do not run out."""
        self.concurrency.allow(calls_per_second)
        self.credits.limit = 10**9
        self.oauth.throttled = False

    @classmethod
    def start(cls, settings: Settings | None = None, port: int = 0) -> Self:
        """Port 0 takes any free one; see ``url``."""
        stand_in = cls(settings or Settings(), port)
        stand_in.webhooks.start()
        stand_in._server.start()
        return stand_in

    def stop(self) -> None:
        self.webhooks.stop()
        self._server.stop()

    def _ring(self, change: Change) -> None:
        events: list[Ringing] = [*self.channels.events(change), *self.workflows.firings(change)]
        self._told += len(events) * (change.by.source != "API")
        self.webhooks.add(events)

    def _page(self) -> RecordPage:
        listing = f"/crm/org{self.org.settings.zgid}/tab/Contacts"
        return RecordPage("Zoho CRM", listing, f"{listing}/", Contacts(self.org))

    def _app(self) -> Flask:
        app = Flask(__name__)
        app.json.sort_keys = False  # type: ignore[attr-defined]
        app.register_error_handler(errors.ApiError, rendered)
        app.register_error_handler(HTTPException, _unroutable)
        mishaps = Mishaps(self.faults, self.requests, error_of, route_template, self.clock.now)
        gate = Gate(self.oauth, self.credits, self.concurrency, mishaps)
        routes, oauth = Routes("api"), OAuthApi(self.oauth)
        watch = WatchApi(self.org, self.channels)
        settings, tags, coql = SettingsApi(self.org), TagsApi(self.org), CoqlApi(self.org)
        apis = (settings, tags, coql, watch, self.records, self.bulk, ActionsApi(self.org))
        for api in apis:
            api.add_to(routes)
        tokens = oauth.tokens()
        gate.guard(routes)
        gate.guard_open(tokens)
        control = control_api(self.org)
        pages = oauth.page(), self._page().blueprint()
        for blueprint in (routes.blueprint, tokens, *pages, control):
            app.register_blueprint(blueprint)
        return app


def start(currency: str = "USD", account: int = 1, **settings: Any) -> StandIn:
    """Serves until its context ends; ``settings`` as ``Settings`` has them."""
    own = {} if account == 1 else _account(account)
    return StandIn.start(Settings(currency=currency, **own, **settings))


def _account(number: int) -> dict[str, Any]:
    """Of another organisation, with a client of its own."""
    return {
        "org_id": f"57257670000000200{number:02}",
        "zgid": f"57257{number:02}",
        "app": OAuthApp(f"1000.STANDIN{number}", f"stand-in-client-secret-{number}"),
    }


def _unroutable(error: HTTPException) -> tuple[Envelope, int, Mapping[str, str]]:
    if isinstance(error, NotFound):
        message = "Please check if the URL trying to access is a correct one"
        return rendered(ApiError(404, "INVALID_URL_PATTERN", message))
    return rendered(ApiError(error.code or 500, "INTERNAL_ERROR", error.name))
