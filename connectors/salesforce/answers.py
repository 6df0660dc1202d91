"""How Salesforce says no: a list of errors, each with a code, whatever the status."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chalicelib.core.errors import CrmStumbled, CrmUnavailable, EmtiazError, RateLimited
from connectors._http import Forbidden, Refused
from connectors._wire import Answer

TOO_MANY = 429
FORBIDDEN = 403
FAILED_INSIDE = 500

LIMIT_EXCEEDED = "REQUEST_LIMIT_EXCEEDED"
"""Comes with 403, for the calls of a day and for too many long ones at a time alike."""

PASSING = frozenset({
    "UNABLE_TO_LOCK_ROW", "UNABLE_TO_LOCK_RECORD", "SERVER_UNAVAILABLE",
    "REQUEST_RUNNING_TOO_LONG", "QUERY_TIMEOUT", "PROCESSING_HALTED",
    "ALL_OR_NONE_OPERATION_ROLLED_BACK",
})  # fmt: skip
"""Over at another try."""

UNSEEN = frozenset({"INVALID_FIELD", "INVALID_TYPE", "NOT_FOUND"})
"""What is not there, or is hidden from us, which Salesforce does not tell apart."""

_CONCURRENT = "concurrent"


def problems(body: Any) -> list[Mapping[str, Any]]:
    """The errors of an answer, or of one record of it."""
    held = body if isinstance(body, list) else [body]
    return [one for one in held if isinstance(one, dict)]


def code(problem: Mapping[str, Any]) -> str:
    """Of REST errors, or of a record's among others."""
    return str(problem.get("errorCode") or problem.get("statusCode") or "")


def codes(body: Any) -> list[str]:
    return [found for one in problems(body) if (found := code(one))]


def message(body: Any) -> str:
    """One line of an answer's errors; OAuth has another form for them."""
    lines = [_line(one) for one in problems(body)]
    return "; ".join(filter(None, lines)) or "no reason given"


def status_of(answer: Answer) -> int:
    """Too much asked is 403 here, like what is forbidden."""
    is_limit = answer.status == FORBIDDEN and LIMIT_EXCEEDED in codes(answer.body)
    return TOO_MANY if is_limit else answer.status


def is_of_a_day(answer: Answer) -> bool:
    """Whether the calls of a day are spent, rather than too many under way."""
    return _CONCURRENT not in message(answer.body).lower()


def failure(status: int, body: Any) -> EmtiazError:
    """What it means that a part of a composite request was answered so."""
    text, told = f"answered {status}: {message(body)}", set(codes(body))
    if LIMIT_EXCEEDED in told:
        return RateLimited(text)
    if told & PASSING:
        return CrmUnavailable(text)
    if status == FORBIDDEN:
        return Forbidden(text)
    if status >= FAILED_INSIDE:
        return CrmStumbled(text)
    return Refused(text, status, body)


def _line(problem: Mapping[str, Any]) -> str:
    text = str(problem.get("message") or problem.get("error_description") or "")
    told = code(problem) or str(problem.get("error") or "")
    fields = problem.get("fields")
    about = [str(one) for one in fields if str(one) not in text] if isinstance(fields, list) else []
    worded = ": ".join(filter(None, [told, " ".join(text.split())]))
    return f"{worded} [{', '.join(about)}]" if about else worded
