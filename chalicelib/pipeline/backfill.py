"""Score everyone who is already in the CRM.

Two passes, since a customer can be ranked only when all are known: *collect* reads every
record and keeps its facts, then the cuts of the population are fitted, then *score* publishes
everybody from the stored facts. Both passes run through the intake queue, where the work
spreads; this use case only feeds it and watches. It stops and resumes at any point: after
every page it notes where it is. A policy that asks the CRM for other attributes begins it anew.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from typing import cast

from chalicelib.core.connector import CrmClient
from chalicelib.core.model import Json
from chalicelib.core.ports import LiveSettings
from chalicelib.pipeline import rescore
from chalicelib.pipeline.messages import Reason, refs_messages
from chalicelib.pipeline.progress import Progress, Wait, drain
from chalicelib.pipeline.services import Services
from chalicelib.pipeline.train import learn_anew
from chalicelib.policy.version import version_of

CHECKPOINT = "backfill"


def backfill(connection: str, services: Services, wait: Wait) -> Iterator[Progress]:
    """Yields as it goes; the CRM shows everybody's score when it ends."""
    listed = yield from _list(connection, services)
    yield from drain("collect", services.intake, listed, wait)
    yield Progress("fit", 0, 1)
    learn_anew(connection, services)
    yield Progress("fit", 1, 1)
    rescore.begin_whole(connection, services)
    yield from rescore.follow(connection, services, wait)
    services.settings.set_checkpoint(connection, CHECKPOINT, None)


def _list(connection: str, services: Services) -> Generator[Progress, None, int]:
    """Queue every record of the CRM page by page, from where an earlier run stopped."""
    live = services.settings.live(connection)
    client = services.client(live)
    state = _resumed(services.settings.checkpoint(connection, CHECKPOINT), live)
    listed = cast(int, state["listed"])
    while not state.get("all"):
        state = _list_page(connection, state, client, services)
        listed = cast(int, state["listed"])
        yield Progress("list", listed, cast("int | None", state["total"]))
    return listed


def _resumed(state: Mapping[str, Json] | None, live: LiveSettings) -> Mapping[str, Json]:
    """Where an earlier run stopped, unless it read other attributes than are asked for now."""
    asked = version_of({"attributes": live.policy["attributes"]})
    if state is not None and state.get("asked") == asked:
        return state
    return {"cursor": None, "listed": 0, "asked": asked}


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
        "asked": state["asked"],
    }
    services.settings.set_checkpoint(connection, CHECKPOINT, reached)
    return reached
