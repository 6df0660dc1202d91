"""From the queue of bells to reps, programs and customers: see ``ways`` for how.

Every bell is answered by itself. One that fails is tried for a day, at growing intervals up to a
quarter of an hour, and then parked with the reason, from where a person can have it tried again.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from chalicelib import logs
from chalicelib.core.errors import Parked, Retryable
from chalicelib.pipeline.bells import SAVED_WITHIN, Bell, bell_of, is_bell, unrung
from chalicelib.pipeline.messages import Envelope, Failure
from chalicelib.pipeline.park import park
from chalicelib.pipeline.services import Services
from chalicelib.pipeline.ways import Ways, deliver

HOPELESS_AFTER = 6
"""A bell that fails in a way that nobody foresaw is parked after this many tries."""


def announce(
    envelopes: Sequence[Envelope], services: Services, ways: Ways, deadline: datetime
) -> tuple[Failure, ...]:
    """Answer a batch of bells; returns those to bring back.

    None is begun after ``deadline``, which lies well inside the function's own limit.
    """
    found = (_answer(envelope, services, ways, deadline) for envelope in envelopes)
    return tuple(failure for failure in found if failure)


def _answer(
    envelope: Envelope, services: Services, ways: Ways, deadline: datetime
) -> Failure | None:
    if services.clock.now() >= deadline:
        return Failure(envelope, 0, grows=False)
    try:
        return _attempt(envelope, services, ways)
    except Parked as error:
        _park(envelope, str(error), services)
    except Exception as error:  # noqa: BLE001 - the outermost boundary: one bell's fault stays its own
        logs.exception("failed", message=envelope.id)
        if envelope.receives <= HOPELESS_AFTER:
            return Failure(envelope)
        _park(envelope, f"{type(error).__name__}: {error}", services)
    return None


def _attempt(envelope: Envelope, services: Services, ways: Ways) -> Failure | None:
    bell = bell_of(envelope.body)
    try:
        outgoing = ways.outbox.outgoing(bell.subject, bell.id)
        if outgoing is None:
            return _too_early(envelope, bell, services)
        if bell.way not in outgoing.done:
            deliver(bell, outgoing, services, ways)
            logs.info("announced", announcement=bell.id, way=bell.way)
    except Retryable as error:
        if services.clock.now() >= bell.tried_until:
            raise Parked(f"given up after a day: {error}") from error
        logs.warning("not announced", announcement=bell.id, way=bell.way, reason=str(error))
        return Failure(envelope, error.retry_after)
    return None


def _too_early(envelope: Envelope, bell: Bell, services: Services) -> Failure | None:
    """It may not be saved yet. Later it never was, or its subject was merged or erased."""
    if services.clock.now() - bell.rung_at < SAVED_WITHIN:
        return Failure(envelope)
    logs.info("a bell for nothing", announcement=bell.id)
    return None


def _park(envelope: Envelope, reason: str, services: Services) -> None:
    body = unrung(envelope.body) if is_bell(envelope.body) else envelope.body
    park(body, reason, services, services.clock.now())
