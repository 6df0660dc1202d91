"""A subject store that keeps its promises in a dictionary, under one lock."""

import json
from dataclasses import dataclass, field, replace
from threading import Lock
from zlib import crc32

from chalicelib.core.announcements import Announcement, Seen
from chalicelib.core.dues import NO_DEBTS, Debts
from chalicelib.core.errors import Awaited, Conflict, SubjectErased
from chalicelib.core.facts import Fact, FactSet, canonical, iso
from chalicelib.core.identity import MOST_OWNERS, ROWS_AT_ONCE, Waiting
from chalicelib.core.outgoing import Outgoing
from chalicelib.core.ports import SHARDS
from chalicelib.core.stored import Collection, HandedOut, Leaving, LedgerRow, StoredCard, Stub


@dataclass
class Who:
    """Has owners, or rows that wait, by their version; ``number`` counts what was ever put."""

    owners: frozenset = frozenset()
    number: int = 0
    rows: tuple = ()

    def with_rows(self, rows):
        texts = dict.fromkeys((*self.rows, *map(canonical, rows)))
        return Who(self.owners, self.number + 1, tuple(texts))

    def claimed(self, ref, claim):
        left = tuple(one for one in self.rows if json.loads(one) not in claim.rows)
        if claim.is_whole:
            return Who(self.owners | {ref})
        return Who(self.owners, self.number + 1, left)

    def released(self, ref):
        return replace(self, owners=self.owners - {ref})


NOBODY = Who()


@dataclass
class Subject:
    """``doubted`` is the version that the last doubt made."""

    card: StoredCard | None = None
    facts: dict[str, str] = field(default_factory=dict)
    history: dict[str, str] = field(default_factory=dict)
    entries: dict[str, tuple[int, str]] = field(default_factory=dict)
    out: dict[str, Outgoing] = field(default_factory=dict)
    doubted: int = 0

    @property
    def version(self):
        return self.card.version if self.card else 0

    @property
    def stub(self):
        return self.card.stub if self.card else None

    @property
    def known(self):
        return FactSet.of(Fact.from_json(json.loads(text)) for text in self.facts.values())

    @property
    def ledger(self):
        rows = [
            LedgerRow(number, name, json.loads(text))
            for name, (number, text) in self.entries.items()
        ]
        return tuple(sorted(rows, key=lambda row: row.number))


