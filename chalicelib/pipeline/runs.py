"""A training run of one connection, as long as it is under way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from chalicelib.core.facts import iso, parse_instant
from chalicelib.core.model import Json
from chalicelib.core.ports import SHARDS, LiveSettings
from chalicelib.pipeline.services import Services

CHECKPOINT = "refresh"

_AT_FIRST: Mapping[int, int] = dict.fromkeys(range(SHARDS), 0)


@dataclass(frozen=True, slots=True)
class Run:
    """Of what was in force when it ``began``, which is publication ``revision``.

    ``seen`` are the pages that each share had come to at the last look, and ``moved`` is when one
    of them was last found to have come further. ``reduces`` counts those that were begun.
    """

    began: datetime
    revision: int
    seen: Mapping[int, int] = field(default_factory=lambda: _AT_FIRST)
    moved: datetime | None = None
    reduces: int = 0

    @property
    def name(self) -> str:
        return iso(self.began)

    @classmethod
    def from_json(cls, state: Mapping[str, Any]) -> Run:
        seen = {shard: int(pages) for shard, pages in enumerate(state["seen"])}
        moved = parse_instant(state["moved"]) if state.get("moved") else None
        began, revision = parse_instant(state["began"]), int(state["revision"])
        return cls(began, revision, seen, moved, state.get("reduces", 0))

    def stands_since(self, seen: Mapping[int, int], now: datetime) -> datetime:
        """Since when no share has come further than it is ``seen`` to be ``now``."""
        return now if dict(seen) != dict(self.seen) else self.moved or self.began

    def to_json(self) -> dict[str, Json]:
        seen: list[Json] = [self.seen[shard] for shard in range(SHARDS)]
        moved = iso(self.moved) if self.moved else None
        return {
            "began": iso(self.began), "revision": self.revision, "seen": seen, "moved": moved,
            "reduces": self.reduces,
        }  # fmt: skip


def under_way(live: LiveSettings, services: Services) -> Run | None:
    """None where something else has come into force since it began."""
    state = services.settings.checkpoint(live.connection.id, CHECKPOINT)
    run = Run.from_json(state) if state and "seen" in state else None
    return run if run and run.revision == live.revision else None


def note(connection: str, run: Run | None, services: Services) -> None:
    state = run.to_json() if run else None
    services.settings.set_checkpoint(connection, CHECKPOINT, state)
