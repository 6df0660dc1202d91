"""What becomes of messages whose work failed: postponed, parted from their company, or parked."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from math import ceil
from typing import cast

from chalicelib import logs
from chalicelib.core.errors import (
    CrmStumbled,
    CrmUnavailable,
    EmtiazError,
    OutOfService,
    RequestRefused,
    Retryable,
)
from chalicelib.pipeline.doorbells import Work
from chalicelib.pipeline.messages import LONGEST_WAIT, Envelope, Failure, told_messages
from chalicelib.pipeline.park import park
from chalicelib.pipeline.services import Services

SUSPECT_AFTER_STUMBLES = 2
"""A message over which a CRM stumbled so often shares its reads with no other."""

GIVEN_UP_AFTER_STUMBLES = 11
"""Over one record alone; with the waits between them that takes most of an hour."""

PROBED_AGAIN_AFTER = 2
"""Seconds until a message that found a CRM down looks again, or at its pause."""


def times_of(envelope: Envelope, what: str) -> int:
    return cast(int, envelope.body.get(what, 0))


def befallen(
    work: Work, error: CrmStumbled | RequestRefused, services: Services, now: datetime
) -> list[Failure]:
    """One record may be why, and is parked alone then; a CRM that is down for all is waited for."""
    times = 1 + max(times_of(envelope, "stumbled") for envelope in work.envelopes)
    if isinstance(error, CrmStumbled) and times <= SUSPECT_AFTER_STUMBLES:
        return postpone(work.envelopes, error, services)
    if _can_be_parted(work):
        return _part(work, services)
    if isinstance(error, CrmStumbled) and times <= GIVEN_UP_AFTER_STUMBLES:
        return postpone(work.envelopes, error, services)
    return park_told(work, error, services, now)


def _can_be_parted(work: Work) -> bool:
    return len(work.envelopes) > 1 or len(work.refs) > 1


def _part(work: Work, services: Services) -> list[Failure]:
    """Each message alone; one that was alone, as one message for each of its records."""
    bodies = [dict(envelope.body) for envelope in work.envelopes]
    if len(bodies) == 1:
        stumbled = {"stumbled": times_of(work.envelopes[0], "stumbled")}
        singles = [told_messages(work.connection, [one], work.reason) for one in work.told.values()]
        bodies = [message | stumbled for (message,) in singles]
    services.intake.send([body | {"alone": True} for body in bodies])
    return []


def park_told(work: Work, error: EmtiazError, services: Services, now: datetime) -> list[Failure]:
    """By reference: what a delivery says of people is kept no longer than it takes to read it.

    Somebody of them may have been erased already, and nobody would look here again.
    """
    for envelope in work.envelopes:
        told = [ring.told for ring in work.rings if ring.envelope.id == envelope.id]
        for message in told_messages(work.connection, told, work.reason):
            park(message, str(error), services, now)
    return []


def postpone(envelopes: Iterable[Envelope], error: Retryable, services: Services) -> list[Failure]:
    """Queue them anew with a delay.

    Were they to come back by themselves, their receive counts would grow, and it is those
    that tell a message that kills its worker from one that waits for a CRM to return.
    """
    failures = []
    for envelope in envelopes:
        name = "stumbled" if isinstance(error, CrmStumbled) else "postponed"
        times = times_of(envelope, name) + 1
        delay = _delay(error, times)
        logs.warning("postponed", message=envelope.id, seconds=delay, reason=str(error))
        try:
            services.intake.send([{**envelope.body, name: times}], delay_seconds=delay)
        except Retryable:
            failures.append(Failure(envelope, error.retry_after))
    return failures


def _delay(error: Retryable, times: int) -> int:
    """Twice as long each time, but for a CRM that is out of service: its pause is the back-off,
    and its return must not be slept through.
    """
    asked = ceil(error.retry_after or 0)
    is_out = isinstance(error, OutOfService | CrmUnavailable) and not isinstance(error, CrmStumbled)
    return min(LONGEST_WAIT, max(asked, PROBED_AGAIN_AFTER if is_out else 1 << min(times, 10)))
