"""From the intake queue to saved cards: fetch, merge, score, save, ring."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from functools import partial

from chalicelib import logs
from chalicelib.core.errors import (
    CredentialsInvalid,
    CrmStumbled,
    Parked,
    RequestRefused,
    Retryable,
    Superseded,
)
from chalicelib.core.model import Ref
from chalicelib.pipeline.bells import ring_bells
from chalicelib.pipeline.delivery import delivery
from chalicelib.pipeline.doorbells import Work, gather
from chalicelib.pipeline.erase import erase
from chalicelib.pipeline.messages import Envelope, Failure, Reason, is_lesson, refs_messages
from chalicelib.pipeline.park import park
from chalicelib.pipeline.programs import programs_in_force
from chalicelib.pipeline.ring import ring
from chalicelib.pipeline.scorer import Scorer, scorer
from chalicelib.pipeline.services import Services
from chalicelib.pipeline.setbacks import (
    SUSPECT_AFTER_STUMBLES,
    befallen,
    park_told,
    postpone,
    times_of,
)
from chalicelib.pipeline.stuck import taken
from chalicelib.pipeline.take_events import is_of_events, take_events
from chalicelib.pipeline.visit import (
    Owners,
    Visit,
    gone,
    lagging,
    moves,
    ring_again,
    rung_by,
    visited,
)

HOPELESS_AFTER = 6
"""A message that still fails, in a way that nobody foresaw, is parked after this many tries."""

Step = Callable[[], Ref | None]
"""Deals with one subject; returns whom the CRM has to hear of."""


def process(
    envelopes: Sequence[Envelope], services: Services, now: datetime
) -> tuple[Failure, ...]:
    """Handle a batch of the intake queue; returns the messages to bring back.

    Messages that come for the first time share their reads. One that comes back, or that is
    suspected of what befell it in company, is handled alone, so that it harms no other.
    """
    failures: list[Failure] = []
    lots = _lots(envelopes)
    for lot in lots:
        failed = _contain(lot, services, now)
        if len(lots) > 1:
            _acknowledge(lot, failed, services)
        failures += failed
    return tuple(failures)


def _lots(envelopes: Sequence[Envelope]) -> list[list[Envelope]]:
    together = [envelope for envelope in envelopes if not _is_alone(envelope)]
    alone = [[envelope] for envelope in envelopes if _is_alone(envelope)]
    return [together, *alone] if together else alone


def _is_alone(envelope: Envelope) -> bool:
    is_suspect = times_of(envelope, "stumbled") >= SUSPECT_AFTER_STUMBLES
    return envelope.receives > 1 or is_suspect or bool(envelope.body.get("alone"))


def _acknowledge(lot: Sequence[Envelope], failed: Sequence[Failure], services: Services) -> None:
    """At once, so that a lot that kills the worker does not count against those before it."""
    back = {failure.envelope.id for failure in failed}
    try:
        services.intake.acknowledge([one.receipt for one in lot if one.id not in back])
    except Retryable as error:  # the queue is told again when all is done
        logs.warning("not acknowledged", reason=str(error))


def _contain(lot: Sequence[Envelope], services: Services, now: datetime) -> list[Failure]:
    try:
        told = [envelope for envelope in lot if is_of_events(envelope.body)]
        failures = take_events(told, services, now)
        lessons = [envelope for envelope in lot if is_lesson(envelope.body)]
        failures += _learn(lessons, services) if lessons else []
        rung = [envelope for envelope in lot if envelope not in told and envelope not in lessons]
        works = gather(rung, services, now)
        return failures + [one for work in works for one in _attempt(work, services, now)]
    except Exception as error:  # noqa: BLE001 - the outermost boundary: one lot's fault stays its own
        logs.exception("failed", messages=[envelope.id for envelope in lot])
        return [one for one in map(Failure, lot) if not _parked_as_hopeless(one, error, services)]


def _learn(lessons: Sequence[Envelope], services: Services) -> list[Failure]:
    # What trains is not to be paid for by every cold start.
    from chalicelib.pipeline.learn import learn_pages

    return learn_pages(lessons, services)


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
        return _answer(work, services, now)
    except (CrmStumbled, RequestRefused) as error:
        return befallen(work, error, services, now)
    except Retryable as error:
        return postpone(work.envelopes, error, services)
    except CredentialsInvalid as error:
        if services.is_rotated(work.connection):
            return postpone(work.envelopes, Retryable(str(error)), services)
        return park_told(work, error, services, now)
    except Parked as error:
        return park_told(work, error, services, now)


def _answer(work: Work, services: Services, now: datetime) -> list[Failure]:
    if work.reason is Reason.ERASE:
        return _erase_all(work, services, now)
    live = services.settings.live(work.connection)
    programs = programs_in_force(live, services)
    bells = partial(ring_bells, services=services)
    score = scorer(live, services.store, now, work.reason, programs, ring=bells)
    if work.reason is Reason.DELIVER:
        return _deliver_all(work, score, services)
    visit = visited(work, live, services, now)
    unwritten, failures = _take(_steps(visit, score, services), visit.owners, work.reason, services)
    ring(work.connection, unwritten, score, services)
    ring_again(lagging(visit, now), work.connection, services, now)
    return failures


def _deliver_all(work: Work, score: Scorer, services: Services) -> list[Failure]:
    """Bring what is owed to whom it is owed to, each of them once, whoever owes it."""
    rounds = delivery(work.refs, score)
    rung = rung_by(work)
    owners = {
        creditor: [envelope for debtor in debtors for envelope in rung[debtor]]
        for creditor, debtors in rounds.debtors.items()
    }
    unwritten, failures = _take(rounds.steps(), owners, work.reason, services)
    rounds.settle()
    ring(work.connection, unwritten, score, services)
    return failures


def _erase_all(work: Work, services: Services, now: datetime) -> list[Failure]:
    owners = rung_by(work)
    steps = [(ref, partial(erase, ref, services, now)) for ref in owners]
    return _take(steps, owners, work.reason, services)[1]


def _take(
    steps: Iterable[tuple[Ref, Step]], owners: Owners, reason: Reason, services: Services
) -> tuple[list[Ref], list[Failure]]:
    """Step by step, so that one subject's bad luck delays no other."""
    unwritten: dict[Ref, None] = {}
    failures: list[Failure] = []
    for subject, step in steps:
        try:
            heard = step()
        except Superseded:
            raise  # it holds for all of the work, which begins anew with its reading
        except Retryable as error:
            failures += postpone(owners[subject], error, services)
        except Parked as error:  # such as a fact that is larger than the store can hold
            message = refs_messages(subject.connection, [subject], reason)[0]
            park(message, f"{subject}: {error}", services, services.clock.now())
        else:
            unwritten |= {heard: None} if heard else {}
    return list(unwritten), failures


def _steps(visit: Visit, score: Scorer, services: Services) -> Iterator[tuple[Ref, Step]]:
    """Moves first: the survivor is then scored with all that came to it."""
    for loser, survivor in moves(visit, score.now).items():
        yield loser, partial(_leave, loser, partial(score.merge, loser, survivor), services)
    for subject, known in visit.reading.facts.items():
        yield subject, partial(score.score, subject, known)
    for subject in gone(visit, score.now):
        yield subject, partial(_leave, subject, partial(score.hide, subject), services)


def _leave(subject: Ref, step: Step, services: Services) -> Ref | None:
    """Nobody has to be told of a record that is gone; first, as the step ends its setback."""
    taken(services.store.cards([subject]), services)
    return step()
