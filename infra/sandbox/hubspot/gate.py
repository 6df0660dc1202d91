"""What every API request passes: token, scope, rate limit, planned faults, and the log."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, Response, g, request

from infra.sandbox._serving.faults import Faults
from infra.sandbox._serving.mishaps import Mishaps
from infra.sandbox._serving.mishaps import route_template as template_of
from infra.sandbox._serving.request_log import RequestLog
from infra.sandbox.hubspot.daily_quota import DailyQuota
from infra.sandbox.hubspot.errors import ApiError
from infra.sandbox.hubspot.failures import error_of
from infra.sandbox.hubspot.oauth import OAuth
from infra.sandbox.hubspot.portal import AppToken, Portal
from infra.sandbox.hubspot.rate_limit import RateLimit
from infra.sandbox.hubspot.records import Actor, ObjectType
from infra.sandbox.hubspot.scopes import CURRENCIES, opens, scope_of

ENFORCING_VERSION = "2026-09"
"""From here on HubSpot enforces what admins demand."""

Limited = tuple[RateLimit | DailyQuota, ...]


@dataclass(frozen=True, slots=True)
class Limits:
    """What callers may spend: static tokens, OAuth tokens, and all of them on searches."""

    static: RateLimit
    oauth: RateLimit
    search: RateLimit
    daily: DailyQuota

    def of(self, token: AppToken) -> Limited:
        """A day's calls are limited for static tokens alone."""
        day = () if token.oauth else (self.daily,)
        # HubSpot's API description exempts searches from the limit that all other calls share.
        if request.path.endswith("/search"):
            return (self.search, *day)
        return (self.oauth if token.oauth else self.static, *day)


class Gate:
    def __init__(
        self, portal: Portal, oauth: OAuth, limits: Limits, faults: Faults, log: RequestLog
    ) -> None:
        self._portal = portal
        self._oauth = oauth
        self._limits = limits
        self._mishaps = Mishaps(faults, log, error_of, route_template, portal.now)

    def guard(self, api: Blueprint) -> None:
        """For those with a token."""
        api.url_value_preprocessor(_note_version)
        api.before_request(self._admit)
        api.after_request(self._dismiss)

    def guard_open(self, api: Blueprint) -> None:
        """For everybody: neither token nor limit, yet all the trouble."""
        api.url_value_preprocessor(_note_version)
        api.before_request(self._meet_trouble)
        api.after_request(self._dismiss)

    def _admit(self) -> Response | None:
        if down := self._mishaps.meet_outage():
            return down
        g.token = token = self._token()
        g.limits = self._limits.of(token)
        if refusals := [refusal for one in g.limits if (refusal := one.spend())]:
            raise refusals[-1]
        _refuse_missing_scope(token)
        _refuse_writing_what_is_read_only()
        return self._mishaps.meet_fault(self._expire if token.oauth else None)

    def _expire(self) -> ApiError:
        return self._oauth.expire(_bearer())

    def _meet_trouble(self) -> Response | None:
        return self._mishaps.meet_outage() or self._mishaps.meet_fault()

    def _token(self) -> AppToken:
        value = _bearer()
        if token := self._portal.settings.tokens.get(value):
            return token
        if access := self._oauth.access(value):
            scopes = frozenset(access.grant.scopes)
            return AppToken(self._oauth.app.app_id, scopes, oauth=True)
        message = "Authentication credentials not found or invalid."
        raise ApiError(401, "INVALID_AUTHENTICATION", message)

    def _dismiss(self, response: Response) -> Response:
        self._mishaps.dismiss(response)
        for limit in _told(g.get("limits", ())):
            response.headers.update(limit.headers())
        self._mishaps.note(response)
        return response


def _told(limits: Limited) -> Limited:
    """Searches say nothing of any limit."""
    return () if request.path.endswith("/search") else limits


def _bearer() -> str:
    """The token that the request came with; the empty text if there is none."""
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    return value if scheme == "Bearer" else ""


def acting_token() -> AppToken:
    """What this request came with."""
    token = g.token
    assert isinstance(token, AppToken)
    return token


def acting_app() -> Actor:
    """The app whose token this request came with."""
    return Actor.app(acting_token().app_id, bound=g.version == ENFORCING_VERSION)


def route_template() -> str:
    """``POST /crm/objects/{version}/contacts/batch/update``: kinds by name, the rest by role."""
    values = request.view_args or {}
    return template_of({n: one.name for n, one in values.items() if isinstance(one, ObjectType)})


def _note_version(_: str | None, values: dict[str, object] | None) -> None:
    """Both versions answer alike but for the rules of admins, so the views do not want to know."""
    g.version = values.pop("version", None) if values else None


def _refuse_missing_scope(token: AppToken) -> None:
    needed = _scope(request.path.split("/"), (request.view_args or {}).get("kind"))
    if token.scopes is None or needed is None or opens(token.scopes, needed):
        return
    raise ApiError(
        403,
        "MISSING_SCOPES",
        "This app hasn't been granted all required scopes to make this call.",
        context={"requiredGranularScopes": [needed]},
    )


def _scope(path: list[str], kind: ObjectType | None) -> str | None:
    if path[1] == "settings":
        return CURRENCIES
    if kind is None:
        return None
    return scope_of(kind, schema=path[2] == "properties", reading=_is_reading(path))


def _is_reading(path: list[str]) -> bool:
    return request.method == "GET" or path[-1] in ("read", "search")


def _refuse_writing_what_is_read_only() -> None:
    kind, path = (request.view_args or {}).get("kind"), request.path.split("/")
    if kind and kind.read_only and path[2] == "objects" and not _is_reading(path):
        raise ApiError(405, "METHOD_NOT_ALLOWED", f"{kind.name} are written by HubSpot alone")
