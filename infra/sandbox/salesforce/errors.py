"""Salesforce's ways to refuse: a list of errors, an OAuth object, and a page of HTML."""

from __future__ import annotations

from collections.abc import Sequence

from infra.sandbox._serving import errors
from infra.sandbox._serving.errors import Envelope, Wire

FORBIDDEN = 403
TOO_MANY = 429
MAINTENANCE = range(502, 505)


class ApiError(errors.ApiError):
    """``code`` is what clients sort by; ``fields`` are those that are wrong."""

    def __init__(
        self, code: str, message: str, *, fields: Sequence[str] = (), status: int = 400
    ) -> None:
        super().__init__(status, message)
        self.code = code
        self.fields = tuple(fields)

    def envelope(self) -> Envelope:
        fields = {"fields": list(self.fields)} if self.fields else {}
        return [{"message": self.message, "errorCode": self.code, **fields}]

    def entry(self) -> Wire:
        """As one of the ``errors`` of a record among others."""
        return {"statusCode": self.code, "message": self.message, "fields": list(self.fields)}


class OAuthRefused(errors.ApiError):
    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(status, description)
        self.error = error

    def envelope(self) -> Envelope:
        return {"error": self.error, "error_description": self.message}


class Maintenance(errors.ApiError):
    """No API answers, so what comes is meant for people."""

    def __init__(self, status: int) -> None:
        super().__init__(status, "Down for Maintenance")

    def envelope(self) -> Envelope:
        return f"<!doctype html><title>{self.message}</title><h1>{self.message}</h1>"


def not_found(message: str = "The requested resource does not exist") -> ApiError:
    return ApiError("NOT_FOUND", message, status=404)


def limit_exceeded(limit: str = "TotalRequests") -> ApiError:
    return ApiError("REQUEST_LIMIT_EXCEEDED", f"{limit} Limit exceeded.", status=FORBIDDEN)


def session_expired() -> ApiError:
    return ApiError("INVALID_SESSION_ID", "Session expired or invalid", status=401)


def error_of(status: int, _: int | None) -> errors.ApiError:
    """How a status is worded that a plan of faults asks for. Nobody is told when to come back."""
    if status in MAINTENANCE:
        return Maintenance(status)
    if status == TOO_MANY:  # Salesforce has none: too many at once are refused like too many
        return limit_exceeded("ConcurrentPerOrgLongTxn")
    return ApiError("UNKNOWN_EXCEPTION", "An unexpected error occurred.", status=status)
