"""The stand-in as a web server on loopback, for a test's thread or a program of its own."""

from __future__ import annotations

from collections.abc import Mapping
from time import monotonic
from typing import Self

from flask import Blueprint, Flask
from werkzeug.exceptions import HTTPException, NotFound
from werkzeug.routing import BaseConverter, ValidationError

from infra.sandbox._serving import errors
from infra.sandbox._serving.clock import Clock
from infra.sandbox._serving.errors import Envelope, rendered
from infra.sandbox._serving.faults import Faults
from infra.sandbox._serving.instants import epoch_ms
from infra.sandbox._serving.rate_limit import Rate
from infra.sandbox._serving.record_page import RecordPage
from infra.sandbox._serving.request_log import RequestLog
from infra.sandbox._serving.stoppable import Stoppable
from infra.sandbox._serving.web_server import LOOPBACK, WebServer
from infra.sandbox.hubspot.account_api import AccountApi
from infra.sandbox.hubspot.associations_api import AssociationsApi
from infra.sandbox.hubspot.control import control_api
from infra.sandbox.hubspot.control.controls import Controls
from infra.sandbox.hubspot.daily_quota import PROFESSIONAL, DailyQuota
from infra.sandbox.hubspot.deliveries import Dispatcher
from infra.sandbox.hubspot.errors import ApiError
from infra.sandbox.hubspot.gate import Gate, Limits
from infra.sandbox.hubspot.oauth import OAuth
from infra.sandbox.hubspot.oauth_api import OAuthApi
from infra.sandbox.hubspot.objects_api import ObjectsApi
from infra.sandbox.hubspot.portal import Portal, Settings
from infra.sandbox.hubspot.properties_api import PropertiesApi
from infra.sandbox.hubspot.rate_limit import (
    OAUTH_RATE,
    OAUTH_TEN_SECONDLY,
    PROFESSIONAL_RATE,
    SEARCH_RATE,
    SECONDLY,
    RateLimit,
)
from infra.sandbox.hubspot.record_view import Contacts
from infra.sandbox.hubspot.records import OBJECT_TYPES, ObjectType
from infra.sandbox.hubspot.search_api import SearchApi
from infra.sandbox.hubspot.webhooks import EventSpeller
from infra.sandbox.hubspot.workflows import Workflows


class StandIn(Stoppable):
    """A running stand-in HubSpot.

    ``portal`` is its state, ``clock`` its time, ``oauth`` what it granted, ``webhooks`` its
    sender, ``faults`` its trouble, ``requests`` the log of API calls; the control API offers
    the same over HTTP.
    """

    def __init__(self, settings: Settings, port: int, rate: Rate) -> None:
        self.clock = Clock()
        self.portal = Portal(settings, self.clock.now)
        self.oauth = OAuth(settings.oauth_app, settings.portal_id, self.portal.now)
        self.webhooks = Dispatcher()
        self.workflows = Workflows(self.portal, lambda: epoch_ms(self.portal.now()))
        self.rate_limit = RateLimit(rate, monotonic)
        self.oauth_limit = RateLimit(OAUTH_RATE, monotonic, OAUTH_TEN_SECONDLY)
        self.search_limit = RateLimit(SEARCH_RATE, monotonic, SECONDLY)
        self.daily_quota = DailyQuota(PROFESSIONAL, self.portal.now, settings.time_zone)
        self.faults = Faults(self.portal.now)
        self.requests = RequestLog()
        self._speller = EventSpeller(settings.portal_id)
        self.portal.listen(
            lambda change: self.webhooks.add(self._speller.events(change, self.webhooks.settings))
        )
        self._server = WebServer(port, self._app())

    @classmethod
    def start(
        cls, port: int = 0, settings: Settings | None = None, rate: Rate | None = None
    ) -> Self:
        """Port 0 takes any free one; see ``url``."""
        stand_in = cls(settings or Settings(), port, rate or PROFESSIONAL_RATE)
        stand_in.webhooks.start()
        stand_in._server.start()
        return stand_in

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self._server.port}"

    @property
    def token(self) -> str:
        """The first of the tokens that open this portal."""
        return next(iter(self.portal.settings.tokens))

    def record_url(self, contact_id: str) -> str:
        """Where a person looks at a contact."""
        return f"{self.url}/contacts/{self.portal.settings.portal_id}/record/0-1/{contact_id}"

    def stop(self) -> None:
        self.webhooks.stop()
        self.workflows.stop()
        self._server.stop()

    def _app(self) -> Flask:
        app = Flask(__name__)
        app.url_map.converters.update(
            version=_VersionConverter, oauth_version=_OAuthVersionConverter, kind=_KindConverter
        )
        app.url_map.strict_slashes = False
        app.json.sort_keys = False  # type: ignore[attr-defined]
        app.register_error_handler(errors.ApiError, rendered)
        app.register_error_handler(HTTPException, _unroutable)
        for api in self._apis():
            app.register_blueprint(api)
        app.register_blueprint(OAuthApi(self.oauth).page())
        app.register_blueprint(control_api(self._controls()))
        app.register_blueprint(self._page().blueprint())
        return app

    def _page(self) -> RecordPage:
        root = f"/contacts/{self.portal.settings.portal_id}"
        listing = f"{root}/objects/0-1/views/all/list"
        return RecordPage("HubSpot", listing, f"{root}/record/0-1/", Contacts(self.portal))

    def _controls(self) -> Controls:
        return Controls(
            portal=self.portal,
            webhooks=self.webhooks,
            workflows=self.workflows,
            clock=self.clock,
            oauth=self.oauth,
            rate_limit=self.rate_limit,
            oauth_limit=self.oauth_limit,
            daily_quota=self.daily_quota,
            search_limit=self.search_limit,
            faults=self.faults,
            requests=self.requests,
        )

    def _apis(self) -> tuple[Blueprint, Blueprint]:
        """For apps with a token, and for those that ask for one."""
        limits = Limits(self.rate_limit, self.oauth_limit, self.search_limit, self.daily_quota)
        gate = Gate(self.portal, self.oauth, limits, self.faults, self.requests)
        oauth = OAuthApi(self.oauth)
        api, tokens = Blueprint("api", __name__), oauth.tokens()
        gate.guard(api)
        gate.guard_open(tokens)
        for part in (ObjectsApi, SearchApi, PropertiesApi, AssociationsApi, AccountApi):
            api.register_blueprint(part(self.portal).blueprint())
        api.register_blueprint(oauth.installation())
        return api, tokens


class _VersionConverter(BaseConverter):
    """The dated versions that are supported; the older numbered paths are not."""

    regex = "2026-03|2026-09"


class _OAuthVersionConverter(BaseConverter):
    """The older one is dated too, by its number: the forms that keep secrets out of addresses."""

    regex = "2026-03|2026-09|v3"


class _KindConverter(BaseConverter):
    """Plural, singular or type id, as HubSpot takes them."""

    def to_python(self, value: str) -> ObjectType:
        if value not in OBJECT_TYPES:
            raise ValidationError
        return OBJECT_TYPES[value]


def _unroutable(error: HTTPException) -> tuple[Envelope, int, Mapping[str, str]]:
    category = "OBJECT_NOT_FOUND" if isinstance(error, NotFound) else "INTERNAL_ERROR"
    return rendered(ApiError(error.code or 500, category, error.description or error.name))
