"""Zoho's error shapes: flat, and as one item of ``data``, ``fields``, ``tags`` or ``watch``."""

from __future__ import annotations

from infra.sandbox._serving import errors
from infra.sandbox._serving.errors import Wire


class ApiError(errors.ApiError):
    """``code`` is what clients sort by; ``root`` wraps the answer as a list under that name."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        details: Wire | None = None,
        *,
        root: str = "",
    ) -> None:
        super().__init__(status, message)
        self.code = code
        self.details = details or {}
        self.root = root

    def entry(self) -> Wire:
        return {
            "code": self.code,
            "details": self.details,
            "message": self.message,
            "status": "error",
        }

    def envelope(self) -> Wire:
        return {self.root: [self.entry()]} if self.root else self.entry()


_UNREADABLE = {400: "INVALID_DATA"}


def refused(status: int, message: str) -> ApiError:
    """Of a body that cannot be read."""
    return ApiError(status, _UNREADABLE.get(status, "INVALID_REQUEST"), message)


def invalid(message: str, **details: object) -> ApiError:
    return ApiError(400, "INVALID_DATA", message, details)


def missing(what: str, **details: object) -> ApiError:
    return ApiError(400, "MANDATORY_NOT_FOUND", "required field not found", {
        "api_name": what, **details,
    })  # fmt: skip


def missing_parameter(name: str) -> ApiError:
    message = "One of the expected parameter is missing"
    return ApiError(400, "REQUIRED_PARAM_MISSING", message, {"param_name": name})


def unknown_module(name: str) -> ApiError:
    return ApiError(400, "INVALID_MODULE", "the module name given seems to be invalid", {
        "resource_path_index": 0, "module": name,
    })  # fmt: skip


def wrong_id(**details: object) -> ApiError:
    return invalid("the id given seems to be invalid", **{"api_name": "id", **details})
