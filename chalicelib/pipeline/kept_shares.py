"""Pieces of a population that wait for the others, among a connection's checkpoints.

A share of the cards is learned of page by page. How far it has come stands in its *mark*; a page is
kept before the mark moves past it, so that pages before the mark are there and whole. A page of
many customers is larger than an item may be: it is compressed and cut. Every slice tells of what it
is one, since two workers may keep a page at once, and one of them may die of it.
"""

from __future__ import annotations

import base64
import hashlib
import json
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from chalicelib.core.facts import canonical
from chalicelib.core.model import Json
from chalicelib.core.ports import SHARDS, SettingsStore
from chalicelib.pipeline.lessons import Lessons
from chalicelib.pipeline.shares import Share

LARGEST_SLICE = 300_000
"""In characters; DynamoDB takes items of 400 KB."""


@dataclass(frozen=True, slots=True)
class Mark:
    """How far a run has come with a share: all up to ``after`` is in the first ``pages``.

    ``fault`` is why it comes no further.
    """

    run: str
    pages: int = 0
    after: str = ""
    is_done: bool = False
    fault: str = ""

    def past(self, after: str, *, is_done: bool) -> Mark:
        return replace(self, pages=self.pages + 1, after=after, is_done=is_done)

    def to_json(self) -> dict[str, Json]:
        return {
            "run": self.run,
            "pages": self.pages,
            "after": self.after,
            "done": self.is_done,
            "fault": self.fault,
        }


def mark_of(
    connection: str, shard: int, run: str, settings: SettingsStore
) -> tuple[Mark, Mapping[str, Json] | None]:
    """With what is kept of it, which is None or of another run where the share was not begun."""
    held = settings.checkpoint(connection, _mark(shard))
    if held is None or held["run"] != run:
        return Mark(run), held
    fault = str(held.get("fault", ""))
    return Mark(run, int(str(held["pages"])), str(held["after"]), bool(held["done"]), fault), held


def move(
    connection: str,
    shard: int,
    held: Mapping[str, Json] | None,
    mark: Mark,
    settings: SettingsStore,
) -> bool:
    """Whether it was this caller who moved it."""
    return settings.move_checkpoint(connection, _mark(shard), held, mark.to_json())


def keep(
    connection: str, place: tuple[int, int], share: Share, run: str, settings: SettingsStore
) -> None:
    """``place`` is shard and page. The first slice comes last: with it the page is whole."""
    text = base64.b64encode(zlib.compress(canonical(share.to_json()).encode())).decode()
    slices = [text[at : at + LARGEST_SLICE] for at in range(0, len(text), LARGEST_SLICE)]
    page = hashlib.sha256(text.encode()).hexdigest()[:16]
    earlier = len(list(_slices(connection, place, settings)))
    for number in range(len(slices), earlier):
        settings.set_checkpoint(connection, _name(place, number), None)
    for number, part in reversed(list(enumerate(slices))):
        state: dict[str, Json] = {"run": run, "of": len(slices), "page": page, "text": part}
        settings.set_checkpoint(connection, _name(place, number), state)


def kept(connection: str, run: str, settings: SettingsStore) -> list[Share] | None:
    """All pages of a run; None unless every share is done and every page is the run's own.

    What they taught comes together in the first, so that no more of it is held than is learned of.
    """
    found: list[Share] = []
    lessons = Lessons()
    for shard in range(SHARDS):
        pages = _pages(connection, shard, run, settings)
        if pages is None:
            return None
        lessons = Lessons.of([lessons, *(one.lessons for one in pages)])
        found += [replace(one, lessons=Lessons()) for one in pages]
    return [*(replace(one, lessons=lessons) for one in found[:1]), *found[1:]]


def _pages(connection: str, shard: int, run: str, settings: SettingsStore) -> list[Share] | None:
    mark, _ = mark_of(connection, shard, run, settings)
    if not mark.is_done:
        return None
    found = []
    for page in range(mark.pages):
        slices = list(_slices(connection, (shard, page), settings))
        if not _is_whole(slices, run):
            return None
        found.append(_share(slices))
    return found


def forget(connection: str, settings: SettingsStore) -> None:
    for shard in range(SHARDS):
        page = 0
        while slices := list(_slices(connection, (shard, page), settings)):
            for number in range(len(slices)):
                settings.set_checkpoint(connection, _name((shard, page), number), None)
            page += 1
        settings.set_checkpoint(connection, _mark(shard), None)


def _slices(
    connection: str, place: tuple[int, int], settings: SettingsStore
) -> Iterator[Mapping[str, Any]]:
    first = settings.checkpoint(connection, _name(place, 0))
    if first is None:
        return
    yield first
    for number in range(1, int(str(first["of"]))):
        yield settings.checkpoint(connection, _name(place, number)) or {}


def _is_whole(slices: list[Mapping[str, Any]], run: str) -> bool:
    names = {(one.get("run"), one.get("page")) for one in slices}
    return len(names) == 1 and all(name == run for name, _ in names)


def _share(slices: list[Mapping[str, Any]]) -> Share:
    packed = base64.b64decode("".join(str(one["text"]) for one in slices))
    return Share.from_json(json.loads(zlib.decompress(packed)))


def _mark(shard: int) -> str:
    return f"refresh#{shard:02}"


def _name(place: tuple[int, int], number: int) -> str:
    shard, page = place
    return f"refresh#{shard:02}#{page:04}#{number}"
