"""One visit to the CRM for what rang: whom to read, what was found, and what it shows too late."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from math import ceil

from chalicelib import logs
from chalicelib.core.connector import CrmClient, Reading
from chalicelib.core.model import KINDS, SUBJECT_KINDS, Ref
from chalicelib.core.ports import LiveSettings, SubjectStore
from chalicelib.pipeline.companies import with_companies
from chalicelib.pipeline.doorbells import Work
from chalicelib.pipeline.heirs import with_heirs
from chalicelib.pipeline.messages import (
    LONGEST_WAIT,
    REFS_PER_MESSAGE,
    Envelope,
    Reason,
    Told,
    refs_messages,
    told_messages,
)
from chalicelib.pipeline.pause import Guard
from chalicelib.pipeline.scorer import compiled
from chalicelib.pipeline.services import Services

Owners = Mapping[Ref, Sequence[Envelope]]

MOST_OWNERS = 1_000
"""Subjects that related records lead to within one run; a batch may name so many companies."""

LONGEST_LAG = timedelta(hours=1)
"""How long an API may show less than its own doorbell has told."""


@dataclass(frozen=True, slots=True)
class Visit:
    """What was found for the rings of one work, and which messages each subject came from."""

    reading: Reading
    owners: Owners
    told: Mapping[Ref, Told]


def visited(work: Work, live: LiveSettings, services: Services, now: datetime) -> Visit:
    """Ask the CRM, unless stored facts will do."""
    rung = rung_by(work)
    if not work.reason.reads_crm:
        return Visit(Reading(dict.fromkeys(rung, ())), rung, {})
    policy = compiled(live.policy)
    client = services.client(live, policy.attributes)
    read = partial(client.fetch, now=now, history=work.reason.reads_history)
    with Guard(live, services.settings, services.clock):
        is_told = services.load_connector(live.connection.crm).rings_both_ends
        led = _led_to(rung, client, services.store, whoever_had=not is_told)
        owners = _owners(work, rung, led, services)
        reading = read(list(owners))
        lost = _gone_for_good(Visit(reading, owners, work.told), now)
        reading = with_heirs(reading, lost, client, services.store, read)
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


def rung_by(work: Work) -> dict[Ref, list[Envelope]]:
    rung: dict[Ref, list[Envelope]] = defaultdict(list)
    for ring in work.rings:
        rung[ring.ref].append(ring.envelope)
        if ring.told.into:
            rung[ring.told.into].append(ring.envelope)
    return dict(rung)


def _led_to(
    rung: Iterable[Ref], client: CrmClient, store: SubjectStore, *, whoever_had: bool
) -> Iterator[tuple[Ref, tuple[Ref, ...]]]:
    """Whose score each record can move: that it leads to nobody now may be the news.

    ``whoever_had`` it is found also of one that leads to somebody, who may be another by now.
    """
    for ref, linked in client.subjects(list(rung)).items():
        is_asked = not linked or (whoever_had and linked != (ref,))
        held = store.holders(ref) if is_asked else ()
        yield ref, tuple(dict.fromkeys((*linked, *held)))


def _owners(
    work: Work,
    rung: Mapping[Ref, list[Envelope]],
    led: Iterable[tuple[Ref, tuple[Ref, ...]]],
    services: Services,
) -> dict[Ref, list[Envelope]]:
    """The subjects to read, with the messages that each came from."""
    owners: dict[Ref, list[Envelope]] = defaultdict(list)
    for ref, subjects in led:
        is_large = len(subjects) > REFS_PER_MESSAGE  # a company of thousands
        is_late = subjects != (ref,) and len(owners) + len(subjects) > MOST_OWNERS
        if is_large or is_late:  # it is work for many runs
            services.intake.send(refs_messages(work.connection, subjects, work.reason))
            continue
        for subject in subjects:
            owners[subject] += rung[ref]
    return owners


def moves(visit: Visit, now: datetime) -> Mapping[Ref, Ref]:
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


def gone(visit: Visit, now: datetime) -> list[Ref]:
    """What is in the CRM's bin, and what it does not know and has no reason to."""
    return sorted(visit.reading.gone | _gone_for_good(visit, now))


def _gone_for_good(visit: Visit, now: datetime) -> set[Ref]:
    """What is not even in the CRM's bin, and has no reason to be missing for a while alone."""
    return _absent(visit, now) - {told.ref for told in _awaited(visit, now)}


def _absent(visit: Visit, now: datetime) -> set[Ref]:
    """Subjects that were asked for and not answered in any way."""
    asked = {ref for ref in visit.owners if ref.kind in SUBJECT_KINDS}
    return asked - visit.reading.facts.keys() - visit.reading.gone - moves(visit, now).keys()


def _awaited(visit: Visit, now: datetime) -> list[Told]:
    """Absent ones that should be there: their CRM has told of them, and lags behind itself."""
    told = [visit.told[ref] for ref in sorted(_absent(visit, now)) if ref in visit.told]
    return [
        one for one in told if not one.is_deleted and (one.seen_at or one.into) and _lags(one, now)
    ]


def lagging(visit: Visit, now: datetime) -> list[Told]:
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


def ring_again(behind: Sequence[Told], connection: str, services: Services, now: datetime) -> None:
    """Look again after as long as it has lagged already, until it has caught up."""
    if behind:
        lag = (now - min(map(_told_at, behind))).total_seconds()
        delay = min(LONGEST_WAIT, max(2, ceil(lag)))
        logs.warning("the API lags", connection=connection, records=len(behind), seconds=delay)
        messages = told_messages(connection, behind, Reason.READ)
        services.intake.send(messages, delay_seconds=delay)
