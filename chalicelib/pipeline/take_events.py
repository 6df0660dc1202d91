"""From events in the intake queue to saved cards: who is meant, and who waits for being known.

Nothing is fetched. An event of somebody who has a card moves in with it; any other waits under
the identity that it names. Whoever it belongs to at last takes it along with their first claim
of that identity, see ``core.identity``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import cast

from chalicelib import logs
from chalicelib.core.errors import (
    Conflict,
    DeliveryUnreadable,
    EmtiazError,
    Parked,
    Retryable,
    SubjectErased,
    SubjectUnknown,
    Superseded,
)
from chalicelib.core.facts import Fact
from chalicelib.core.model import Json, Ref
from chalicelib.core.ports import LiveSettings
from chalicelib.pipeline.bells import ring_bells
from chalicelib.pipeline.doorbells import SUSPECT_AFTER
from chalicelib.pipeline.messages import Envelope, Failure, Reason
from chalicelib.pipeline.park import park
from chalicelib.pipeline.programs import programs_in_force
from chalicelib.pipeline.ring import ring
from chalicelib.pipeline.scorer import ATTEMPTS, Scorer, compiled, scorer
from chalicelib.pipeline.services import Services
from chalicelib.pipeline.setbacks import postpone
from chalicelib.pipeline.told_ids import RecordId, told_data, told_ref
from chalicelib.scoring.identities import of_email, of_phone, of_ref, oldest

WAITS_FOR = timedelta(days=90)

Item = Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class Told:
    """An event as its message brought it: ``row`` is its fact without a subject.

    ``ref`` is whom it names by id; whoever else is meant has the ``identity``.
    """

    envelope: Envelope
    item: Item
    row: Item
    identity: str
    ref: Ref | None

    @classmethod
    def read(cls, envelope: Envelope, item: Json, region: str, record_id: RecordId) -> Told:
        """Raises ``DeliveryUnreadable``."""
        try:
            told = cast(Item, item)
            row, who = _row(told, record_id), cast(Item, told["who"])
            ref, identity = _named(who, envelope.connection, region, record_id)
            Fact.from_json({**row, "subject": f"{envelope.connection}:contact:0"})
        except (KeyError, ValueError, TypeError, AttributeError) as error:
            raise DeliveryUnreadable(f"an event is damaged: {error}") from error
        return cls(envelope, told, row, identity, ref)

    def fact(self, subject: Ref) -> Fact:
        return Fact.from_json({**self.row, "subject": str(subject)})

    def message(self) -> dict[str, Json]:
        """As it is parked, alone: nobody's address is kept that long."""
        who: Json = self.item["who"] if self.ref else {"identity": self.identity}
        return {**self.envelope.body, "events": [{**self.item, "who": who}]}


def is_of_events(message: Mapping[str, Json]) -> bool:
    return "events" in message


def told_in(message: Mapping[str, Json], region: str, record_id: RecordId) -> list[Told]:
    """Raises ``DeliveryUnreadable``."""
    envelope = Envelope("", "", 1, message)
    items = message["events"]
    told = items if isinstance(items, list) else []
    return [Told.read(envelope, one, region, record_id) for one in told]


def take_events(envelopes: Iterable[Envelope], services: Services, now: datetime) -> list[Failure]:
    """Messages of any connections; returns those to bring back."""
    failures: list[Failure] = []
    by_connection: defaultdict[str, list[Envelope]] = defaultdict(list)
    for envelope in envelopes:
        if not _is_taken_apart(envelope, services):
            by_connection[envelope.connection].append(envelope)
    for connection, lot in by_connection.items():
        live = services.settings.live(connection)
        try:
            failures += _Desk(live, services, now).take(lot)
        except Retryable as error:  # the queues or a publication, so it holds for all of them
            failures += postpone(lot, error, services)
    return failures


def _is_taken_apart(envelope: Envelope, services: Services) -> bool:
    """So that, of all the events of a message that keeps failing, only the guilty one does."""
    events = envelope.body["events"]
    if envelope.receives <= SUSPECT_AFTER or not isinstance(events, list) or len(events) == 1:
        return False
    services.intake.send([{**envelope.body, "events": [one]} for one in events])
    return True


