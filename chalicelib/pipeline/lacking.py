"""Fields that a CRM lacks: everything else is written, and those once they are there.

What was left out of a write is not taken for shown, so that a card differs from its record until
the field is there. ``reconcile`` looks for that, and has all cards scored again, a share of them at
a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
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

_State = Mapping[str, Json]

LACKING = "lacking"
"""The checkpoint: ``fields`` that are lacking, and while cards are told of others that are there by
now, the ``shard`` of them that is next.
"""

MOST_AT_ONCE = 5_000
"""Cards told in one run, as far as shares allow: what the CRM tells meanwhile waits behind them."""


def note(connection: str, lost: Iterable[Mapping[str, str]], services: Services) -> None:
    """One item tells a person, however often they are found to be lacking."""
    found = {field for of_one in lost for field in of_one.values()}
    if found:
        state = _change(connection, services, lambda held: _lacking(held, found | _fields(held)))
        _tell_person(connection, _fields(state), services)


def rewrite(connection: Connection, services: Services) -> int:
    """Queue cards for fields that are there by now; returns how many."""
    begun = _begun(connection, services)
    if begun is None:
        return 0
    shard, told = begun, 0
    while shard < SHARDS and told < MOST_AT_ONCE:
        told += _tell(connection.id, shard, services)
        shard += 1
    state = _change(connection.id, services, lambda held: _told_up_to(shard, held))
    _tell_person(connection.id, _fields(state), services)
    logs.info("fields are there", connection=connection.id, told=told)
    return told


def _begun(connection: Connection, services: Services) -> int | None:
    """The share to tell next; none while all that was lacking still is."""
    state = services.settings.checkpoint(connection.id, LACKING) or {}
    if "shard" in state:
        return cast(int, state["shard"])
    there = _there_by_now(connection, _fields(state), services)
    if not there:
        return None
    _change(
        connection.id, services, lambda held: {**_lacking(held, _fields(held) - there), "shard": 0}
    )
    return 0


def _change(
    connection: str, services: Services, change: Callable[[_State], dict[str, Json]]
) -> _State:
    """Returns the checkpoint as it is then; the writer and reconcile may both change it at once."""
    while True:
        held = services.settings.checkpoint(connection, LACKING)
        wanted = change(held or {})
        if held == wanted or services.settings.move_checkpoint(connection, LACKING, held, wanted):
            return wanted


def _lacking(state: _State, fields: AbstractSet[str]) -> dict[str, Json]:
    return {**state, "fields": [*sorted(fields)]}


def _told_up_to(shard: int, state: _State) -> dict[str, Json]:
    rest = {name: value for name, value in state.items() if name != "shard"}
    return {**rest, "shard": shard} if shard < SHARDS else rest


def _fields(state: _State) -> frozenset[str]:
    return frozenset(cast("list[str]", state.get("fields", [])))


def _there_by_now(
    connection: Connection, fields: frozenset[str], services: Services
) -> frozenset[str]:
    if not fields:
        return fields
    live = services.settings.live(connection.id)
    policy = compiled(live.policy)
    client = services.client(live, policy.attributes)
    kinds = provisioned_kinds(policy)
    wanted = placed(provisioned(policy, "contact"), services.connector(connection.id))
    with Guard(live, services.settings, services.clock):
        planned = client.plan(wanted, policy.language, kinds)
    return fields.difference(one.target for one in planned)


def _tell_person(connection: str, fields: frozenset[str], services: Services) -> None:
    now = services.clock.now()
    if not fields:
        unpark(_item(connection), services, now)
        return
    names = ", ".join(sorted(fields))
    told = f"the CRM does not take {names}; all else is written, and those once it does"
    park(_item(connection), told, services, now)


def _tell(connection: str, shard: int, services: Services) -> int:
    rows = services.store.population(connection, shard=shard)
    refs = [Ref.parse(str(row["ref"])) for row in rows]
    services.intake.send(refs_messages(connection, refs, Reason.SWEEP))
    return len(refs)


def _item(connection: str) -> Mapping[str, Json]:
    return {"connection": connection, "refs": [], "reason": Reason.REWRITE.value}