class InMemorySubjectStore:
    """``loads``, ``saves`` and ``marks`` count what was asked of it; ``erased`` has tombstones.

    ``links`` are pairs of a related record and a subject that holds facts of it; ``known`` tells by
    connection and identity who has it and what waits there.
    """

    def __init__(self):
        self.subjects = {}
        self.erased = set()
        self.links = set()
        self.known = {}
        self.handouts = {}
        self.loads = self.saves = self.marks = 0
        self._failures = []
        self._lock = Lock()

    def fail_next_save(self, error):
        self._failures.append(error)

    def load(self, ref):
        with self._lock:
            self.loads += 1
            subject = self.subjects.get(ref, Subject())
            card = subject.card or StoredCard.unsaved(ref)
            return Collection(card, subject.known, subject.ledger, self._aliases(ref))

    def save(self, save):
        with self._lock:
            self.saves += 1
            if self._failures:
                raise self._failures.pop(0)
            if save.base_version == 0 and save.ref in self.erased:
                raise SubjectErased("a tombstone stands for this subject")
            subject = self._at_version(save.ref, save.base_version)
            if subject.stub:
                raise Conflict(f"{save.ref} is {subject.stub.why}")
            if subject.entries.keys() & {row.id for row in save.entries}:
                raise Conflict(f"{save.ref} has such an entry")
            self._check_claims(save)
            self._hand_out(save)
            after = saved(subject, save)
            assert after.known.related() >= set(save.related), "a link needs a fact to be found by"
            self.subjects[save.ref] = after
            self.links |= {(record, save.ref) for record in save.related}
            self._claim(save.ref, save.claims)

    def _check_claims(self, save):
        for claim in save.claims.new:
            who = self.known.get((save.ref.connection, claim.identity), NOBODY)
            is_full = len(who.owners) >= MOST_OWNERS
            if not claim.is_crowded and (who.number != claim.number or is_full):
                raise Awaited(f"{save.ref}: something waits for it")

    def _claim(self, ref, claims):
        for claim in claims.new:
            place = ref.connection, claim.identity
            if not claim.is_crowded:
                self.known[place] = self.known.get(place, NOBODY).claimed(ref, claim)
        self._release(ref, claims.gone)

    def _release(self, ref, identities):
        for identity in identities:
            place = ref.connection, identity
            self.known[place] = self.known.get(place, NOBODY).released(ref)
            if not (self.known[place].owners or self.known[place].number):
                del self.known[place]

    def owners(self, connection, identities):
        with self._lock:
            found = {one: self.known.get((connection, one), NOBODY) for one in identities}
            return {identity: tuple(sorted(who.owners)) for identity, who in found.items()}

    def waiting(self, connection, identity):
        with self._lock:
            who = self.known.get((connection, identity), NOBODY)
            return Waiting(
                identity,
                who.number,
                tuple(json.loads(row) for row in who.rows[:ROWS_AT_ONCE]),
                is_whole=len(who.rows) <= ROWS_AT_ONCE,
                is_crowded=len(who.owners) >= MOST_OWNERS,
            )

    def wait(self, connection, identity, rows, until, *, ref=None):
        with self._lock:
            if ref in self.erased:
                raise SubjectErased("a tombstone stands for this subject")
            who = self.known.get((connection, identity), NOBODY)
            if who.owners:
                raise Conflict("somebody has it by now")
            self.known[connection, identity] = who.with_rows(rows)

    def retire(self, ref, base_version, stub, now):
        with self._lock:
            survivor = self.subjects.get(stub.into, Subject()).stub
            if self.erased & {ref, stub.into} or (survivor and survivor.why is Leaving.ERASED):
                raise SubjectErased("a tombstone stands for this subject")
            subject = self._at_version(ref, base_version)
            if subject.stub and subject.stub.why is not Leaving.EXPIRED:
                raise Conflict(f"{ref} is {subject.stub.why}")
            if survivor:
                raise Conflict(f"{stub.into} is moving out itself")
            before = subject.card or StoredCard.unsaved(ref)
            card = replace(
                StoredCard.unsaved(ref),
                version=base_version + 1,
                due_at=now,
                stub=stub,
                debts=before.debts,
                identities=before.identities,
            )
            self.subjects[ref] = replace(subject, card=card, doubted=0)

    def clear(self, ref):
        with self._lock:
            if self.subjects.get(ref, Subject()).stub:
                self._clear(ref)

    def _clear(self, ref):
        subject = self.subjects.pop(ref)
        self.links = {link for link in self.links if ref not in link}
        if subject.stub.why is Leaving.MERGED:
            self.subjects[ref] = Subject(replace(subject.card, due_at=None, debts=NO_DEBTS))
        else:
            self._release(ref, subject.card.identities)
        if subject.stub.why is Leaving.ERASED:
            self.erased.add(ref)
            for alias in self._aliases(ref):
                known_by = self.subjects[alias].card.identities
                card = replace(subject.card, ref=alias, identities=known_by)
                self.subjects[alias].card = card
                self._clear(alias)

    def _aliases(self, ref):
        into = Stub(Leaving.MERGED, ref)
        found = (alias for alias, subject in self.subjects.items() if subject.stub == into)
        return tuple(sorted(found))

    def _hand_out(self, save):
        places = {(save.ref.connection, one.reward): one for one in save.handouts}
        for place, one in places.items():
            held = self.handouts.get(place, HandedOut())
            is_out = one.change > 0 and one.stock is not None and held.count >= one.stock
            if is_out or one.code in held.codes:
                raise Conflict(f"{one.reward} is out of stock, or the code is somebody's")
        for place, one in places.items():
            held = self.handouts.get(place, HandedOut())
            codes = held.codes | ({one.code} if one.code else set())
            self.handouts[place] = HandedOut(held.count + one.change, codes)

    def handed_out(self, connection, reward):
        with self._lock:
            return self.handouts.get((connection, reward), HandedOut())

    def holders(self, record):
        with self._lock:
            return tuple(sorted(subject for held, subject in self.links if held == record))

    def cards(self, refs):
        with self._lock:
            found = (self.subjects.get(ref, Subject()).card for ref in dict.fromkeys(refs))
            return tuple(card for card in found if card)

    def mark_written(self, marks):
        with self._lock:
            for mark in marks:
                self.marks += 1
                if mark.ref in self.subjects:
                    subject = self.subjects[mark.ref]
                    subject.card = marked(subject, mark)

    def settle(self, card):
        with self._lock:
            subject = self.subjects.get(card.ref, Subject())
            if subject.version == card.version and not subject.stub:
                subject.card = settled(subject.card)

    def doubt(self, refs, until):
        with self._lock:
            for ref in dict.fromkeys(refs):
                subject = self.subjects.get(ref, Subject())
                if subject.card and not subject.stub:
                    subject.card = doubted(subject.card, until)
                    subject.doubted = subject.version

    def set_back(self, cards):
        with self._lock:
            for card in cards:
                subject, setback = self.subjects.get(card.ref, Subject()), card.setback
                if subject.card and subject.version == card.version and not subject.stub:
                    subject.card = replace(subject.card, setback=setback, due_at=setback.until)

    def due(self, connection, now, limit):
        with self._lock:
            waiting = [
                (card.due_at, ref)
                for ref, card in self._cards_of(connection)
                if card.due_at and card.due_at <= now
            ]
            return tuple(ref for _, ref in sorted(waiting)[:limit])

    def population(self, connection, *, shard=None):
        with self._lock:
            cards = [card for ref, card in self._cards_of(connection) if in_share(ref, shard)]
        yield from (population_row(card) for card in cards if card.stub is None)

    def history(self, ref, limit):
        with self._lock:
            rows = sorted(self.subjects.get(ref, Subject()).history.items(), reverse=True)
            return tuple(json.loads(text) for _, text in rows[:limit])

    def outgoing(self, ref, id_):
        with self._lock:
            return self.subjects.get(ref, Subject()).out.get(id_)

    def claim(self, ref, id_, way):
        with self._lock:
            one = self.subjects.get(ref, Subject()).out.get(id_)
            if one is None or way in one.claimed | one.done:
                return False
            self.subjects[ref].out[id_] = replace(one, claimed=one.claimed | {way})
            return True

    def release(self, ref, id_, way):
        with self._lock:
            if one := self.subjects.get(ref, Subject()).out.get(id_):
                self.subjects[ref].out[id_] = replace(one, claimed=one.claimed - {way})

    def mark_done(self, ref, id_, way):
        with self._lock:
            if one := self.subjects.get(ref, Subject()).out.get(id_):
                self.subjects[ref].out[id_] = replace(one, done=one.done | {way})

    def _at_version(self, ref, version):
        subject = self.subjects.get(ref, Subject())
        if subject.version != version:
            raise Conflict(f"{ref} is at version {subject.version}")
        return subject

    def _cards_of(self, connection):
        return [
            (ref, subject.card)
            for ref, subject in self.subjects.items()
            if ref.connection == connection and subject.card
        ]


