"""From the intake queue to saved cards: fetch, merge, score, save, ring."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from math import ceil
from typing import cast

from chalicelib import logs
from chalicelib.core.connector import CrmClient, Reading
from chalicelib.core.errors import (
    CredentialsInvalid,
    CrmStumbled,
    CrmUnavailable,
    EmtiazError,
    OutOfService,
    Parked,
    RequestRefused,
    Retryable,
)
from chalicelib.core.model import KINDS, SUBJECT_KINDS, Ref
from chalicelib.core.ports import LiveSettings
from chalicelib.pipeline.companies import with_companies
from chalicelib.pipeline.delivery import delivery
from chalicelib.pipeline.doorbells import Work, gather
from chalicelib.pipeline.erase import erase
from chalicelib.pipeline.messages import (
    LONGEST_WAIT,
    REFS_PER_MESSAGE,
    Envelope,
    Failure,
    Reason,
    Told,
    refs_messages,
    told_messages,
)
from chalicelib.pipeline.park import park
from chalicelib.pipeline.pause import Guard
from chalicelib.pipeline.scorer import Scorer, compiled, scorer
from chalicelib.pipeline.services import Services

HOPELESS_AFTER = 6
"""A message that still fails, in a way that nobody foresaw, is parked after this many tries."""

SUSPECT_AFTER_STUMBLES = 2
"""A message over which a CRM stumbled so often shares its reads with no other."""

GIVEN_UP_AFTER_STUMBLES = 11
"""Over one record alone; with the waits between them that takes most of an hour."""

PROBED_AGAIN_AFTER = 2
"""Seconds until a message that found a CRM down looks again, or at its pause."""

MOST_OWNERS = 1_000
"""Subjects that related records lead to within one run; a batch may name so many companies."""

LONGEST_LAG = timedelta(hours=1)
"""How long an API may show less than its own doorbell has told."""

Owners = Mapping[Ref, Sequence[Envelope]]
Step = Callable[[], Ref | None]
"""Deals with one subject; returns whom the CRM has to hear of."""


@dataclass(frozen=True, slots=True)
class Visit:
    """What was found for the rings of one work, and which messages each subject came from."""

    reading: Reading
    owners: Owners
    told: Mapping[Ref, Told]


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
    is_suspect = _count(envelope, "stumbled") >= SUSPECT_AFTER_STUMBLES
    return envelope.receives > 1 or is_suspect or bool(envelope.body.get("alone"))


def _count(envelope: Envelope, what: str) -> int:
    return cast(int, envelope.body.get(what, 0))


def _acknowledge(lot: Sequence[Envelope], failed: Sequence[Failure], services: Services) -> None:
    """At once, so that a lot that kills the worker does not count against those before it."""
    back = {failure.envelope.id for failure in failed}
    try:
        services.intake.acknowledge([one.receipt for one in lot if one.id not in back])
    except Retryable as error:  # the queue is told again when all is done
        logs.warning("not acknowledged", reason=str(error))


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
        return _answer(work, services, now)
    except (CrmStumbled, RequestRefused) as error:
        return _befallen(work, error, services, now)
    except Retryable as error:
        return _postpone(work.envelopes, error, services)
    except CredentialsInvalid as error:
        if services.is_rotated(work.connection):
            return _postpone(work.envelopes, Retryable(str(error)), services)
        return _park(work, error, services, now)
    except Parked as error:
        return _park(work, error, services, now)


def _befallen(
    work: Work, error: CrmStumbled | RequestRefused, services: Services, now: datetime
) -> list[Failure]:
    """One record may be why, and is parked alone then; a CRM that is down for all is waited for."""
    times = 1 + max(_count(envelope, "stumbled") for envelope in work.envelopes)
    if isinstance(error, CrmStumbled) and times <= SUSPECT_AFTER_STUMBLES:
        return _postpone(work.envelopes, error, services)
    if _can_be_parted(work):
        return _part(work, services)
    if isinstance(error, CrmStumbled) and times <= GIVEN_UP_AFTER_STUMBLES:
        return _postpone(work.envelopes, error, services)
    return _park(work, error, services, now)


def _can_be_parted(work: Work) -> bool:
    return len(work.envelopes) > 1 or len(work.refs) > 1


def _part(work: Work, services: Services) -> list[Failure]:
    """Each message alone; one that was alone, as one message for each of its records."""
    bodies = [dict(envelope.body) for envelope in work.envelopes]
    if len(bodies) == 1:
        stumbled = {"stumbled": _count(work.envelopes[0], "stumbled")}
        singles = [told_messages(work.connection, [one], work.reason) for one in work.told.values()]
        bodies = [message | stumbled for (message,) in singles]
    services.intake.send([body | {"alone": True} for body in bodies])
    return []


def _park(work: Work, error: EmtiazError, services: Services, now: datetime) -> list[Failure]:
    """By reference: what a delivery says of people is kept no longer than it takes to read it.

    Somebody of them may have been erased already, and nobody would look here again.
    """
    for envelope in work.envelopes:
        told = [ring.told for ring in work.rings if ring.envelope.id == envelope.id]
        for message in told_messages(work.connection, told, work.reason):
            park(message, str(error), services, now)
    return []


def _postpone(envelopes: Iterable[Envelope], error: Retryable, services: Services) -> list[Failure]:
    """Queue them anew with a delay.

    Were they to come back by themselves, their receive counts would grow, and it is those
    that tell a message that kills its worker from one that waits for a CRM to return.
    """
    failures = []
    for envelope in envelopes:
        name = "stumbled" if isinstance(error, CrmStumbled) else "postponed"
        times = _count(envelope, name) + 1
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


def _answer(work: Work, services: Services, now: datetime) -> list[Failure]:
    if work.reason is Reason.ERASE:
        return _erase_all(work, services, now)
    live = services.settings.live(work.connection)
    score = scorer(live, services.store, now, work.reason)
    if work.reason is Reason.DELIVER:
        return _deliver_all(work, score, services)
    visit = _visit(work, live, services, now)
    unwritten, failures = _take(_steps(visit, score), visit.owners, work.reason, services)
    _ring(work.connection, unwritten, score, services)
    _ring_again(_behind(visit, now), work.connection, services, now)
    return failures


def _deliver_all(work: Work, score: Scorer, services: Services) -> list[Failure]:
    """Bring what is owed to whom it is owed to, each of them once, whoever owes it."""
    rounds = delivery(work.refs, score)
    rung = _rung(work)
    owners = {
        creditor: [envelope for debtor in debtors for envelope in rung[debtor]]
        for creditor, debtors in rounds.debtors.items()
    }
    unwritten, failures = _take(rounds.steps(), owners, work.reason, services)
    rounds.settle()
    _ring(work.connection, unwritten, score, services)
    return failures


def _ring(connection: str, unwritten: Sequence[Ref], score: Scorer, services: Services) -> None:
    """For the creditors first: who has been written to the CRM is no more looked at soon."""
    if score.debtors:
        services.intake.send(refs_messages(connection, score.debtors, Reason.DELIVER))
    services.write_back.send(refs_messages(connection, unwritten))


def _erase_all(work: Work, services: Services, now: datetime) -> list[Failure]:
    owners = _rung(work)
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
        except Retryable as error:
            failures += _postpone(owners[subject], error, services)
        except Parked as error:  # such as a fact that is larger than the store can hold
            message = refs_messages(subject.connection, [subject], reason)[0]
            park(message, f"{subject}: {error}", services, services.clock.now())
        else:
            unwritten |= {heard: None} if heard else {}
    return list(unwritten), failures


def _steps(visit: Visit, score: Scorer) -> Iterator[tuple[Ref, Step]]:
    """Moves first: the survivor is then scored with all that came to it."""
    for loser, survivor in _moves(visit, score.now).items():
        yield loser, partial(score.merge, loser, survivor)
    for subject, known in visit.reading.facts.items():
        yield subject, partial(score.score, subject, known)
    for subject in _gone(visit, score.now):
        yield subject, partial(score.hide, subject)


def _moves(visit: Visit, now: datetime) -> Mapping[Ref, Ref]:
    """Merges of subjects that the CRM shows, or that it told of and no longer contradicts.

    The survivor may have left by now, deleted or erased: what moves to it goes the same way.
    """
    facts, gone = visit.reading.facts, visit.reading.gone
    told = {
        ref: one.into
        for ref, one in visit.told.items()
        if one.into and ref in visit.owners and ref not in facts
        if one.into in facts or one.into in gone or not _lags(one, now)
    }
    return {**told, **visit.reading.moved}


def _gone(visit: Visit, now: datetime) -> list[Ref]:
    """What is in the CRM's bin, and what it does not know and has no reason to."""
    awaited = {told.ref for told in _awaited(visit, now)}
    return sorted(visit.reading.gone | (_absent(visit, now) - awaited))


