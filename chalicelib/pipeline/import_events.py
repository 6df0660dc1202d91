"""Bring in from a file what no shop has sent: the same checks, and the same queue.

It stops and resumes at any point: after every send it notes the line that it has come to. Whoever
repeats it does no harm either, since each item is known by its id.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from chalicelib.core.facts import canonical, iso
from chalicelib.core.model import Json
from chalicelib.events.validation import Fault, Item, checked
from chalicelib.pipeline.messages import chunks, events_messages
from chalicelib.pipeline.services import Services

ITEMS_PER_SEND = 1_000
"""Ten messages, which one request of the queue takes."""


@dataclass(frozen=True, slots=True)
class Row:
    """What one line of a file says; a fault where it could not even be read."""

    line: int
    item: Json | Fault


@dataclass(frozen=True, slots=True)
class Checked:
    """A line after its check: an item to send, or the fault that keeps it back."""

    line: int
    item: Item | Fault


def checked_rows(rows: Iterable[Row], connection: str, now: datetime) -> Iterator[Checked]:
    """Also against one another: one id of a type tells one thing, and the first line counts."""
    seen: dict[tuple[Json, Json], tuple[int, int]] = {}
    for row in rows:
        item = row.item if isinstance(row.item, Fault) else checked(row.item, connection, now)
        if not isinstance(item, Fault):
            print_ = hash(canonical(item))
            line, held = seen.setdefault((item["type"], item["id"]), (row.line, print_))
            if held != print_:
                item = Fault("/id", f"stands in line {line} with something else: write another id")
        yield Checked(row.line, item)


def reached(connection: str, digest: str, services: Services) -> int:
    """The line up to which an earlier run of the same file has sent; 0 where none has begun."""
    state = services.settings.checkpoint(connection, _name(digest)) or {}
    return cast(int, state.get("line", 0))


def send(
    rows: Iterable[Checked], connection: str, digest: str, services: Services
) -> Iterator[Checked]:
    """Queue what is sound and lies behind the point reached; yields every line once it is done.

    ``digest`` names the file and how it is read. Raises ``Retryable``.
    """
    done = reached(connection, digest, services)
    for chunk in chunks(rows, ITEMS_PER_SEND):
        sound = [one.item for one in chunk if one.line > done and not isinstance(one.item, Fault)]
        if sound:
            now = services.clock.now()
            services.intake.send(events_messages(f"import {digest}", connection, sound, now))
            state: dict[str, Json] = {"line": chunk[-1].line, "at": iso(now)}
            services.settings.set_checkpoint(connection, _name(digest), state)
        yield from chunk
    services.settings.set_checkpoint(connection, _name(digest), None)


def _name(digest: str) -> str:
    return f"import {digest}"