def saved(subject, save):
    before = subject.card or StoredCard.unsaved(save.ref)
    version = save.base_version + 1
    card = replace(
        before,
        version=version,
        written_version=version if save.settled else before.written_version,
        outgoing=fields_as_stored(save.outgoing),
        doubt_until=save.doubt_until,
        body=json.loads(canonical(save.body)),
        due_at=save.due_at,
        next_change_at=save.next_change_at,
        debts=Debts.from_json(json.loads(canonical(save.debts.to_json()))),
        made=save.made,
        revision=save.revision,
        identities=before.identities if save.claims.kept is None else save.claims.kept,
        seen=Seen.from_json(json.loads(canonical(save.seen.to_json()))) if save.seen else None,
        setback=None if save.afresh else before.setback,
    )
    facts = {fact.key: canonical(fact.to_json()) for fact in save.facts}
    key = iso(save.at), save.base_version + 1
    history = {key: canonical(save.history)} if save.history is not None else {}
    entries = {row.id: (row.number, canonical(row.entry)) for row in save.entries}
    new = (one for one in save.announcements if one.id not in subject.out)
    return replace(
        subject,
        card=card,
        facts=subject.facts | facts,
        history=subject.history | history,
        entries=subject.entries | entries,
        out=subject.out | {one.id: as_stored(one) for one in new},
    )


def as_stored(announcement):
    row = json.loads(canonical(announcement.to_json()))
    return Outgoing(Announcement.from_json(row))


def marked(subject, mark):
    card = subject.card
    if card.stub or card.version < mark.version or card.written_version > mark.version:
        return card
    if subject.doubted > mark.version:
        return card
    written = replace(
        card,
        written_version=mark.version,
        published=fields_as_stored(mark.published),
        doubt_until=mark.doubt_until,
        setback=None,
    )
    if card.version == mark.version:
        return replace(written, due_at=mark.next_change_at)
    return written if card.written_version < mark.version else card


def settled(card):
    due_at = card.due_at if card.pending else card.next_change_at
    return replace(card, debts=card.debts.delivered(), due_at=due_at)


def doubted(card, until):
    longest = max(until, card.doubt_until or until)
    return replace(card, version=card.version + 1, doubt_until=longest, due_at=longest)


def in_share(ref, shard):
    return shard is None or crc32(str(ref).encode()) % SHARDS == shard


def population_row(card):
    rfm = card.body.get("rfm") or {}
    row = {
        "ref": str(card.ref),
        "at": card.body.get("at"),
        "score": card.body.get("score"),
        "r": rfm.get("recency_days"),
        "f": rfm.get("frequency"),
        "m": rfm["monetary"]["amount"] if rfm else None,
        "call": card.body.get("priority"),
        "v": ((card.body.get("value") or {}).get("total") or {}).get("amount"),
        "q": (card.body.get("satisfaction") or {}).get("mean"),
        "made": card.made,
    }
    return {name: value for name, value in row.items() if value is not None}


def fields_as_stored(fields):
    back = json.loads(json.dumps(dict(fields)))
    return {
        name: tuple(value) if isinstance(value, list) else value for name, value in back.items()
    }
