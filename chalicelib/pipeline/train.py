"""Learn of the whole population what scores go by: borders, ranks, shares of deals that are won.

A backfill puts into force what it finds. From then on borders move only where two refreshes in a
row agree (``training.steadiness``), so that nobody changes sides for no other reason than that
borders were learned anew. What was found, and is not in force, waits in a checkpoint; after a
change of the policy it may mean something else, and all is taken as it is found.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

from chalicelib.core.facts import canonical, iso, parse_instant
from chalicelib.core.model import Json, Ref
from chalicelib.core.policy import FittedModels
from chalicelib.core.ports import LiveSettings
from chalicelib.pipeline import rescore
from chalicelib.pipeline.foresight import FORETELLING, foreseen, in_force
from chalicelib.pipeline.lessons import Lessons
from chalicelib.pipeline.satisfaction import Decline, declines
from chalicelib.pipeline.scorer import compiled
from chalicelib.pipeline.services import Services
from chalicelib.pipeline.shares import Learned, Share, learned, share_of
from chalicelib.policy.version import version_of
from chalicelib.scoring.features import names_of
from chalicelib.scoring.fitted import CARDS
from chalicelib.training.data_quality import outliers
from chalicelib.training.steadiness import SEEN, adopted

CHECKPOINT = "train"

STEADY = ("rfm", "value", "classes")
"""Parameters that are borders; others, such as means and probabilities, nobody stands beside."""

PREMISES = (
    "customer", "currency", "time_zone", "funnel", "products", "referrals", "prediction",
    "machine_traffic",
)  # fmt: skip
"""Sections of a policy that decide what there is to learn, beside its attributes."""


@dataclass(frozen=True, slots=True)
class Memory:
    """What is remembered of the last refresh: what it ``seen`` has, when, and under which policy.

    ``premises`` name what there was to learn; ``looked_at`` is when the population was looked at
    last, also in vain.
    """

    policy: str = ""
    premises: str = ""
    seen: Learned = field(default_factory=dict)
    learned_at: datetime | None = None
    looked_at: datetime | None = None

    @classmethod
    def of(cls, connection: str, services: Services) -> Memory:
        state = cast(Any, services.settings.checkpoint(connection, CHECKPOINT))
        if state is None:
            return cls()
        times = {name: parse_instant(state[name]) for name in ("learned_at", "looked_at")}
        return cls(state["policy"], state["premises"], state["seen"], **times)

    def keep(self, connection: str, services: Services) -> None:
        assert self.learned_at is not None
        assert self.looked_at is not None
        state: dict[str, Json] = {
            "policy": self.policy,
            "premises": self.premises,
            "seen": {name: dict(values) for name, values in self.seen.items()},
            "learned_at": iso(self.learned_at),
            "looked_at": iso(self.looked_at),
        }
        services.settings.set_checkpoint(connection, CHECKPOINT, state)


@dataclass(frozen=True, slots=True)
class Refresh:
    """``moved`` names what is in force differently from before.

    ``doubtful`` are customers who have spent so much that a person should look at it,
    ``declined`` segments whose customers have become less satisfied.
    """

    parameters: Learned
    fresh: Learned
    moved: tuple[str, ...]
    subjects: int
    doubtful: tuple[Ref, ...]
    declined: tuple[Decline, ...]

    @property
    def cards(self) -> Mapping[str, Json]:
        """What is to be known of the models of the future, of those too that are not used."""
        return self.fresh.get(CARDS, {})


def train(connection: str, services: Services, *, dry_run: bool = False) -> Refresh:
    """Learn anew; where something moves, put it into force, of which a rescore follows."""
    population = list(services.store.population(connection))
    live = services.settings.live(connection)
    memory = Memory.of(connection, services)
    fresh = _learned(live, population, memory, services)
    steady = steadied(live, fresh, memory)
    found = Refresh(
        parameters=steady,
        fresh=fresh,
        moved=moved(live, steady),
        subjects=len(population),
        doubtful=_doubtful(population),
        declined=declines(population, services.store, services.clock.now()),
    )
    if not dry_run:
        put_into_force(live, steady, fresh, services, services.clock.now())
        rescore.advance(connection, services)
    return found


def learn_anew(connection: str, services: Services) -> None:
    """Put into force what there is, as a backfill does that has read everybody."""
    live = services.settings.live(connection)
    memory, population = Memory.of(connection, services), services.store.population(connection)
    found = _learned(live, list(population), memory, services)
    put_into_force(live, found, found, services, services.clock.now())


def put_into_force(
    live: LiveSettings, parameters: Learned, seen: Learned, services: Services, at: datetime
) -> FittedModels:
    """``seen`` is what was found ``at``, which need not be what is put into force.

    Raises ``Conflict`` if other models came into force meanwhile.
    """
    connection, parameters = live.connection.id, published(parameters, live)
    version = hashlib.sha256(canonical(parameters).encode()).hexdigest()[:12]
    models = FittedModels(version, parameters)
    if version != live.models.version:
        now, before = services.clock.now(), live.models.version
        services.settings.publish_models(connection, models, now, over=before)
    policy = version_of(live.policy)
    remembered = {name: values for name, values in seen.items() if name not in FORETELLING}
    Memory(policy, premises_of(live), remembered, at, at).keep(connection, services)
    return models


def published(parameters: Learned, live: LiveSettings) -> Learned:
    """With the cards of models that are used alone; of one that stays, its own.

    What is told of the others changes without anything else, and nobody is scored anew for that.
    """
    held, was = live.models.parameters, live.models.parameters.get(CARDS, {})
    cards = {
        name: was[name] if name in was and parameters[name] == held.get(name) else card
        for name, card in parameters.get(CARDS, {}).items()
        if name in parameters
    }
    others = {name: values for name, values in parameters.items() if name != CARDS}
    return {**others, CARDS: cards} if cards else others


def in_use(live: LiveSettings, memory: Memory) -> Learned:
    """The models of the future that are in force, and what was last said of all of them.

    Of another policy they would tell something else: then there are none.
    """
    if memory.premises != premises_of(live):
        return {}
    published = live.models.parameters
    held = {name: one for name, one in published.items() if name in FORETELLING}
    cards = dict(memory.seen.get(CARDS, {}))
    for name in held.keys() & cards.keys():
        card, used = cast(Any, cards[name]), in_force(published, name)
        # What was said before cards told of it.
        if used and not card["passed"] and card["trained_at"] != used["trained_at"]:
            cards[name] = {**card, "stays": dict(used)}
    return {**held, CARDS: cards}


def learned_of(
    shares: Sequence[Share],
    live: LiveSettings,
    memory: Memory,
    now: datetime,
    *,
    anew: bool = False,
) -> Learned:
    """Of all shares together; ``anew`` fits models too that have time."""
    policy, held = compiled(live.policy), in_use(live, memory)
    lessons = Lessons.of(share.lessons for share in shares)
    return {**learned(shares, policy), **foreseen(lessons, policy, held, now, anew=anew)}


def premises_of(live: LiveSettings) -> str:
    """Names what there is to learn under the policy that is in force.

    Of attributes the types and sources, not what they are called; and those that chances go by.
    """
    sections: dict[str, Json] = {name: live.policy.get(name) for name in PREMISES}
    stated = cast(Mapping[str, Mapping[str, Json]], live.policy["attributes"])
    attributes: dict[str, Json] = {
        name: {key: value for key, value in one.items() if key != "label"}
        for name, one in stated.items()
    }
    rows: list[Json] = [*names_of(compiled(live.policy))]
    return version_of({**sections, "attributes": attributes, "rows": rows})


def steadied(live: LiveSettings, fresh: Learned, memory: Memory) -> Learned:
    """What to have in force after a refresh found ``fresh``."""
    before, seen = live.models.parameters, memory.seen
    if memory.policy != version_of(live.policy):
        return fresh
    steady = [name for name in STEADY if name in fresh and name in before and name in seen]
    return {**fresh, **{name: _one(before[name], fresh[name], seen[name]) for name in steady}}


def moved(live: LiveSettings, parameters: Learned) -> tuple[str, ...]:
    before = live.models.parameters
    names = sorted(parameters.keys() | before.keys())
    return tuple(
        name for name in names if name != CARDS and parameters.get(name) != before.get(name)
    )


def _one(
    before: Mapping[str, Json], fresh: Mapping[str, Json], seen: Mapping[str, Json]
) -> Mapping[str, Json]:
    """``before`` itself where nothing is new but the number of customers."""
    found = adopted({**before, SEEN: dict(seen)}, fresh)
    taken = {name: value for name, value in found.items() if name != SEEN}
    return before if taken | {"n": None} == {**before, "n": None} else taken


def _learned(
    live: LiveSettings,
    population: Sequence[Mapping[str, Json]],
    memory: Memory,
    services: Services,
) -> Learned:
    """As of now, in this process alone."""
    now = services.clock.now()
    share = share_of(population, compiled(live.policy), services.store, now)
    return learned_of([share], live, memory, now, anew=True)


def _doubtful(population: Sequence[Mapping[str, Json]]) -> tuple[Ref, ...]:
    spent = {
        str(row["ref"]): int(cast(int, row["m"])) for row in population if row.get("m") is not None
    }
    return tuple(map(Ref.parse, outliers(spent)))