def _absent(visit: Visit, now: datetime) -> set[Ref]:
    """Subjects that were asked for and not answered in any way."""
    asked = {ref for ref in visit.owners if ref.kind in SUBJECT_KINDS}
    return asked - visit.reading.facts.keys() - visit.reading.gone - _moves(visit, now).keys()


def _awaited(visit: Visit, now: datetime) -> list[Told]:
    """Absent ones that should be there: their CRM has told of them, and lags behind itself."""
    told = [visit.told[ref] for ref in sorted(_absent(visit, now)) if ref in visit.told]
    return [
        one for one in told if not one.is_deleted and (one.seen_at or one.into) and _lags(one, now)
    ]


def _visit(work: Work, live: LiveSettings, services: Services, now: datetime) -> Visit:
    """Ask the CRM, unless stored facts will do."""
    rung = _rung(work)
    if not work.reason.reads_crm:
        return Visit(Reading(dict.fromkeys(rung, ())), rung, {})
    policy = compiled(live.policy)
    client = services.client(live, policy.attributes)
    with Guard(live, services.settings, services.clock):
        owners = _owners(work, rung, client, services)
        reading = client.fetch(list(owners), now, history=work.reason.reads_history)
    for loser, survivor in reading.moved.items():
        owners.setdefault(survivor, owners[loser])
    visit = Visit(reading, owners, work.told)
    return _and_companies(visit, work, rung) if policy.owing.roll_up else visit


