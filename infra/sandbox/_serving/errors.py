"""An answer other than success, raised anywhere in a stand-in and rendered once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Wire = dict[str, Any]
"""A JSON object as it goes over the wire."""

Envelope = Wire | list[Wire] | str
"""The body of a refusal; a text is a page for people."""


class ApiError(Exception):
    """``envelope`` is the body, which each CRM words in its own way."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers: Mapping[str, str] = {}

    def envelope(self) -> Envelope:
        return {"status": "error", "message": self.message}


Refusal = Callable[[int, str], ApiError]
"""Words a status and a message."""


def invalid(message: str) -> ApiError:
    """Of what is asked of the stand-in itself."""
    return ApiError(400, message)


def rendered(error: ApiError) -> tuple[Envelope, int, Mapping[str, str]]:
    return error.envelope(), error.status, error.headers
