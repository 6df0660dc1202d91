"""What an answer of Zoho's API says: the same few members, in an envelope or without one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors._wire import Answer
from connectors.zoho.limits import TOO_MANY

ENVELOPES = ("data", "fields", "tags", "watch", "modules", "org", "users", "currencies")
"""Members that hold what was asked for, or an outcome for each thing that was to be changed."""

SUCCESS = "success"

_OK, _EMPTY, _REFUSED, _UNAUTHORIZED, _FORBIDDEN, _NOT_MODIFIED = 200, 204, 400, 401, 403, 304
_STUMBLED = 500

_STATUSES: Mapping[str, int] = {
    "INVALID_TOKEN": _UNAUTHORIZED,
    "AUTHENTICATION_FAILURE": _UNAUTHORIZED,
    "OAUTH_SCOPE_MISMATCH": _FORBIDDEN,
    "NO_PERMISSION": _FORBIDDEN,
    "TOO_MANY_REQUESTS": TOO_MANY,
    "RATE_LIMIT_EXCEEDED": TOO_MANY,
    "INTERNAL_ERROR": _STUMBLED,
    "INTERNAL_SERVER_ERROR": _STUMBLED,
}
"""What an error of the whole call amounts to, whatever status it comes with."""


def status_of(answer: Answer) -> int:
    """A missing scope comes as 401, an error now and then as 200, nothing new as 304."""
    if answer.status == _NOT_MODIFIED:
        return _EMPTY
    if answer.status > _STUMBLED:  # a gateway's own tells more: whether the work may be done
        return answer.status
    if isinstance(answer.body, dict) and answer.body.get("status") == "error":
        is_good = _OK <= answer.status < _NOT_MODIFIED
        return _STATUSES.get(code(answer.body), _REFUSED if is_good else answer.status)
    return answer.status


def code(problem: Any) -> str:
    found = problem.get("code") if isinstance(problem, dict) else None
    return found if isinstance(found, str) else ""


def details(problem: Any) -> Mapping[str, Any]:
    found = problem.get("details") if isinstance(problem, dict) else None
    return found if isinstance(found, dict) else {}


def outcomes(body: Any, envelope: str = "data") -> list[Mapping[str, Any]]:
    """One for each thing that was to be changed, in the order in which they were sent.

    None where the call failed as a whole.
    """
    rows = body.get(envelope) if isinstance(body, dict) else None
    return [one for one in rows if isinstance(one, dict)] if isinstance(rows, list) else []


def failed(outcome: Mapping[str, Any]) -> bool:
    return outcome.get("status") != SUCCESS


def message(problem: Any) -> str:
    """One line of an error, or of the errors in an envelope."""
    inner = next((found for name in ENVELOPES if (found := outcomes(problem, name))), [])
    if inner:
        return "; ".join(dict.fromkeys(_worded(one) for one in inner if failed(one)))
    return _worded(problem)


def _worded(problem: Any) -> str:
    told = problem if isinstance(problem, dict) else {}
    text = str(told.get("message") or "no reason given")
    where = details(told).get("json_path") or details(told).get("api_name")
    parts = [code(told), text, f"at {where}" if isinstance(where, str) else ""]
    return " ".join(filter(None, parts))