def _and_companies(visit: Visit, work: Work, rung: Owners) -> Visit:
    """With the companies of those who were read, and with companies that rang themselves.

    One that nobody works for any more, or that is gone, is missing from then on.
    """
    reading = with_companies(visit.reading)
    read_along = dict.fromkeys(reading.facts, work.envelopes)
    rang = {ref: envelopes for ref, envelopes in rung.items() if ref.kind == "account"}
    return replace(visit, reading=reading, owners={**read_along, **visit.owners, **rang})


def _rung(work: Work) -> dict[Ref, list[Envelope]]:
    rung: dict[Ref, list[Envelope]] = defaultdict(list)
    for ring in work.rings:
        rung[ring.ref].append(ring.envelope)
        if ring.told.into:
            rung[ring.told.into].append(ring.envelope)
    return dict(rung)


def _owners(
    work: Work, rung: Mapping[Ref, list[Envelope]], client: CrmClient, services: Services
) -> dict[Ref, list[Envelope]]:
    """Whose score the rings can move, with the messages that each came from."""
    owners: dict[Ref, list[Envelope]] = defaultdict(list)
    for ref, linked in client.subjects(list(rung)).items():
        # A deal or a company that was deleted leads to nobody in the CRM any more.
        subjects = linked or services.store.holders(ref)
        is_large = len(subjects) > REFS_PER_MESSAGE  # a company of thousands
        is_late = subjects != (ref,) and len(owners) + len(subjects) > MOST_OWNERS
        if is_large or is_late:  # it is work for many runs
            services.intake.send(refs_messages(work.connection, subjects, work.reason))
            continue
        for subject in subjects:
            owners[subject] += rung[ref]
    return owners


def _behind(visit: Visit, now: datetime) -> list[Told]:
    """Records that the API showed as they were before what rang, or not at all yet."""
    shown = _shown(visit.reading)
    old = [one for ref, one in visit.told.items() if ref in shown and _is_before(shown[ref], one)]
    binned = [one for ref, one in visit.told.items() if ref in visit.reading.gone and _is_back(one)]
    return [*(one for one in (*old, *binned) if _lags(one, now)), *_awaited(visit, now)]


def _is_back(told: Told) -> bool:
    """Whether it was there when it was last told of, so that it may have been restored."""
    return told.seen_at is not None and not told.is_deleted


def _shown(reading: Reading) -> dict[Ref, datetime]:
    """When each record that was read says that it changed last."""
    return {
        Ref(fact.subject.connection, fact.type, fact.id): fact.modified_at
        for known in reading.facts.values()
        for fact in known
        if fact.type in KINDS and fact.modified_at
    }


def _is_before(shown: datetime, told: Told) -> bool:
    deleted = told.deleted_at if told.is_deleted else None
    return any(at is not None and shown < at for at in (told.changed_at, deleted))


def _lags(told: Told, now: datetime) -> bool:
    """Whether an API may still show less than what was told so lately."""
    return now - _told_at(told) < LONGEST_LAG


def _told_at(told: Told) -> datetime:
    times = (told.changed_at, told.seen_at, told.deleted_at)
    return max(at for at in times if at is not None)


def _ring_again(behind: Sequence[Told], connection: str, services: Services, now: datetime) -> None:
    """Look again after as long as it has lagged already, until it has caught up."""
    if behind:
        lag = (now - min(map(_told_at, behind))).total_seconds()
        delay = min(LONGEST_WAIT, max(2, ceil(lag)))
        logs.warning("the API lags", connection=connection, records=len(behind), seconds=delay)
        messages = told_messages(connection, behind, Reason.READ)
        services.intake.send(messages, delay_seconds=delay)
