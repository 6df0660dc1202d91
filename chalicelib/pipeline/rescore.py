"""After a publication everybody is scored anew, from stored facts.

A publication begins this by being there: what is to be done is the difference between what is in
force and what cards say they were made by. A checkpoint tells how far a *walk* over the shares of
the cards has come, for which versions. So it stops and resumes at any point, and several may drive
it at once: a card that was scored by what is in force is told no second time, and one that is told
twice is left alone by whoever finds it up to date.

The first walk meets everybody. Later ones look for whom it missed, such as a subject that a worker
saved for the first time while it did not know of the publication yet. They begin when no such
worker can be alive, and the last finds nobody.

The pace is that of the CRM: no more is told than what may wait in both queues, and writing empties
the second one as fast as the CRM's limits allow. While a connection is paused, nothing is told.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from chalicelib import logs
from chalicelib.core.editions import COLLECTED, HIDDEN, made_by
from chalicelib.core.errors import ConfigurationError
from chalicelib.core.facts import iso, parse_instant
from chalicelib.core.model import Json, Ref
from chalicelib.core.ports import SHARDS, LiveSettings
from chalicelib.pipeline.messages import REFS_PER_MESSAGE, Reason, refs_messages
from chalicelib.pipeline.progress import Progress, Wait, drain
from chalicelib.pipeline.services import Services
from chalicelib.policy.version import version_of

CHECKPOINT = "rescore"

MOST_WAITING = 5_000
"""Cards that may wait in both queues together; what the CRM tells meanwhile waits behind them."""

REST = timedelta(minutes=5)
"""Between two walks: longer than any worker lives, and than the index lags."""

MOST_WALKS = 5
"""Who is still made by something else after so many is parked, or cannot be scored."""


@dataclass(frozen=True, slots=True)
class Walk:
    """Where walk ``number`` stands: all up to ``after`` in ``shard`` were told, ``told`` in all.

    It is of publication ``revision``, since what was in force before may come back. A ``whole``
    one takes along who was collected by a backfill and not published yet.
    """

    target: str
    revision: int
    whole: bool = False
    number: int = 1
    shard: int = 0
    after: str = ""
    told: int = 0
    rests_until: datetime | None = None
    ended: bool = False

    @classmethod
    def begun(cls, live: LiveSettings, *, whole: bool = False) -> Walk:
        return cls(in_force(live), live.revision, whole)

    @classmethod
    def resumed(cls, state: Mapping[str, Any] | None, live: LiveSettings) -> Walk:
        """A walk of another publication than the last is over, wherever it stands.

        Whom it was to take along, the next one does.
        """
        if state is None:
            return cls.begun(live)
        if (state["target"], state.get("revision")) != (in_force(live), live.revision):
            return cls.begun(live, whole=state["whole"] and not state["ended"])
        rests = state["rests_until"]
        return cls(**{**state, "rests_until": rests and parse_instant(rests)})

    def to_json(self) -> dict[str, Json]:
        return asdict(self) | {"rests_until": self.rests_until and iso(self.rests_until)}

    @property
    def has_met_all(self) -> bool:
        return self.number > 1 or self.ended

    def past(self, refs: list[str], *, shard_is_done: bool) -> Walk:
        told = replace(self, told=self.told + len(refs))
        if shard_is_done:
            return replace(told, shard=self.shard + 1, after="")
        return replace(told, after=refs[-1])

    def over(self, now: datetime) -> Walk:
        """The walk after this one, unless it was the last."""
        if self.number > 1 and (self.told == 0 or self.number >= MOST_WALKS):
            return replace(self, ended=True)
        following = Walk(self.target, self.revision, self.whole, self.number + 1)
        return replace(following, rests_until=now + REST)


def rescore(services: Services) -> int:
    """Tell of more cards for every connection; returns how many were told.

    A connection that is half made is told of at the end, so that it stops no other.
    """
    told, faults = 0, []
    for connection in services.settings.connections():
        try:
            told += advance(connection.id, services)[1]
        except ConfigurationError as fault:
            faults.append(fault)
    if told:
        logs.info("rescoring", cards=told)
    if faults:
        raise faults[0]
    return told


def begin_whole(connection: str, services: Services) -> None:
    """Everybody who is not up to date is to be told, also after a walk that found nobody more."""
    walk = Walk.begun(services.settings.live(connection), whole=True)
    services.settings.set_checkpoint(connection, CHECKPOINT, walk.to_json())


def follow(connection: str, services: Services, wait: Wait) -> Iterator[Progress]:
    """Drive it until everybody was met and the CRM has heard of it; resumes what was begun."""
    total = _count(connection, services)
    walk, _ = advance(connection, services)
    while not walk.has_met_all:
        waiting = REFS_PER_MESSAGE * services.intake.backlog()
        yield Progress("score", min(total, max(0, walk.told - waiting)), total)
        wait()
        walk, _ = advance(connection, services)
    yield from drain("score", services.intake, total, wait)
    yield from drain("write", services.write_back, total, wait)


def advance(connection: str, services: Services) -> tuple[Walk, int]:
    """Tell of as many cards as there is room for; returns where it stands, and how many.

    Whoever finds that another has moved the walk, or begun it anew, leaves it to them.
    """
    live, now = services.settings.live(connection), services.clock.now()
    held = services.settings.checkpoint(connection, CHECKPOINT)
    walk = Walk.resumed(held, live)
    if walk.ended or _rests(walk, live, now):
        return walk, 0
    room, told = MOST_WAITING - REFS_PER_MESSAGE * _waiting(services), walk.told
    is_ours = True
    while is_ours and walk.told - told < room and walk.shard < SHARDS:
        walk = _tell(connection, walk, room - (walk.told - told), services)
        is_ours, held = _move(connection, held, walk, services), walk.to_json()
    count = walk.told - told
    if is_ours and walk.shard == SHARDS:
        walk = walk.over(now)
        _move(connection, held, walk, services)
    return walk, count


def is_done(connection: str, services: Services) -> bool:
    """Whether nobody is left who was made by something else than is in force."""
    live = services.settings.live(connection)
    state = services.settings.checkpoint(connection, CHECKPOINT)
    return Walk.resumed(state, live).ended


def in_force(live: LiveSettings) -> str:
    """What a card has to be made by to be up to date."""
    return made_by(version_of(live.policy), live.models.version)


def is_stale(row: Mapping[str, Json], target: str, *, whole: bool = False) -> bool:
    """Whether a card of the index has to be scored anew.

    Not so a hidden one, nor one whose backfill is not through with it: sweep sees to that one,
    should the backfill never come to it.
    """
    others = {target, HIDDEN} if whole else {target, HIDDEN, COLLECTED}
    return row.get("made") not in others


def _tell(connection: str, walk: Walk, room: int, services: Services) -> Walk:
    """Queue more of the walk's shard, and only then know that it was told."""
    rows = services.store.population(connection, shard=walk.shard)
    stale = (str(row["ref"]) for row in rows if is_stale(row, walk.target, whole=walk.whole))
    waiting = sorted(ref for ref in stale if ref > walk.after)
    refs = waiting[:room]
    messages = refs_messages(connection, map(Ref.parse, refs), Reason.RESCORE)
    services.intake.send(messages)
    return walk.past(refs, shard_is_done=len(refs) == len(waiting))


def _rests(walk: Walk, live: LiveSettings, now: datetime) -> bool:
    return any(until and until > now for until in (walk.rests_until, live.paused_until))


def _waiting(services: Services) -> int:
    """In messages."""
    return services.intake.backlog() + services.write_back.backlog()


def _move(connection: str, held: Mapping[str, Json] | None, walk: Walk, services: Services) -> bool:
    return services.settings.move_checkpoint(connection, CHECKPOINT, held, walk.to_json())


def _count(connection: str, services: Services) -> int:
    """Cards that are still to be scored, those included that wait in the queue already."""
    live = services.settings.live(connection)
    walk = Walk.resumed(services.settings.checkpoint(connection, CHECKPOINT), live)
    rows = services.store.population(connection)
    return sum(is_stale(row, walk.target, whole=walk.whole) for row in rows)
