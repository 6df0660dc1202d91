"""Learn of the population every day, page by page.

A run is told of in the intake queue, one message per share of the cards; workers learn of a page
and tell of the next (``learn``). The scheduled look begins a run, tells again of shares that stand
still, and reduces when all are there. It publishes once: nothing before the reduce, nor of a run
whose policy or models were replaced meanwhile, nor while cards are still being rescored, since they
would tell of the population by several policies at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from chalicelib import logs
from chalicelib.core.errors import ConfigurationError, Conflict, Parked
from chalicelib.core.policy import NOTHING_FITTED
from chalicelib.core.ports import SHARDS, LiveSettings
from chalicelib.pipeline import rescore
from chalicelib.pipeline.foresight import drifting, due
from chalicelib.pipeline.kept_shares import Mark, forget, kept, mark_of
from chalicelib.pipeline.lessons import Lessons
from chalicelib.pipeline.messages import lesson_message
from chalicelib.pipeline.runs import CHECKPOINT, Run, note, under_way
from chalicelib.pipeline.scorer import compiled
from chalicelib.pipeline.services import Services
from chalicelib.pipeline.shares import Share
from chalicelib.pipeline.train import (
    Memory,
    in_use,
    learned_of,
    moved,
    premises_of,
    put_into_force,
    steadied,
)
from chalicelib.training.steadiness import worth_a_refresh

EVERY = timedelta(days=1)

DRIFT_EVERY = timedelta(days=7)
"""How long models are left alone before they are held against those who come now."""


def refresh_all(services: Services, deadline: datetime) -> int:
    """For every connection until ``deadline``; returns for how many something new came into force.

    A connection that is half made, or has models that are too large to be kept, is told of at the
    end, so that it stops no other.
    """
    published, faults = 0, list[Exception]()
    for connection in services.settings.connections():
        if services.clock.now() >= deadline:
            break
        try:
            published += refresh(connection.id, services)
        except Conflict as error:
            logs.warning("not refreshed", connection=connection.id, reason=str(error))
        except (ConfigurationError, Parked) as fault:
            faults.append(fault)
    if faults:
        raise faults[0]
    return published


def refresh(connection: str, services: Services) -> bool:
    """Whether something new came into force. Raises ``Conflict`` if others did that meanwhile."""
    live = services.settings.live(connection)
    run = under_way(live, services)
    if run is None:
        _begin(live, services)
        return False
    pages = {shard: _mark(live, run, shard, services) for shard in range(SHARDS)}
    if all(mark.is_done for mark in pages.values()):
        return _reduce(live, run, services)
    still = [n for n, mark in pages.items() if not mark.is_done and mark.pages == run.seen[n]]
    note(connection, replace(run, seen={n: mark.pages for n, mark in pages.items()}), services)
    _tell(live, run, {n: pages[n].pages for n in still}, services)
    return False


def _mark(live: LiveSettings, run: Run, shard: int, services: Services) -> Mark:
    return mark_of(live.connection.id, shard, run.name, services.settings)[0]


def _begin(live: LiveSettings, services: Services) -> None:
    """A new run, if it is time for one. Of one that was overtaken nothing stays until then."""
    connection, now = live.connection.id, services.clock.now()
    if services.settings.checkpoint(connection, CHECKPOINT) is not None:
        forget(connection, services.settings)
        note(connection, None, services)
    if not _is_due(Memory.of(connection, services), live, now):
        return
    if not rescore.is_done(connection, services):
        return
    forget(connection, services.settings)
    run = Run(now, live.revision)
    note(connection, run, services)
    _tell(live, run, run.seen, services)


def _tell(live: LiveSettings, run: Run, pages: Mapping[int, int], services: Services) -> None:
    connection = live.connection.id
    services.intake.send(
        [lesson_message(connection, run.name, shard, page) for shard, page in pages.items()]
    )


def _is_due(memory: Memory, live: LiveSettings, now: datetime) -> bool:
    """At once where there are other things to learn than at the last look."""
    if memory.looked_at is None or memory.premises != premises_of(live):
        return True
    return now - memory.looked_at >= EVERY


def _reduce(live: LiveSettings, run: Run, services: Services) -> bool:
    connection = live.connection.id
    shares = kept(connection, run.name, services.settings)
    if shares is None:  # another run has kept its own in their place
        note(connection, None, services)
        return False
    is_new = _adopt(live, run, shares, services)
    note(connection, None, services)
    forget(connection, services.settings)
    return is_new


def _adopt(live: LiveSettings, run: Run, shares: Sequence[Share], services: Services) -> bool:
    connection = live.connection.id
    memory = Memory.of(connection, services)
    if not _is_worth_it(memory, live, run, shares):
        replace(memory, looked_at=run.began).keep(connection, services)
        return False
    fresh = learned_of(shares, live, memory, run.began)
    if services.settings.live(connection).revision != run.revision:
        raise Conflict(f"{connection}: something else came into force meanwhile")
    steady = steadied(live, fresh, memory)
    put_into_force(live, steady, fresh, services, run.began)
    what = moved(live, steady)
    logs.info("refreshed", connection=connection, moved=list(what))
    return bool(what)


def _is_worth_it(memory: Memory, live: LiveSettings, run: Run, shares: Sequence[Share]) -> bool:
    """Whether enough customers bought something since, all others having merely aged; or whether
    it is time for a model of the future, by the calendar or since it has drifted.
    """
    is_known = memory.learned_at is not None and memory.premises == premises_of(live)
    if not is_known or live.models == NOTHING_FITTED:
        return True
    policy, held, since = compiled(live.policy), in_use(live, memory), memory.learned_at
    if due(policy, held, run.began):
        return True
    time = run.began - (since or run.began)
    lessons = Lessons.of(share.lessons for share in shares)
    if time >= DRIFT_EVERY and drifting(lessons, policy, held, run.began):
        return True
    days = time / timedelta(days=1)
    recencies = [row.rfm[0] for share in shares for row in share.rows if row.rfm]
    return worth_a_refresh(sum(one <= days for one in recencies), len(recencies))
