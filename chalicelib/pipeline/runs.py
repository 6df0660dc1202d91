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

    ``seen`` are the pages that each share had come to at the last look.
    """

    began: datetime
    revision: int
    seen: Mapping[int, int] = field(default_factory=lambda: _AT_FIRST)

    @property
    def name(self) -> str:
        return iso(self.began)

    @classmethod
    def from_json(cls, state: Mapping[str, Any]) -> Run:
        seen = {shard: int(pages) for shard, pages in enumerate(state["seen"])}
        return cls(parse_instant(state["began"]), int(state["revision"]), seen)

    def to_json(self) -> dict[str, Json]:
        seen: list[Json] = [self.seen[shard] for shard in range(SHARDS)]
        return {"began": iso(self.began), "revision": self.revision, "seen": seen}


def under_way(live: LiveSettings, services: Services) -> Run | None:
    """None where something else has come into force since it began."""
    state = services.settings.checkpoint(live.connection.id, CHECKPOINT)
    run = Run.from_json(state) if state and "seen" in state else None
    return run if run and run.revision == live.revision else None


def note(connection: str, run: Run | None, services: Services) -> None:
    state = run.to_json() if run else None
    services.settings.set_checkpoint(connection, CHECKPOINT, state)
