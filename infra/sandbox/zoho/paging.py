"""Pages by number up to the two-thousandth record, and by token beyond."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import request

from infra.sandbox._serving.errors import Wire
from infra.sandbox.zoho.errors import ApiError, invalid
from infra.sandbox.zoho.instants import read, spell
from infra.sandbox.zoho.records import Record

PER_PAGE = 200
NUMBERED = 2_000
TOKEN_LIFE = timedelta(hours=24)
_SORTS = ("id", "Created_Time", "Modified_Time")

Sorter = Callable[[Record], tuple[datetime | int, int]]


@dataclass(frozen=True, slots=True)
class _Place:
    asked: Wire
    start: int
    page: int
    expires_at: datetime


class Paging:
    """``clock`` gives the present, ``zone`` is how it is spelled."""

    def __init__(self, clock: Callable[[], datetime], zone: str) -> None:
        self._clock = clock
        self._zone = zone
        self._places: dict[str, _Place] = {}

    def cut(self, found: Sequence[Record]) -> tuple[Sequence[Record], Wire]:
        """The page that the present request asks for, and its ``info``."""
        size = _number("per_page", PER_PAGE)
        if size > PER_PAGE:
            raise invalid("invalid data", param_name="per_page", maximum_length=PER_PAGE)
        start, page = self._place(size)
        rows = sorted_as_asked(found)[start : start + size]
        more = start + size < len(found)
        info: Wire = {
            "per_page": size,
            "count": len(rows),
            "page": page,
            "sort_by": request.args.get("sort_by", "id"),
            "sort_order": request.args.get("sort_order", "desc"),
            "more_records": more,
            "next_page_token": None,
            "previous_page_token": None,
            "page_token_expiry": None,
        }
        return rows, info | (self._token(start + size, page + 1) if more else {})

    def _place(self, size: int) -> tuple[int, int]:
        token, page = request.args.get("page_token"), _number("page", 1)
        if token and "page" in request.args:
            raise ApiError(400, "AMBIGUITY_DURING_PROCESSING", "page beside page_token")
        if token:
            place = self._places.get(token)
            if place is None or place.expires_at <= self._clock():
                raise ApiError(400, "EXPIRED_VALUE", "page_token expired")
            if place.asked != _asked():
                raise ApiError(400, "TOKEN_BOUND_DATA_MISMATCH", "the parameters have changed")
            return place.start, place.page
        if page * size > NUMBERED:
            details = {"limit": NUMBERED}
            raise ApiError(400, "DISCRETE_PAGINATION_LIMIT_EXCEEDED", "use page_token", details)
        return (page - 1) * size, page

    def _token(self, start: int, page: int) -> Wire:
        token, expires_at = secrets.token_hex(32), self._clock() + TOKEN_LIFE
        self._places[token] = _Place(_asked(), start, page, expires_at)
        return {"next_page_token": token, "page_token_expiry": spell(expires_at, self._zone)}


def sorted_as_asked(found: Sequence[Record]) -> Sequence[Record]:
    name, order = request.args.get("sort_by", "id"), request.args.get("sort_order", "desc")
    if name not in _SORTS or order not in ("asc", "desc"):
        raise invalid("invalid data", param_name="sort_by", supported_values=list(_SORTS))
    keys: dict[str, Sorter] = {
        "id": lambda one: (0, int(one.id)),
        "Created_Time": lambda one: (one.created_at, int(one.id)),
        "Modified_Time": lambda one: (one.modified_at, int(one.id)),
    }
    return sorted(found, key=keys[name], reverse=order == "desc")


def modified_since() -> datetime | None:
    """Of the header. Raises ``ApiError``."""
    text = request.headers.get("If-Modified-Since")
    if text is None:
        return None
    try:
        return read(text)
    except ValueError as wrong:
        raise invalid("invalid data", header="If-Modified-Since") from wrong


def _asked() -> Wire:
    """What has to stay as it was."""
    return {one: value for one, value in request.args.items() if one not in ("page_token", "page")}


def _number(name: str, default: int) -> int:
    text = request.args.get(name, str(default))
    if not text.isdecimal() or not int(text):
        raise invalid("invalid data", param_name=name, expected_data_type="integer")
    return int(text)
