"""Score everyone who is already in the CRM.

Two passes, since a customer can be ranked only when all are known: *collect* reads every
record and keeps its facts, then the cuts of the population are fitted, then *score* publishes
everybody from the stored facts. Both passes run through the intake queue, where the work
spreads; this use case only feeds it and watches. It stops and resumes at any point: after
every page it notes where it is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import cast

from chalicelib.core.connector import CrmClient
from chalicelib.core.facts import canonical, parse_instant
from chalicelib.core.funnel import ClosedDeal
from chalicelib.core.model import Json, Ref
from chalicelib.core.policy import FittedModels, Policy
from chalicelib.core.ports import Queue
from chalicelib.pipeline.messages import REFS_PER_MESSAGE, Reason, refs_messages
from chalicelib.pipeline.scorer import compiled
from chalicelib.pipeline.services import Services
from chalicelib.scoring.cross_sell import CROSS_SELL
from chalicelib.scoring.funnel import closed_deals
from chalicelib.scoring.models import behaviour, rfm, value
from chalicelib.scoring.products import bought_categories
from chalicelib.training.cross_sell import cross_sell
from chalicelib.training.population import Row, Wanted, fitted
from chalicelib.training.stages import stage_probabilities

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
    publish_cuts(connection, population, services, services.clock.now())
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


def publish_cuts(
    connection: str, population: list[Mapping[str, Json]], services: Services, now: datetime
) -> FittedModels:
    """Fit what the connection's customers tell as a population and put it into force."""
    policy = compiled(services.settings.live(connection).policy)
    today = now.astimezone(policy.time_zone).date()
    learned = fitted((_row(one, today, policy) for one in population), _wanted(policy))
    parameters = {**learned, **_histories(population, policy, services, now)}
    version = hashlib.sha256(canonical(parameters).encode()).hexdigest()[:12]
    models = FittedModels(version, parameters)
    services.settings.publish_models(connection, models, now)
    return models


def _histories(
    population: list[Mapping[str, Json]], policy: Policy, services: Services, now: datetime
) -> Mapping[str, Mapping[str, Json]]:
    """What each stage of the funnel is worth, and which products go with one another.

    The index holds neither, so all facts are read, for the stages of a funnel alone; products are
    learned on the way.
    """
    if policy.funnel is None:
        return {}
    closed: dict[str, ClosedDeal] = {}
    bought: list[frozenset[str]] = []
    for row in population:
        ref = Ref.parse(str(row["ref"]))
        facts = services.store.load(ref).facts
        closed |= closed_deals(facts, policy.funnel)
        if ref.kind != "account":  # what its people bought would count twice
            bought.append(bought_categories(facts, policy.categories, now))
    stages = {"stages": stage_probabilities(closed.values())}
    if not policy.categories:
        return stages
    # Whoever has bought none of the categories is no customer of theirs.
    return {**stages, CROSS_SELL: cross_sell(filter(None, bought))}


def _wanted(policy: Policy) -> Wanted:
    """What the customer components of the policy ask of the population."""
    models = [group.model for group in policy.customer.components]
    buying = [one.buying if isinstance(one, behaviour.Model) else one for one in models]
    return Wanted(
        ties_by_id=any(one.options.ties_by_id for one in buying if isinstance(one, rfm.Model)),
        basis=next((one.basis for one in models if isinstance(one, value.Model)), None),
        value_shares=policy.customer.value_shares,
    )


def _row(row: Mapping[str, Json], today: date, policy: Policy) -> Row:
    satisfaction, worth = row.get("q"), row.get("v")
    return Row(
        id=str(row["ref"]),
        rfm=_rfm(row, today, policy) if row.get("r") is not None else None,
        value=None if worth is None else int(cast(int, worth)),
        satisfaction=None if satisfaction is None else float(cast(float, satisfaction)),
    )


def _rfm(row: Mapping[str, Json], today: date, policy: Policy) -> tuple[int, int, int]:
    """With the days since the last purchase as of now; the row tells them as of its card."""
    made_on = parse_instant(str(row["at"])).astimezone(policy.time_zone).date()
    recency = cast(int, row["r"]) + (today - made_on).days
    return recency, cast(int, row["f"]), cast(int, row["m"])


def _drain(step: str, queue: Queue, total: int, wait: Wait) -> Iterator[Progress]:
    empty = 0
    while empty < QUIET_LOOKS:
        backlog = queue.backlog()
        empty = empty + 1 if backlog == 0 else 0
        yield Progress(step, max(0, total - backlog * REFS_PER_MESSAGE), total)
        if empty < QUIET_LOOKS:
            wait()
