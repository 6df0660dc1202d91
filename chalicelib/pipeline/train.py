"""Learn of the whole population what scores go by: borders, ranks, shares of deals that are won.

A backfill puts into force what it finds. From then on borders move only where two refreshes in a
row agree (``training.steadiness``), so that nobody changes sides for no other reason than that
borders were learned anew. What was found, and is not in force, waits in a checkpoint; after a
change of the policy it may mean something else, and all is taken as it is found.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import cast

from chalicelib.core.facts import canonical, parse_instant
from chalicelib.core.funnel import ClosedDeal
from chalicelib.core.model import Json, Ref
from chalicelib.core.policy import FittedModels, Policy
from chalicelib.core.purchases import turnover
from chalicelib.pipeline.messages import Reason, refs_messages
from chalicelib.pipeline.satisfaction import Decline, declines
from chalicelib.pipeline.scorer import compiled
from chalicelib.pipeline.services import Services
from chalicelib.scoring.cross_sell import CROSS_SELL
from chalicelib.scoring.funnel import closed_deals
from chalicelib.scoring.models import behaviour, rfm, value
from chalicelib.scoring.products import bought_categories
from chalicelib.training.cross_sell import cross_sell
from chalicelib.training.data_quality import outliers
from chalicelib.training.population import Row, Wanted, fitted
from chalicelib.training.stages import stage_probabilities
from chalicelib.training.steadiness import SEEN, adopted

CHECKPOINT = "train"

STEADY = ("rfm", "value", "classes")
"""Parameters that are borders; others, such as means and probabilities, nobody stands beside."""

Learned = Mapping[str, Mapping[str, Json]]
"""Parameters by model name."""


@dataclass(frozen=True, slots=True)
class Refresh:
    """``moved`` names what is in force differently from before.

    ``doubtful`` are customers who have spent so much that a person should look at it,
    ``declined`` segments whose customers have become less satisfied.
    """

    parameters: Learned
    fresh: Learned
    moved: tuple[str, ...]
    subjects: tuple[Ref, ...]
    doubtful: tuple[Ref, ...]
    declined: tuple[Decline, ...]


def train(connection: str, services: Services, *, dry_run: bool = False) -> Refresh:
    """Learn anew; where something moves, put it into force and have everybody scored."""
    population = list(services.store.population(connection))
    found = _refresh(connection, population, services)
    if dry_run:
        return found
    put_into_force(connection, found.parameters, services, seen=found.fresh)
    if found.moved:
        services.intake.send(refs_messages(connection, found.subjects, Reason.RESCORE))
    return found


def learned(
    connection: str, population: Sequence[Mapping[str, Json]], services: Services
) -> Learned:
    """What the connection's customers tell as a population, as of now."""
    policy, now = compiled(services.settings.live(connection).policy), services.clock.now()
    today = now.astimezone(policy.time_zone).date()
    known = fitted((_row(one, today, policy) for one in population), _wanted(policy))
    return {**known, **_histories(population, policy, services, now)}


def put_into_force(
    connection: str, parameters: Learned, services: Services, *, seen: Learned | None = None
) -> FittedModels:
    """``seen`` is what was found, where that is not what is put into force."""
    version = hashlib.sha256(canonical(parameters).encode()).hexdigest()[:12]
    models = FittedModels(version, parameters)
    services.settings.publish_models(connection, models, services.clock.now())
    policy = compiled(services.settings.live(connection).policy)
    state: dict[str, Json] = {
        "policy": policy.version,
        "seen": {name: dict(values) for name, values in (seen or parameters).items()},
    }
    services.settings.set_checkpoint(connection, CHECKPOINT, state)
    return models


def _refresh(
    connection: str, population: Sequence[Mapping[str, Json]], services: Services
) -> Refresh:
    fresh = learned(connection, population, services)
    before = services.settings.live(connection).models.parameters
    parameters = _steadied(before, fresh, _seen(connection, services))
    refs = [Ref.parse(str(row["ref"])) for row in population]
    return Refresh(
        parameters=parameters,
        fresh=fresh,
        moved=tuple(
            sorted(
                name
                for name in parameters.keys() | before.keys()
                if parameters.get(name) != before.get(name)
            )
        ),
        subjects=tuple(refs),
        doubtful=_doubtful(population),
        declined=declines(population, services.store, services.clock.now()),
    )


def _seen(connection: str, services: Services) -> Learned | None:
    """What the last refresh found under the policy that is in force; None if there was none."""
    live = services.settings.live(connection)
    state = services.settings.checkpoint(connection, CHECKPOINT) or {}
    if state.get("policy") != compiled(live.policy).version:
        return None
    return cast(Learned, state["seen"])


def _steadied(before: Learned, fresh: Learned, seen: Learned | None) -> Learned:
    if seen is None:
        return fresh
    steady = [name for name in STEADY if name in fresh and name in before and name in seen]
    return {**fresh, **{name: _one(before[name], fresh[name], seen[name]) for name in steady}}


def _one(
    before: Mapping[str, Json], fresh: Mapping[str, Json], seen: Mapping[str, Json]
) -> Mapping[str, Json]:
    """``before`` itself where nothing is new but the number of customers."""
    found = adopted({**before, SEEN: dict(seen)}, fresh)
    taken = {name: value for name, value in found.items() if name != SEEN}
    return before if taken | {"n": None} == {**before, "n": None} else taken


def _doubtful(population: Sequence[Mapping[str, Json]]) -> tuple[Ref, ...]:
    spent = {
        str(row["ref"]): int(cast(int, row["m"])) for row in population if row.get("m") is not None
    }
    return tuple(map(Ref.parse, outliers(spent)))


def _histories(
    population: Sequence[Mapping[str, Json]], policy: Policy, services: Services, now: datetime
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
            net = turnover(facts, now).purchases
            bought.append(bought_categories(facts, net, policy.categories, now))
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