@dataclass(frozen=True, slots=True)
class _Desk:
    """Events of one connection, as they are taken in one run."""

    live: LiveSettings
    services: Services
    now: datetime

    def take(self, lot: Sequence[Envelope]) -> list[Failure]:
        score = self._scorer()
        told = _by_person(self._read(lot))
        owners = self._owners([one for one, events in told.items() if not events[0].ref])
        failures: list[Failure] = []
        unwritten: dict[Ref, None] = {}
        for identity, events in told.items():
            subject = events[0].ref or owners.get(identity)
            try:
                heard = self._place(subject, identity, events, score)
            except Superseded:
                raise
            except Retryable as error:
                failures += postpone(_narrowed(events), error, self.services)
            except Parked as error:
                self._park(events, error)
            else:
                unwritten |= {heard: None} if heard else {}
        ring(self.live.connection.id, list(unwritten), score, self.services)
        return failures

    def _scorer(self) -> Scorer:
        programs = programs_in_force(self.live, self.services)
        bells, store = partial(ring_bells, services=self.services), self.services.store
        return scorer(self.live, store, self.now, Reason.EVENTS, programs, ring=bells)

    def _read(self, lot: Sequence[Envelope]) -> Iterator[Told]:
        region = compiled(self.live.policy).owing.region
        record_id = self.services.record_id(self.live.connection.id)
        for envelope in lot:
            items = envelope.body["events"]
            for item in items if isinstance(items, list) else [items]:
                try:
                    yield Told.read(envelope, item, region, record_id)
                except DeliveryUnreadable as error:
                    message = {**envelope.body, "events": [item]}
                    park(message, str(error), self.services, self.now)

    def _place(
        self, subject: Ref | None, identity: str, events: Sequence[Told], score: Scorer
    ) -> Ref | None:
        """Where they belong, or where they wait; whoever appears in between is looked for again."""
        named = events[0].ref
        for _ in range(ATTEMPTS):
            try:
                if subject:
                    return score.admit(subject, [one.fact(subject) for one in events])
            except SubjectUnknown:  # or not known any more
                pass
            try:
                self._wait(identity, events, named)
            except Conflict:
                subject = named or self._owners([identity]).get(identity)
                continue
            return None
        raise Conflict(f"{len(events)} events: lost {ATTEMPTS} races")

    def _owners(self, identities: Sequence[str]) -> Mapping[str, Ref]:
        """Who has them; of several the one that is always chosen."""
        if not identities:
            return {}
        found = self.services.store.owners(self.live.connection.id, identities)
        return {identity: oldest(refs) for identity, refs in found.items() if refs}

    def _wait(self, identity: str, events: Sequence[Told], ref: Ref | None) -> None:
        place, until = self.live.connection.id, self.now + WAITS_FOR
        rows = [one.row for one in events]
        try:
            self.services.store.wait(place, identity, rows, until, ref=ref)
        except SubjectErased:
            return
        logs.info("waits", connection=place, events=len(rows))

    def _park(self, events: Sequence[Told], error: EmtiazError) -> None:
        for one in events:
            park(one.message(), str(error), self.services, self.now)


def _row(told: Item, record_id: RecordId) -> Item:
    row = {name: value for name, value in told.items() if name != "who"}
    if row["type"] not in ("purchase", "refund"):
        return row
    return {**row, "data": told_data(cast(Item, row["data"]), record_id)}


def _named(who: Item, connection: str, region: str, record_id: RecordId) -> tuple[Ref | None, str]:
    """The record, or the identity that somebody has. Raises ValueError."""
    ((name, value),) = who.items()
    text = str(value)
    if name == "id":
        ref = told_ref(text, connection, record_id)
        return ref, of_ref(ref)
    found = {"email": of_email(text), "phone": of_phone(text, region), "identity": text}.get(name)
    if not found:
        raise ValueError(f"who: {name} is none")
    return None, found


def _by_person(told: Iterable[Told]) -> dict[str, list[Told]]:
    found: defaultdict[str, list[Told]] = defaultdict(list)
    for one in told:
        found[one.identity].append(one)
    return found


def _narrowed(events: Sequence[Told]) -> list[Envelope]:
    """The messages of these events, without the others that they brought."""
    by_envelope: dict[str, list[Told]] = defaultdict(list)
    for one in events:
        by_envelope[one.envelope.id].append(one)
    return [
        replace(
            some[0].envelope,
            body={**some[0].envelope.body, "events": [dict(one.item) for one in some]},
        )
        for some in by_envelope.values()
    ]
