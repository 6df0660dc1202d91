"""Score everyone who is already in the CRM.

Two passes, since a customer can be ranked only when all are known: *collect* reads every
record and keeps its facts, then the cuts of the population are fitted, then *score* publishes
everybody from the stored facts. Both passes run through the intake queue, where the work
spreads; this use case only feeds it and watches. It stops and resumes at any point: after
every page it notes where it is.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass
from typing import cast

from chalicelib.core.connector import CrmClient
from chalicelib.core.model import Json, Ref
from chalicelib.core.ports import Queue
from chalicelib.pipeline.messages import REFS_PER_MESSAGE, Reason, refs_messages
from chalicelib.pipeline.services import Services
from chalicelib.pipeline.train import learned, put_into_force

CHECKPOINT = "backfill"

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


def backfill(connection: str, services: Services, wait: Wait) -> Iterator[Progress]:
    """Yields as it goes; the CRM shows everybody's score when it ends."""
    listed = yield from _list(connection, services)
    yield from _drain("collect", services.intake, listed, wait)
    population = list(services.store.population(connection))
    yield Progress("fit", 0, 1)
    put_into_force(connection, learned(connection, population, services), services)
    yield Progress("fit", 1, 1)
    refs = [Ref.parse(str(row["ref"])) for row in population]
    services.intake.send(refs_messages(connection, refs, Reason.RESCORE))
    yield from _drain("score", services.intake, len(refs), wait)
    yield from _drain("write", services.write_back, len(refs), wait)
    services.settings.set_checkpoint(connection, CHECKPOINT, None)


def _list(connection: str, services: Services) -> Generator[Progress, None, int]:
    """Queue every record of the CRM page by page, from where an earlier run stopped."""
    client = services.client(services.settings.live(connection))
    state = services.settings.checkpoint(connection, CHECKPOINT) or {"cursor": None, "listed": 0}
    listed = cast(int, state["listed"])
    while not state.get("all"):
        state = _list_page(connection, state, client, services)
        listed = cast(int, state["listed"])
        yield Progress("list", listed, cast("int | None", state["total"]))
    return listed


def _list_page(
    connection: str, state: Mapping[str, Json], client: CrmClient, services: Services
) -> Mapping[str, Json]:
    page = client.list_subjects(cast("str | None", state["cursor"]))
    services.intake.send(refs_messages(connection, page.refs, Reason.COLLECT))
    reached: dict[str, Json] = {
        "cursor": page.next,
        "listed": cast(int, state["listed"]) + len(page.refs),
        "total": state.get("total") if page.total is None else page.total,
        "all": page.next is None,
    }
    services.settings.set_checkpoint(connection, CHECKPOINT, reached)
    return reached


def _drain(step: str, queue: Queue, total: int, wait: Wait) -> Iterator[Progress]:
    empty = 0
    while empty < QUIET_LOOKS:
        backlog = queue.backlog()
        empty = empty + 1 if backlog == 0 else 0
        yield Progress(step, max(0, total - backlog * REFS_PER_MESSAGE), total)
        if empty < QUIET_LOOKS:
            wait()
