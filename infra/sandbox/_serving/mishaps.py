"""What goes wrong with the requests of an API, before and after their work, and the log of all."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache
from hashlib import sha256

from flask import Response, g, request

from infra.sandbox._serving import web_server
from infra.sandbox._serving.errors import ApiError
from infra.sandbox._serving.fault_plan import Strike
from infra.sandbox._serving.faults import Faults
from infra.sandbox._serving.instants import spell
from infra.sandbox._serving.request_log import Entry, RequestLog

_ARGUMENT = re.compile(r"<(?:\w+:)?(?P<name>\w+)>")
_UNANSWERED = ("hang", "close", "lost")

ErrorOf = Callable[[int, int | None], ApiError]
"""How the CRM words a status, given the seconds after which to come back if there are any."""


class Mishaps:
    """``route`` names the present request; ``clock`` gives the present."""

    def __init__(
        self,
        faults: Faults,
        log: RequestLog,
        error_of: ErrorOf,
        route: Callable[[], str],
        clock: Callable[[], datetime],
    ) -> None:
        self._faults = faults
        self._log = log
        self._error_of = error_of
        self._route = route
        self._clock = clock

    def meet_outage(self) -> Response | None:
        g.mishap = ""
        outage = self._faults.outage_met()
        if outage is None:
            return None
        g.mishap = "outage"
        if outage.mode != "close":
            raise self._error_of(int(outage.mode), None)
        request.environ[web_server.PASSAGE] = web_server.lost
        return Response(status=204)

    def meet_fault(self, expire: Callable[[], ApiError] | None = None) -> Response | None:
        """``expire`` ends the token that the request came with, and words it, if that can be."""
        route = self._route()
        if fault := self._faults.take(route, applied=False):
            raise self._error_of(fault.status, fault.retry_after)
        g.strike = strike = self._faults.strike(route, expirable=expire is not None)
        if strike and expire and strike.kind == "expired":
            g.mishap = strike.kind
            raise expire()
        return self._struck(strike) if strike else None

    def dismiss(self, response: Response) -> Response:
        """After the work."""
        if fault := self._faults.take(self._route(), applied=True):
            _fail(response, self._error_of(fault.status, fault.retry_after))
        elif strike := g.get("strike"):
            self._astray(response, strike)
        return response

    def note(self, response: Response) -> None:
        self._log.add(_entry(self._route(), response, spell(self._clock())))

    def _struck(self, strike: Strike) -> Response | None:
        """Before the work; what does its work all the same goes on."""
        g.mishap = strike.kind
        if strike.applied:
            return None
        if strike.kind in _UNANSWERED:
            return Response(status=204)
        raise self._error_of(strike.status, None)

    def _astray(self, response: Response, strike: Strike) -> None:
        """After the work."""
        match strike.kind:
            case "5xx":
                _fail(response, self._error_of(strike.status, None))
            case "hang":
                request.environ[web_server.PASSAGE] = web_server.silent_for(strike.seconds)
            case "close" | "lost":
                request.environ[web_server.PASSAGE] = web_server.lost
            case "slow":
                request.environ[web_server.PASSAGE] = web_server.dribbling_for(strike.seconds)
            case "truncated" if strike.noticed:
                request.environ[web_server.PASSAGE] = web_server.cut_in_half
            case "truncated":
                request.environ[web_server.PASSAGE] = web_server.cut_in_half_unnoticed


def _fail(response: Response, error: ApiError) -> None:
    response.status_code = error.status
    response.headers.update(error.headers)
    envelope = error.envelope()
    if isinstance(envelope, str):
        response.mimetype = "text/html"
        response.set_data(envelope)
    else:
        response.mimetype = "application/json"
        response.set_data(response.json_module.dumps(envelope))


def _entry(route: str, response: Response, at: str) -> Entry:
    body = request.get_data()
    silent = request.environ.get(web_server.PASSAGE) is web_server.lost or g.mishap == "hang"
    return Entry(
        route=route,
        path=request.path,
        status=0 if silent else response.status_code,
        mishap=g.mishap,
        request_size=len(body),
        request_sha256=sha256(body).hexdigest(),
        response_size=response.calculate_content_length() or 0,
        at=at,
    )


def route_template(named: Mapping[str, str]) -> str:
    """``GET /crm/{version}/contacts``: the ``named`` arguments by value, the rest by role."""
    if request.url_rule is None:
        return f"{request.method} {request.path}"
    return f"{request.method} {_template(request.url_rule.rule, tuple(named.items()))}"


@cache
def _template(rule: str, named: tuple[tuple[str, str], ...]) -> str:
    names = dict(named)
    return _ARGUMENT.sub(lambda found: names.get(found["name"], f"{{{found['name']}}}"), rule)
