"""From the intake queue to saved cards: fetch, merge, score, save, ring."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from math import ceil
from typing import cast

from chalicelib import logs
from chalicelib.core.errors import CredentialsInvalid, Parked, Retryable
from chalicelib.core.facts import Fact
from chalicelib.core.model import Ref
from chalicelib.core.ports import LiveSettings
from chalicelib.pipeline.doorbells import Ring, Work, gather
from chalicelib.pipeline.messages import (
    LONGEST_WAIT,
    REFS_PER_MESSAGE,
    Envelope,
    Failure,
    Reason,
    changes_messages,
    refs_messages,
)
from chalicelib.pipeline.park import park
from chalicelib.pipeline.scorer import compiled, scorer
from chalicelib.pipeline.services import Services

HOPELESS_AFTER = 6
"""A message that still fails, in a way that nobody foresaw, is parked after this many tries."""

LONGEST_LAG = timedelta(hours=1)
"""How long an API may show less than its own doorbell has told."""

Facts = Mapping[Ref, tuple[Fact, ...]]
Owners = Mapping[Ref, list[Envelope]]


def process(
    envelopes: Sequence[Envelope], services: Services, now: datetime
) -> tuple[Failure, ...]:
    """Handle a batch of the intake queue; returns the messages to bring back.

    Messages that come for the first time share their reads. One that comes back is handled
    alone, so that whatever it does wrong harms no other.
    """
    failures: list[Failure] = []
    for lot in _lots(envelopes):
        failures += _contain(lot, services, now)
    return tuple(failures)


def _lots(envelopes: Sequence[Envelope]) -> list[list[Envelope]]:
    first_time = [envelope for envelope in envelopes if envelope.receives <= 1]
    again = [[envelope] for envelope in envelopes if envelope.receives > 1]
    return [first_time, *again] if first_time else again


def _contain(lot: Sequence[Envelope], services: Services, now: datetime) -> list[Failure]:
    try:
        works = gather(lot, services, now)
        return [failure for work in works for failure in _attempt(work, services, now)]
    except Exception as error:  # noqa: BLE001 - the outermost boundary: one lot's fault stays its own
        logs.exception("failed", messages=[envelope.id for envelope in lot])
        return [one for one in map(Failure, lot) if not _parked_as_hopeless(one, error, services)]


def _parked_as_hopeless(failure: Failure, error: Exception, services: Services) -> bool:
    if failure.envelope.receives <= HOPELESS_AFTER:
        return False
    try:
        reason = f"{type(error).__name__}: {error}"
        park(failure.envelope.body, reason, services, services.clock.now())
    except Exception:  # noqa: BLE001 - what cannot even be parked goes to the dead letters
        logs.exception("not parked", message=failure.envelope.id)
        return False
    return True


def _attempt(work: Work, services: Services, now: datetime) -> list[Failure]:
    try:
        return _score_all(work, services, now)
    except Retryable as error:
        return _postpone(work.envelopes, error, services)
    except CredentialsInvalid as error:
        if services.is_rotated(work.connection):
            return _postpone(work.envelopes, Retryable(str(error)), services)
        return _park(work.envelopes, error, services, now)
    except Parked as error:
        return _park(work.envelopes, error, services, now)


def _park(
    envelopes: Iterable[Envelope], error: Parked, services: Services, now: datetime
) -> list[Failure]:
    for envelope in envelopes:
        park(envelope.body, str(error), services, now)
    return []


def _postpone(envelopes: Iterable[Envelope], error: Retryable, services: Services) -> list[Failure]:
    """Queue them anew with a delay, twice as long each time.

    Were they to come back by themselves, their receive counts would grow, and it is those
    that tell a message that kills its worker from one that waits for a CRM to return.
    """
    failures = []
    for envelope in envelopes:
        times = cast(int, envelope.body.get("postponed", 0)) + 1
        delay = min(LONGEST_WAIT, max(ceil(error.retry_after or 0), 1 << min(times, 10)))
        logs.warning("postponed", message=envelope.id, seconds=delay, reason=str(error))
        try:
            services.intake.send([{**envelope.body, "postponed": times}], delay_seconds=delay)
        except Retryable:
            failures.append(Failure(envelope, error.retry_after))
    return failures


def _score_all(work: Work, services: Services, now: datetime) -> list[Failure]:
    live = services.settings.live(work.connection)
    owners, facts = _fetch(work, live, services, now)
    score = scorer(live, services.store, now, work.reason).score
    unwritten: list[Ref] = []
    failures: list[Failure] = []
    for subject, known in facts.items():
        try:
            if score(subject, known):
                unwritten.append(subject)
        except Retryable as error:
            failures += _postpone(owners[subject], error, services)
    services.write_back.send(refs_messages(work.connection, unwritten))
    _ring_again(_behind(work.rings, facts), work.connection, services, now)
    return failures


def _fetch(
    work: Work, live: LiveSettings, services: Services, now: datetime
) -> tuple[Owners, Facts]:
    """Which messages each subject came from, and what the CRM now says of it.

    Nothing is asked of the CRM where stored facts will do.
    """
    rung: dict[Ref, list[Envelope]] = defaultdict(list)
    for ring in work.rings:
        rung[ring.ref].append(ring.envelope)
    if not work.reason.reads_crm:
        return rung, dict.fromkeys(rung, ())
    client = services.client(live, compiled(live.policy).attributes)
    owners: dict[Ref, list[Envelope]] = defaultdict(list)
    for ref, subjects in client.subjects(work.refs).items():
        if len(subjects) > REFS_PER_MESSAGE:  # a company of thousands is work for many runs
            services.intake.send(refs_messages(work.connection, subjects, Reason.READ))
            continue
        for subject in subjects:
            owners[subject] += rung[ref]
    return owners, client.fetch(list(owners), now)


def _behind(rings: Iterable[Ring], facts: Facts) -> dict[Ref, datetime]:
    """Records that the API showed as they were before the change that rang."""
    shown = {
        Ref(fact.subject.connection, fact.type, fact.id): fact.modified_at
        for known in facts.values()
        for fact in known
        if fact.type in ("contact", "lead", "account", "deal") and fact.modified_at
    }
    return {
        ring.ref: ring.changed_at
        for ring in rings
        if ring.changed_at and ring.ref in shown and shown[ring.ref] < ring.changed_at
    }


def _ring_again(
    behind: Mapping[Ref, datetime], connection: str, services: Services, now: datetime
) -> None:
    """Look again after as long as it has lagged already, until it has caught up."""
    waiting = {ref: at for ref, at in behind.items() if now - at < LONGEST_LAG}
    if waiting:
        lag = (now - min(waiting.values())).total_seconds()
        delay = min(LONGEST_WAIT, max(2, ceil(lag)))
        logs.warning("the API lags", connection=connection, records=len(waiting), seconds=delay)
        services.intake.send(changes_messages(connection, waiting), delay_seconds=delay)
