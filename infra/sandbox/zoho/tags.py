"""The tags of a module: a palette of so many, and so many of them on a record."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from infra.sandbox._serving.errors import Wire
from infra.sandbox.zoho.editions import Edition
from infra.sandbox.zoho.errors import ApiError, invalid, missing
from infra.sandbox.zoho.records import Record, Tag

NAME_LENGTH = 25


class Palette:
    def __init__(self, edition: Edition, new_id: Callable[[], str]) -> None:
        self._edition = edition
        self._new_id = new_id
        self._tags: dict[str, Tag] = {}

    @property
    def allowed(self) -> int:
        return self._edition.tags_per_module

    def tags(self) -> Sequence[Tag]:
        return tuple(self._tags.values())

    def make(self, name: str, color_code: str | None = None) -> Tag:
        """The one that is there already, or a new one. Raises ``ApiError``."""
        if found := self._tags.get(name.lower()):
            return found
        if len(name) > NAME_LENGTH:
            raise invalid("invalid data", api_name="name", maximum_length=NAME_LENGTH)
        if len(self._tags) >= self.allowed:
            details = {"limit": self.allowed}
            raise ApiError(400, "LICENSE_LIMIT_EXCEEDED", "tag limit exceeded", details)
        self._tags[name.lower()] = tag = Tag(self._new_id(), name, color_code)
        return tag

    def named(self, row: Wire) -> Tag | None:
        """By id, which wins, or by name."""
        if "id" in row:
            return next((one for one in self._tags.values() if one.id == row["id"]), None)
        return self._tags.get(_name(row).lower())

    def asked(self, rows: Iterable[Wire]) -> list[Tag]:
        """Those to be added; what is not there yet is made. Raises ``ApiError``."""
        return [self.named(row) or self._new(row) for row in rows]

    def add(self, record: Record, tags: Iterable[Tag]) -> list[Tag]:
        """Returns those that found no place."""
        left_out = []
        for tag in tags:
            if tag in record.tags:
                continue
            if len(record.tags) >= self._edition.tags_per_record:
                left_out.append(tag)
            else:
                record.tags.append(tag)
        return left_out

    def _new(self, row: Wire) -> Tag:
        if "id" in row:
            raise invalid("the tag id is invalid", api_name="id")
        return self.make(_name(row), row.get("color_code"))


def _name(row: Wire) -> str:
    name = row.get("name")
    if not isinstance(name, str) or not name:
        raise missing("name")
    return name
