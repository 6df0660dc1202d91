"""The stand-in as a web server on loopback, for a test's thread or a program of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

from flask import Blueprint, Flask
from werkzeug.exceptions import HTTPException
from werkzeug.routing import BaseConverter

from infra.sandbox._serving import errors
from infra.sandbox._serving.clock import Clock
from infra.sandbox._serving.errors import Envelope, rendered
from infra.sandbox._serving.faults import Faults
from infra.sandbox._serving.mishaps import Mishaps
from infra.sandbox._serving.record_page import RecordPage
from infra.sandbox._serving.request_log import RequestLog
from infra.sandbox._serving.stoppable import Stoppable
from infra.sandbox._serving.web_server import LOOPBACK, WebServer
from infra.sandbox.salesforce.bulk_api import BulkApi
from infra.sandbox.salesforce.callouts import Callouts
from infra.sandbox.salesforce.change_events import ChangeEvents
from infra.sandbox.salesforce.collections_api import CollectionsApi
from infra.sandbox.salesforce.composite_api import CompositeApi
from infra.sandbox.salesforce.control import control_api
from infra.sandbox.salesforce.daily_quota import DailyQuota
from infra.sandbox.salesforce.errors import ApiError, error_of, not_found
from infra.sandbox.salesforce.gate import Gate, route_template
from infra.sandbox.salesforce.oauth_api import OAuthApi
from infra.sandbox.salesforce.org import Org
from infra.sandbox.salesforce.org_api import OrgApi
from infra.sandbox.salesforce.outbound_messages import OutboundMessages
from infra.sandbox.salesforce.query_api import QueryApi
from infra.sandbox.salesforce.record_view import PAGES, Contacts, page_of
from infra.sandbox.salesforce.rows_api import RowsApi
from infra.sandbox.salesforce.sessions import Sessions
from infra.sandbox.salesforce.settings import Settings

_NOT_FOUND = 404
_NOT_ALLOWED = 405


class StandIn(Stoppable):
    """A running stand-in Salesforce.

    ``org`` is its state, ``clock`` its time, ``sessions`` the tokens that it gave, ``quota`` the
    requests of a day, ``messages``, ``callouts`` and ``change_events`` its three ways to ring,
    ``faults`` its trouble, ``requests`` the log of API calls.
    """

    def __init__(self, settings: Settings, port: int) -> None:
        self.clock = Clock()
        self.org = Org(settings, self.clock.now)
        self.sessions = Sessions(settings, self.org.now)
        self.quota = DailyQuota(settings.daily_requests, self.org.now)
        self.messages = OutboundMessages(self.org)
        self.callouts = Callouts(self.org)
        self.change_events = ChangeEvents(self.org)
        self.faults = Faults(self.org.now)
        self.requests = RequestLog()
        self.collections = CollectionsApi(self.org)
        self.ways = (self.messages, self.callouts, self.change_events)
        for way in self.ways:
            self.org.listen(way.hear)
        self._server = WebServer(port, self._app())

    @classmethod
    def start(cls, port: int = 0, settings: Settings | None = None) -> Self:
        """Port 0 takes any free one; see ``url``."""
        stand_in = cls(settings or Settings(), port)
        for way in stand_in.ways:
            way.start()
        stand_in._server.start()
        return stand_in

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self._server.port}"

    def record_url(self, person: str) -> str:
        """Where a rep looks at a contact or a lead."""
        return f"{self.url}{PAGES}{page_of(person)}"

    def flush(self, seconds: float) -> bool:
        """Wait until everything that rang is delivered; whether it was."""
        idle = [way.flush(seconds) for way in self.ways]
        return all(idle)

    def stop(self) -> None:
        for way in self.ways:
            way.stop()
        self._server.stop()

    def _app(self) -> Flask:
        app = Flask(__name__)
        app.url_map.converters["version"] = _VersionConverter
        app.url_map.strict_slashes = False
        app.json.sort_keys = False  # type: ignore[attr-defined]
        app.register_error_handler(errors.ApiError, rendered)
        app.register_error_handler(HTTPException, _unroutable)
        for api in (*self._apis(), control_api(self), self._page().blueprint()):
            app.register_blueprint(api)
        return app

    def _page(self) -> RecordPage:
        listing, people = "/lightning/o/Contact/list", Contacts(self.org)
        return RecordPage("Salesforce", listing, PAGES, people, "contacts and leads")

    def _apis(self) -> tuple[Blueprint, ...]:
        """For apps with a token, and for those that ask for one."""
        mishaps = Mishaps(self.faults, self.requests, error_of, route_template, self.org.now)
        gate, about = Gate(self.sessions, self.quota, mishaps), OrgApi(self.org, self.quota)
        tokens = OAuthApi(self.sessions).blueprint()
        gate.guard_open(tokens)
        api = Blueprint("api", __name__, url_prefix="/services/data/v<version:version>")
        gate.guard(api)
        for part in (about, RowsApi(self.org), QueryApi(self.org), BulkApi(self.org)):
            api.register_blueprint(part.blueprint())
        for wide in (self.collections, CompositeApi()):
            api.register_blueprint(wide.blueprint())
        return api, tokens, about.open_blueprint()


class _VersionConverter(BaseConverter):
    regex = r"\d\d\.0"


def _unroutable(error: HTTPException) -> tuple[Envelope, int, Mapping[str, str]]:
    if error.code == _NOT_FOUND:
        return rendered(not_found())
    code = "METHOD_NOT_ALLOWED" if error.code == _NOT_ALLOWED else "UNKNOWN_EXCEPTION"
    return rendered(ApiError(code, error.description or error.name, status=error.code or 500))
