"""What HubSpot says when it is not the caller's fault."""

from __future__ import annotations

from infra.sandbox.hubspot.errors import ApiError
from infra.sandbox.hubspot.rate_limit import TEN_SECONDLY, too_many

TOO_MANY_REQUESTS = 429
MIGRATION = 477
MIGRATION_S = 60
_PROBLEM = "There was a problem with the request."
_WORDS = {
    423: ("LOCKED", "The resource is locked by other writes. Wait at least 2 seconds."),
    MIGRATION: ("MIGRATION_IN_PROGRESS", "This account is being moved to another data centre."),
}


def error_of(status: int, retry_after: int | None = None) -> ApiError:
    """The body and the headers that HubSpot gives a status; a migration says when to come back."""
    if status == MIGRATION and retry_after is None:
        retry_after = MIGRATION_S
    error = too_many(TEN_SECONDLY) if status == TOO_MANY_REQUESTS else _failure(status)
    if retry_after is not None:
        error.headers = {"Retry-After": str(retry_after)}
    return error


def _failure(status: int) -> ApiError:
    category, message = _WORDS.get(status, ("INTERNAL_ERROR", _PROBLEM))
    return ApiError(status, category, message)
