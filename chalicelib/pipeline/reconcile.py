"""What no webhook tells is found by looking: activities, lost deliveries, lost subscriptions.

Two looks, both through the intake queue, where the reading spreads and is paced. *Changed* asks the
CRM for records that changed or were active since the last run. *Audit* takes one share of all
cards every half day and has it read again, whatever the CRM says of it: that finds what leaves no
trace in a modification date, such as a deletion or a dissociated deal whose event was lost.

Before that, where a CRM rings only for some days, it is asked to go on; and fields that were
lacking are looked for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import cast

from chalicelib import logs
from chalicelib.core.connector import Change, Connection, Page, Subscribes
from chalicelib.core.errors import ConfigurationError, CredentialsInvalid, Parked, Retryable
from chalicelib.core.facts import iso, parse_instant
from chalicelib.core.model import Json, Ref
from chalicelib.core.ports import SHARDS
from chalicelib.pipeline.lacking import rewrite
from chalicelib.pipeline.messages import Reason, refs_messages
from chalicelib.pipeline.missed import MISSED, missed_since, settle
from chalicelib.pipeline.park import park
from chalicelib.pipeline.pause import Guard
from chalicelib.pipeline.scorer import compiled
from chalicelib.pipeline.services import Services

CHANGED = "reconcile"
AUDIT = "audit"
SILENT = "unsubscribed"
"""Names of the checkpoints; the last is there while a CRM is not to ring."""

FIRST_LOOK = timedelta(days=1)
"""How far the first run looks back; backfill has read what is older."""

OVERLAP = timedelta(minutes=5)
"""Looked at twice, since a CRM's search lags behind its records by some seconds or more."""

AUDIT_EVERY = timedelta(hours=12)
"""Between two shares of the audit, so that everybody is read again within eight days."""


def reconcile(services: Services, now: datetime, deadline: datetime) -> int:
    """Queue what has to be read again, for every connection; returns how many records.

    A run that meets its deadline is taken up by the next where it stopped. A connection that is
    half made is told of at the end, so that it stops no other.
    """
    queued, faults = 0, []
    for connection in services.settings.connections():
        steps: tuple[Callable[[], int], ...] = (
            partial(_subscribed, connection, services, now),
            partial(rewrite, connection, services),
            partial(_audit, connection, services, now),
            partial(_changed, connection, services, now, deadline),
        )
        for step in steps:
            try:
                queued += step()
            except (Retryable, Parked) as error:
                logs.warning("not reconciled", connection=connection.id, reason=str(error))
            except ConfigurationError as fault:
                faults.append(fault)
    logs.info("reconciled", records=queued)
    if faults:
        raise faults[0]
    return queued


def _subscribed(connection: Connection, services: Services, now: datetime) -> int:
    """Have the CRM go on ringing. A person is told of what cannot be mended; looking goes on."""
    live = services.settings.live(connection.id)
    client = services.client(live, compiled(live.policy).attributes)
    is_silent = services.settings.checkpoint(connection.id, SILENT) is not None
    if isinstance(client, Subscribes) and not is_silent:
        with Guard(live, services.settings, services.clock):
            changes = client.subscribe()
        for change in changes:
            logs.info("subscription", connection=connection.id, **asdict(change))
        if lost := [one for one in changes if one.action == "conflict"]:
            _park_lost(connection, lost, services, now)
    return 0


def _park_lost(
    connection: Connection, lost: Sequence[Change], services: Services, now: datetime
) -> None:
    """One item, however often it is found so; what does not ring is found by looking meanwhile."""
    message: dict[str, Json] = {
        "connection": connection.id,
        "refs": [],
        "reason": Reason.RECONCILE.value,
    }
    told = "; ".join(f"{change.target}: {change.detail}" for change in lost)
    park(message, f"the CRM does not ring for {told}", services, now)


@dataclass(frozen=True, slots=True)
class _Walk:
    """Where a look stands: it asks for what changed ``since``, and ``began`` at some time."""

    since: datetime
    began: datetime
    cursor: str | None

    @classmethod
    def resumed(cls, state: Mapping[str, Json] | None, now: datetime) -> _Walk:
        if state is None:
            return cls(now - FIRST_LOOK, now, None)
        since, cursor = parse_instant(str(state["since"])), cast("str | None", state["cursor"])
        return cls(since, parse_instant(str(state["began"])) if cursor else now, cursor)

    def reaching_back_to(self, since: datetime | None) -> _Walk:
        return replace(self, since=min(self.since, since)) if since else self

    def at(self, cursor: str | None) -> _Walk:
        """After a page; after the last one the next look is from shortly before this one."""
        since = self.since if cursor else self.began - OVERLAP
        return _Walk(since, self.began, cursor)

    def to_json(self) -> dict[str, Json]:
        return {"since": iso(self.since), "began": iso(self.began), "cursor": self.cursor}


def _changed(connection: Connection, services: Services, now: datetime, deadline: datetime) -> int:
    live = services.settings.live(connection.id)
    client = services.client(live, compiled(live.policy).attributes)
    walk = _Walk.resumed(services.settings.checkpoint(connection.id, CHANGED), now)
    missed = services.settings.checkpoint(connection.id, MISSED) if walk.cursor is None else None
    walk = walk.reaching_back_to(missed_since(missed))
    queued = 0
    guard = Guard(live, services.settings, services.clock)
    while services.clock.now() < deadline:
        try:
            with guard:
                page = client.changed_since(walk.since, walk.cursor)
        except Parked as error:
            _leave_refused(connection, walk, error, services)
            raise
        walk = _reached(connection, walk, page, services)
        if missed:  # from here on the walk itself remembers since when it looks
            settle(connection.id, missed, services)
            missed = None
        queued += len(page.refs)
        if walk.cursor is None:
            break
    return queued


def _leave_refused(connection: Connection, walk: _Walk, error: Parked, services: Services) -> None:
    """A CRM that refuses to go on from a place will go on refusing: the next look begins anew.

    Not so where it refuses to speak with us at all, which somebody will mend.
    """
    if walk.cursor and not isinstance(error, CredentialsInvalid):
        services.settings.set_checkpoint(connection.id, CHANGED, walk.at(None).to_json())


def _reached(connection: Connection, walk: _Walk, page: Page, services: Services) -> _Walk:
    """Queue what a page holds, and only then remember that it was seen."""
    services.intake.send(refs_messages(connection.id, page.refs, Reason.RECONCILE))
    reached = walk.at(page.next)
    services.settings.set_checkpoint(connection.id, CHANGED, reached.to_json())
    return reached


def _audit(connection: Connection, services: Services, now: datetime) -> int:
    state = services.settings.checkpoint(connection.id, AUDIT)
    if state and now - parse_instant(str(state["at"])) < AUDIT_EVERY:
        return 0
    shard = (cast(int, state["shard"]) + 1) % SHARDS if state else 0
    refs = [
        Ref.parse(str(row["ref"])) for row in services.store.population(connection.id, shard=shard)
    ]
    services.intake.send(refs_messages(connection.id, refs, Reason.RECONCILE))
    services.settings.set_checkpoint(connection.id, AUDIT, {"at": iso(now), "shard": shard})
    return len(refs)
