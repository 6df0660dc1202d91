"""How far a long job is, as it goes through the queues."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from chalicelib.core.ports import Queue
from chalicelib.pipeline.messages import REFS_PER_MESSAGE

QUIET_LOOKS = 3
"""A queue's own count is approximate: it is empty when it says so this often in a row."""

Wait = Callable[[], None]
"""Sleeps for as long as the caller likes between two looks at a queue."""


@dataclass(frozen=True, slots=True)
class Progress:
    """``step`` is list, collect, fit, score or write; ``total`` is None while unknown."""

    step: str
    done: int
    total: int | None


def drain(step: str, queue: Queue, total: int, wait: Wait) -> Iterator[Progress]:
    """Until nothing waits in ``queue``; ``total`` are the refs that were put into it."""
    empty = 0
    while empty < QUIET_LOOKS:
        backlog = queue.backlog()
        empty = empty + 1 if backlog == 0 else 0
        yield Progress(step, max(0, total - backlog * REFS_PER_MESSAGE), total)
        if empty < QUIET_LOOKS:
            wait()
