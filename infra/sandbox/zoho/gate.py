"""What every API request passes: token, scope, credits, concurrency, faults, and the log."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, g, request

from infra.sandbox._serving.errors import Wire
from infra.sandbox._serving.instants import epoch_ms
from infra.sandbox._serving.mishaps import Mishaps
from infra.sandbox._serving.mishaps import route_template as template_of
from infra.sandbox.zoho.errors import ApiError
from infra.sandbox.zoho.limits import Concurrency, Credits, too_many
from infra.sandbox.zoho.modules import MODULES
from infra.sandbox.zoho.oauth import Access, OAuth
from infra.sandbox.zoho.scopes import opens

TOO_MANY_REQUESTS = 429
_SCHEME = "Zoho-oauthtoken"
_NAMED = ("module", "name")


def _one() -> int:
    return 1


@dataclass(frozen=True, slots=True)
class Needs:
    """``scope`` may have ``{module}`` in it. ``cost`` are the credits of the present request."""

    scope: str
    cost: Callable[[], int] = _one
    is_complex: Callable[[], bool] = bool


class Routes:
    """A blueprint whose every route says what it needs."""

    def __init__(self, name: str) -> None:
        self.blueprint = Blueprint(name, __name__)
        self.needs: dict[str, Needs] = {}

    def add(self, route: str, view: Callable[..., Any], needs: Needs) -> None:
        """``route`` is method and path: ``GET /crm/v8/org``."""
        method, _, path = route.partition(" ")
        self.needs[route] = needs
        endpoint = route.replace(".", "_")
        self.blueprint.add_url_rule(path, endpoint, view, methods=[method])


class Gate:
    def __init__(
        self, oauth: OAuth, balance: Credits, concurrency: Concurrency, mishaps: Mishaps
    ) -> None:
        self._oauth = oauth
        self._credits = balance
        self._concurrency = concurrency
        self._mishaps = mishaps

    def guard(self, routes: Routes) -> None:
        """For those with a token."""
        api = routes.blueprint
        api.before_request(lambda: self._admit(routes))
        api.after_request(self._dismiss)
        api.teardown_request(lambda _: self._concurrency.leave(g.pop("entered", ())))

    def guard_open(self, api: Blueprint) -> None:
        """For everybody: neither token nor limit, yet all the trouble."""
        api.before_request(lambda: self._mishaps.meet_outage() or self._mishaps.meet_fault())
        api.after_request(self._dismiss)

    def _admit(self, routes: Routes) -> Response | None:
        if down := self._mishaps.meet_outage():
            return down
        g.access = access = self._access()
        needs = routes.needs[_route()]
        refuse_missing_scope(access, needs.scope, (request.view_args or {}).get("module", ""))
        g.entered = self._concurrency.enter(is_complex=needs.is_complex())
        if refusal := self._credits.spend(needs.cost()):
            raise refusal
        return self._mishaps.meet_fault(self._expire)

    def _access(self) -> Access:
        if "Authorization" not in request.headers:
            raise ApiError(401, "AUTHENTICATION_FAILURE", "Authentication failed")
        scheme, _, value = request.headers["Authorization"].partition(" ")
        found = self._oauth.access(value) if scheme == _SCHEME else None
        if found is None:
            raise invalid_token()
        return found

    def _expire(self) -> ApiError:
        self._oauth.expire(g.access.token)
        return invalid_token()

    def _dismiss(self, response: Response) -> Response:
        self._mishaps.dismiss(response)
        if access := g.get("access"):
            response.headers["X-ACCESSTOKEN-RESET"] = str(epoch_ms(access.expires_at))
            response.headers.update(self._credits.headers())
        self._mishaps.note(response)
        return response


def refuse_missing_scope(access: Access, scope: str, module: str = "") -> None:
    """Raises ``ApiError``."""
    name = MODULES[module].scope if module in MODULES else "unknown"
    if not opens(access.grant.scopes, f"ZohoCRM.{scope.format(module=name)}"):
        raise ApiError(401, "OAUTH_SCOPE_MISMATCH", "invalid oauth scope to access this URL")


def invalid_token() -> ApiError:
    """The same for a wrong one, one at its end, and one of another data centre."""
    return ApiError(401, "INVALID_TOKEN", "invalid oauth token")


def error_of(status: int, retry_after: int | None = None) -> ApiError:
    """What Zoho says when it is not the caller's fault; it never says when to come back."""
    if status == TOO_MANY_REQUESTS:
        return too_many("You have exceeded the concurrency limit of simultaneous calls.")
    error = ApiError(status, "INTERNAL_ERROR", "Internal Server Error")
    error.headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    return error


def route_template() -> str:
    """``PUT /crm/v8/Contacts``: modules and related lists by name, the rest by role."""
    values = request.view_args or {}
    return template_of({one: values[one] for one in _NAMED if one in values})


def sent() -> Wire:
    """The body, whatever it is, for what a request costs before anybody reads it."""
    body = request.get_json(force=True, silent=True)
    return body if isinstance(body, dict) else {}


def sent_records() -> int:
    data = sent().get("data")
    return len(data) if isinstance(data, list) else 0


def _route() -> str:
    assert request.url_rule is not None
    return f"{request.method} {request.url_rule.rule}"
