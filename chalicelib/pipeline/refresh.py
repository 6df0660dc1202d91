"""Learn of the population every day, share by share.

A map over the shares of the cards, each kept when it is done, and one reduce when all are there. A
run that is killed or out of time is taken up by the next one where it stopped. Nothing is published
before the reduce, nor of a run whose policy or models were replaced meanwhile, nor while cards are
still being rescored: they would tell of the population by several policies at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from chalicelib import logs
from chalicelib.core.errors import ConfigurationError, Conflict
from chalicelib.core.facts import iso, parse_instant
from chalicelib.core.model import Json
from chalicelib.core.policy import NOTHING_FITTED
from chalicelib.core.ports import SHARDS, LiveSettings
from chalicelib.pipeline import rescore
from chalicelib.pipeline.kept_shares import forget, keep, kept
from chalicelib.pipeline.scorer import compiled
from chalicelib.pipeline.services import Services
from chalicelib.pipeline.shares import Share, learned, share_of
from chalicelib.pipeline.train import Memory, moved, premises_of, put_into_force, steadied
from chalicelib.training.steadiness import worth_a_refresh

CHECKPOINT = "refresh"

EVERY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Run:
    """Of what was in force when it ``began``, which is publication ``revision``; the first ``done``
    shares are kept.
    """

    began: datetime
    revision: int
    done: int = 0

    @property
    def name(self) -> str:
        return iso(self.began)

    @classmethod
    def from_json(cls, state: Mapping[str, Any]) -> Run:
        return cls(parse_instant(state["began"]), state["revision"], state["done"])

    def to_json(self) -> dict[str, Json]:
        return {"began": iso(self.began), "revision": self.revision, "done": self.done}


def refresh_all(services: Services, deadline: datetime) -> int:
    """For every connection; returns for how many something new came into force.

    A connection that is half made is told of at the end, so that it stops no other.
    """
    published, faults = 0, []
    for connection in services.settings.connections():
        try:
            published += refresh(connection.id, services, deadline)
        except Conflict as error:
            logs.warning("not refreshed", connection=connection.id, reason=str(error))
        except ConfigurationError as fault:
            faults.append(fault)
    if faults:
        raise faults[0]
    return published


def refresh(connection: str, services: Services, deadline: datetime) -> bool:
    """Whether something new came into force. Raises ``Conflict`` if others did that meanwhile."""
    live = services.settings.live(connection)
    run = _under_way(live, services) or _begun(live, services)
    if run is None:
        return False
    run = _map(live, run, services, deadline)
    return _reduce(live, run, services) if run.done == SHARDS else False


def _under_way(live: LiveSettings, services: Services) -> Run | None:
    state = services.settings.checkpoint(live.connection.id, CHECKPOINT)
    run = Run.from_json(state) if state and "revision" in state else None
    return run if run and run.revision == live.revision else None


def _begun(live: LiveSettings, services: Services) -> Run | None:
    """A new run, if it is time for one."""
    connection, now = live.connection.id, services.clock.now()
    if not _is_due(Memory.of(connection, services), live, now):
        return None
    if not rescore.is_done(connection, services):
        return None
    run = Run(now, live.revision)
    _note(connection, run, services)
    return run


def _is_due(memory: Memory, live: LiveSettings, now: datetime) -> bool:
    """At once where there are other things to learn than at the last look."""
    if memory.looked_at is None or memory.premises != premises_of(live):
        return True
    return now - memory.looked_at >= EVERY


def _map(live: LiveSettings, run: Run, services: Services, deadline: datetime) -> Run:
    """Keep share after share, and only then know that it is kept."""
    connection, policy = live.connection.id, compiled(live.policy)
    while run.done < SHARDS and services.clock.now() < deadline:
        cards = services.store.population(connection, shard=run.done)
        share = share_of(cards, policy, services.store, run.began)
        keep(connection, run.done, share, run.name, services.settings)
        run = replace(run, done=run.done + 1)
        _note(connection, run, services)
    return run


def _reduce(live: LiveSettings, run: Run, services: Services) -> bool:
    connection = live.connection.id
    if services.settings.live(connection).revision != run.revision:
        raise Conflict(f"{connection}: something else came into force meanwhile")
    shares = kept(connection, run.name, services.settings)
    if len(shares) < SHARDS:  # another run has kept its own in their place
        _note(connection, None, services)
        return False
    is_new = _adopt(live, run, shares, services)
    _note(connection, None, services)
    forget(connection, services.settings)
    return is_new


def _adopt(live: LiveSettings, run: Run, shares: Sequence[Share], services: Services) -> bool:
    connection = live.connection.id
    memory = Memory.of(connection, services)
    if not _is_worth_it(memory, live, run, shares):
        replace(memory, looked_at=run.began).keep(connection, services)
        return False
    fresh = learned(shares, compiled(live.policy))
    steady = steadied(live, fresh, memory)
    put_into_force(live, steady, fresh, services, run.began)
    what = moved(live, steady)
    logs.info("refreshed", connection=connection, moved=list(what))
    return bool(what)


def _is_worth_it(memory: Memory, live: LiveSettings, run: Run, shares: Sequence[Share]) -> bool:
    """Whether enough customers bought something since; all others have merely aged."""
    is_known = memory.learned_at is not None and memory.premises == premises_of(live)
    if not is_known or live.models == NOTHING_FITTED:
        return True
    days = (run.began - (memory.learned_at or run.began)) / timedelta(days=1)
    recencies = [row.rfm[0] for share in shares for row in share.rows if row.rfm]
    return worth_a_refresh(sum(one <= days for one in recencies), len(recencies))


def _note(connection: str, run: Run | None, services: Services) -> None:
    state = run.to_json() if run else None
    services.settings.set_checkpoint(connection, CHECKPOINT, state)
