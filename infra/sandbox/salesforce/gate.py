"""What every API request passes: version, token, quota, planned faults, and the log."""

from __future__ import annotations

from flask import Blueprint, Response, g, request

from infra.sandbox._serving.errors import ApiError as AnyError
from infra.sandbox._serving.mishaps import Mishaps
from infra.sandbox._serving.mishaps import route_template as template_of
from infra.sandbox.salesforce.daily_quota import DailyQuota
from infra.sandbox.salesforce.errors import ApiError, session_expired
from infra.sandbox.salesforce.records import Actor
from infra.sandbox.salesforce.sessions import Sessions
from infra.sandbox.salesforce.settings import FLOOR, INTEGRATION_USER, LATEST, Guesses

LONGEST_HEAD = 16_384
"""Bytes of an address, and of an address together with its headers."""

PART = "stand_in.part"
"""In the environment of a request that is a part of another one."""

_SCHEMES = frozenset({"Bearer", "OAuth"})
_TELLING = ("/query", "/sobjects", "/jobs")
"""Resources of which it is documented that they pass on who calls."""


class Gate:
    def __init__(self, sessions: Sessions, quota: DailyQuota, mishaps: Mishaps) -> None:
        self._sessions = sessions
        self._quota = quota
        self._mishaps = mishaps

    def guard(self, api: Blueprint) -> None:
        """For those with a token."""
        api.url_value_preprocessor(_note_version)
        api.before_request(self._admit)
        api.after_request(self._dismiss)

    def guard_open(self, api: Blueprint) -> None:
        """For everybody: neither token nor quota, yet all the trouble."""
        api.before_request(self._meet_trouble)
        api.after_request(self._note)

    def _admit(self) -> Response | None:
        if PART in request.environ:
            return None
        if down := self._mishaps.meet_outage():
            return down
        _refuse_long_heads()
        _refuse_old_versions()
        self._sessions.admit(_token())
        self._quota.spend()
        return self._mishaps.meet_fault(self._expire)

    def _expire(self) -> AnyError:
        return self._sessions.expire(_token())

    def _meet_trouble(self) -> Response | None:
        return self._mishaps.meet_outage() or self._mishaps.meet_fault()

    def _dismiss(self, response: Response) -> Response:
        if PART in request.environ:
            return response
        response.headers.update(self._quota.headers())
        return self._note(response)

    def _note(self, response: Response) -> Response:
        self._mishaps.dismiss(response)
        self._mishaps.note(response)
        return response


def root() -> str:
    """The address of the version that this request asked."""
    return f"/services/data/v{g.version}"


def caller(guesses: Guesses) -> Actor:
    """The integration user, with what the request's headers say of this call."""
    options = request.headers.get("Sforce-Call-Options", "")
    client = options.partition("client=")[2].partition(",")[0].strip()
    resource = request.path.removeprefix(root())
    tells = client and (resource.startswith(_TELLING) or guesses.collections_tell_client)
    duplicates = request.headers.get("Sforce-Duplicate-Rule-Header", "").replace(" ", "")
    return Actor(
        INTEGRATION_USER,
        f"com/salesforce/api/rest/{g.version}" + (f";client={client}" if tells else ""),
        allows_duplicates="allowsave=true" in duplicates.lower(),
    )


def route_template() -> str:
    """``GET /services/data/v{version}/sobjects/Contact/{record_id}``: kinds by name."""
    values = request.view_args or {}
    return template_of({name: str(values[name]) for name in ("object_name",) if name in values})


def _token() -> str:
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    if scheme not in _SCHEMES:
        raise session_expired()
    return value


def _note_version(_: str | None, values: dict[str, str] | None) -> None:
    g.version = values.pop("version", "") if values else ""


def _refuse_old_versions() -> None:
    number = float(g.version)
    if number < FLOOR:
        raise ApiError("GONE", "This API version is retired", status=410)
    if number > LATEST:
        raise ApiError("NOT_FOUND", "The requested resource does not exist", status=404)


def _refuse_long_heads() -> None:
    address = len(request.full_path.encode())
    if len(request.environ.get("QUERY_STRING", "")) + len(request.path) > LONGEST_HEAD:
        raise ApiError("URI_TOO_LONG", "The URI is longer than 16,384 bytes", status=414)
    headers = sum(len(name) + len(value) for name, value in request.headers.items())
    if address + headers > LONGEST_HEAD:
        raise ApiError("HEADERS_TOO_LONG", "URI and headers are too long together", status=431)
