"""HubSpot's error envelope, raised anywhere in the stand-in and rendered once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import uuid4

from infra.sandbox._serving import errors
from infra.sandbox._serving.errors import Wire

Context = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Detail:
    """One entry of an envelope's ``errors``; ``code`` is for programs."""

    message: str
    code: str
    context: Context = field(default_factory=dict)

    def to_json(self) -> Wire:
        return {"message": self.message, "code": self.code, "context": _lists(self.context)}


class ApiError(errors.ApiError):
    """``category`` is what clients sort by."""

    def __init__(
        self,
        status: int,
        category: str,
        message: str,
        *,
        details: Sequence[Detail] = (),
        context: Context | None = None,
        sub_category: str | None = None,
        extra: Wire | None = None,
    ) -> None:
        super().__init__(status, message)
        self.category = category
        self.details = tuple(details)
        self.context = context or {}
        self.sub_category = sub_category
        self.extra = extra or {}

    def entry(self, **context: Sequence[str]) -> Wire:
        """As one of the ``errors`` of a 207 answer, with ``context`` added."""
        entry: Wire = {
            "status": "error",
            "category": self.category,
            "message": self.message,
            "context": _lists({**self.context, **context}),
            "errors": [detail.to_json() for detail in self.details],
            "links": {},
        }
        return entry | ({"subCategory": self.sub_category} if self.sub_category else {})

    def envelope(self) -> Wire:
        """As the whole answer."""
        envelope: Wire = {
            "status": "error",
            "message": self.message,
            "correlationId": str(uuid4()),
            "category": self.category,
        }
        optional = {
            "subCategory": self.sub_category,
            "context": _lists(self.context),
            "errors": [detail.to_json() for detail in self.details],
        }
        return envelope | {name: value for name, value in optional.items() if value} | self.extra


def invalid(message: str, *details: Detail) -> ApiError:
    return ApiError(400, "VALIDATION_ERROR", message, details=details)


def not_found(message: str, **context: Sequence[str]) -> ApiError:
    return ApiError(404, "OBJECT_NOT_FOUND", message, context=context)


def conflict(message: str) -> ApiError:
    return ApiError(409, "CONFLICT", message)


def _lists(context: Context) -> dict[str, list[str]]:
    return {name: list(values) for name, values in context.items()}
