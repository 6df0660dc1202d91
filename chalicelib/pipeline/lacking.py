"""Fields that a CRM lacks: everything else is written, and those once they are there.

What was left out of a write is not taken for shown, so that a card differs from its record until
the field is there. ``reconcile`` looks for that, and has all cards scored again, a share of them at
a time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import cast

from chalicelib import logs
from chalicelib.core.connector import Connection
from chalicelib.core.model import Json, Ref
from chalicelib.core.ports import SHARDS
from chalicelib.pipeline.messages import Reason, refs_messages
from chalicelib.pipeline.park import park, unpark
from chalicelib.pipeline.pause import Guard
from chalicelib.pipeline.places import placed
from chalicelib.pipeline.scorer import compiled
from chalicelib.pipeline.services import Services
from chalicelib.scoring.publication import provisioned, provisioned_kinds

LACKING = "lacking"
"""The checkpoint: the fields, or, once they are there, the share of the cards that is told next."""

MOST_AT_ONCE = 5_000
"""Cards told in one run, as far as shares allow: what the CRM tells meanwhile waits behind them."""


def note(connection: str, lost: Iterable[Mapping[str, str]], services: Services) -> None:
    """One item tells a person, however often they are found to be lacking."""
    fields = sorted({field for of_one in lost for field in of_one.values()})
    if not fields:
        return
    services.settings.set_checkpoint(connection, LACKING, {"fields": [*fields]})
    told = f"the CRM does not take {', '.join(fields)}; all else is written, and those once it does"
    park(_item(connection), told, services, services.clock.now())


def rewrite(connection: Connection, services: Services) -> int:
    """Queue cards for fields that are there by now; returns how many."""
    state = services.settings.checkpoint(connection.id, LACKING)
    if state is None or ("shard" not in state and _still_lacks(connection, state, services)):
        return 0
    shard, told = cast(int, state.get("shard", 0)), 0
    while shard < SHARDS and told < MOST_AT_ONCE:
        told += _tell(connection.id, shard, services)
        shard += 1
    rest: dict[str, Json] | None = {"shard": shard} if shard < SHARDS else None
    services.settings.set_checkpoint(connection.id, LACKING, rest)
    unpark(_item(connection.id), services, services.clock.now())
    logs.info("fields are there", connection=connection.id, told=told)
    return told


def _still_lacks(connection: Connection, state: Mapping[str, Json], services: Services) -> bool:
    live = services.settings.live(connection.id)
    policy = compiled(live.policy)
    client = services.client(live, policy.attributes)
    kinds = provisioned_kinds(policy)
    wanted = placed(provisioned(policy, "contact"), services.connector(connection.id))
    with Guard(live, services.settings, services.clock):
        planned = client.plan(wanted, policy.language, kinds)
    return any(one.target in cast("list[str]", state["fields"]) for one in planned)


def _tell(connection: str, shard: int, services: Services) -> int:
    rows = services.store.population(connection, shard=shard)
    refs = [Ref.parse(str(row["ref"])) for row in rows]
    services.intake.send(refs_messages(connection, refs, Reason.SWEEP))
    return len(refs)


def _item(connection: str) -> Mapping[str, Json]:
    return {"connection": connection, "refs": [], "reason": Reason.REWRITE.value}
