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
from chalicelib.core.errors import ConfigurationError, Conflict, Retryable
from chalicelib.core.facts import iso
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
from chalicelib.pipeline.turns import Turn, begin, in_turn, note_fault, went_well
from chalicelib.training.steadiness import worth_a_refresh

EVERY = timedelta(days=1)

STANDS = timedelta(hours=6)
"""After which a run that comes no further is given up: what is told of it kills whoever hears."""

REDUCES = 2
"""How often the end of a run is tried that kills whoever comes to it."""


class RunStopped(Exception):
    """A run that does not come to its end; the message says where it stopped."""


DRIFT_EVERY = timedelta(days=7)
"""How long models are left alone before they are held against those who come now."""


def refresh_all(services: Services, deadline: datetime) -> int:
    """For every connection until ``deadline``; returns for how many something new came into force.

    What goes wrong with one is told of at the end, so that it stops no other.
    """
    published, faults = 0, list[Exception]()
    for connection in in_turn((one.id for one in services.settings.connections()), services):
        if services.clock.now() >= deadline:
            break
        begin(connection, services)
        try:
            published += refresh(connection, services)
        except Conflict as error:
            logs.warning("not refreshed", connection=connection, reason=str(error))
        except Exception as fault:  # noqa: BLE001  the outermost boundary: one's fault stays its own
            logs.exception("not refreshed", connection=connection)
            _contain(connection, fault, services)
            faults.append(fault)
    if faults:
        raise faults[0]
    return published


def _contain(connection: str, fault: Exception, services: Services) -> None:
    """What may go well the next time goes on; any other run would end like this one."""
    is_over = not isinstance(fault, Retryable | ConfigurationError)
    note_fault(connection, fault, services, rests=is_over)
    if is_over:
        note(connection, None, services)
        forget(connection, services.settings)


def refresh(connection: str, services: Services) -> bool:
    """Whether something new came into force. Raises ``Conflict`` if others did that meanwhile, and
    ``RunStopped``.
    """
    live = services.settings.live(connection)
    run = under_way(live, services)
    if run is None:
        _begin(live, services)
        return False
    pages = {shard: _mark(live, run, shard, services) for shard in range(SHARDS)}
    if all(mark.is_done for mark in pages.values()):
        return _counted(live, run, services)
    _go_on(live, run, pages, services)
    return False


def _go_on(live: LiveSettings, run: Run, marks: Mapping[int, Mark], services: Services) -> None:
    """Tell again of what stands still, unless a page cannot be learned of or all has stood long."""
    if faults := [mark.fault for mark in marks.values() if mark.fault]:
        raise RunStopped(faults[0])
    now, seen = services.clock.now(), {n: mark.pages for n, mark in marks.items()}
    since = run.stands_since(seen, now)
    still = [n for n, mark in marks.items() if not mark.is_done and mark.pages == run.seen[n]]
    if now - since >= STANDS:
        raise RunStopped(f"shares {still} have come no further since {iso(since)}")
    note(live.connection.id, replace(run, seen=seen, moved=since), services)
    _tell(live, run, {n: seen[n] for n in still}, services)


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
    if Turn.of(connection, services).is_resting(now):
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


def _counted(live: LiveSettings, run: Run, services: Services) -> bool:
    """A reduce that is killed cannot tell; only one that can be tried again is not counted."""
    if run.reduces >= REDUCES:
        raise RunStopped(f"putting the pages together {REDUCES} times did not come to its end")
    note(live.connection.id, replace(run, reduces=run.reduces + 1), services)
    try:
        return _reduce(live, run, services)
    except (Retryable, ConfigurationError):
        note(live.connection.id, run, services)
        raise


def _reduce(live: LiveSettings, run: Run, services: Services) -> bool:
    connection = live.connection.id
    shares = kept(connection, run.name, services.settings)
    if shares is None:  # another run has kept its own in their place
        note(connection, None, services)
        return False
    is_new = _adopt(live, run, shares, services)
    note(connection, None, services)
    forget(connection, services.settings)
    went_well(connection, services)
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
