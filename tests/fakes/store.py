"""A subject store that keeps its promises in a dictionary, under one lock."""

import json
from dataclasses import dataclass, field, replace
from threading import Lock

from chalicelib.core.errors import Conflict
from chalicelib.core.facts import Fact, FactSet, canonical, iso
from chalicelib.core.ports import Collection, StoredCard


@dataclass
class Subject:
    card: StoredCard | None = None
    facts: dict[str, str] = field(default_factory=dict)
    history: dict[str, str] = field(default_factory=dict)

    @property
    def version(self):
        return self.card.version if self.card else 0


class InMemorySubjectStore:
    """``loads``, ``saves`` and ``marks`` count what was asked of it."""

    def __init__(self):
        self.subjects = {}
        self.loads = self.saves = self.marks = 0
        self._failures = []
        self._lock = Lock()

    def fail_next_save(self, error):
        self._failures.append(error)

    def load(self, ref):
        with self._lock:
            self.loads += 1
            subject = self.subjects.get(ref, Subject())
            facts = [Fact.from_json(json.loads(text)) for text in subject.facts.values()]
            return Collection(subject.card or StoredCard.unsaved(ref), FactSet.of(facts))

    def save(self, save):
        with self._lock:
            self.saves += 1
            if self._failures:
                raise self._failures.pop(0)
            subject = self.subjects.get(save.ref, Subject())
            if subject.version != save.base_version:
                raise Conflict(f"{save.ref} is at version {subject.version}")
            self.subjects[save.ref] = saved(subject, save)

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
                    subject.card = marked(subject.card, mark)

    def due(self, connection, now, limit):
        with self._lock:
            waiting = [
                (card.due_at, ref)
                for ref, card in self._cards_of(connection)
                if card.due_at and card.due_at <= now
            ]
            return tuple(ref for _, ref in sorted(waiting)[:limit])

    def population(self, connection):
        with self._lock:
            rows = [population_row(card) for _, card in self._cards_of(connection)]
        yield from rows

    def history(self, ref, limit):
        with self._lock:
            rows = sorted(self.subjects.get(ref, Subject()).history.items(), reverse=True)
            return tuple(json.loads(text) for _, text in rows[:limit])

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
        in_doubt=save.in_doubt,
        body=json.loads(canonical(save.body)),
        due_at=save.due_at,
        next_change_at=save.next_change_at,
    )
    facts = {fact.key: canonical(fact.to_json()) for fact in save.facts}
    history = {iso(save.at): canonical(save.history)} if save.history is not None else {}
    return Subject(card, subject.facts | facts, subject.history | history)


def marked(card, mark):
    if card.version < mark.version or card.written_version > mark.version:
        return card
    written = replace(
        card,
        written_version=mark.version,
        published=fields_as_stored(mark.published),
        in_doubt=mark.in_doubt,
    )
    if card.version == mark.version:
        return replace(written, due_at=mark.next_change_at)
    return written if card.written_version < mark.version else card


def population_row(card):
    rfm = card.body.get("rfm") or {}
    row = {
        "ref": str(card.ref),
        "at": card.body.get("at"),
        "score": card.body.get("score"),
        "r": rfm.get("recency_days"),
        "f": rfm.get("frequency"),
        "m": rfm["monetary"]["amount"] if rfm else None,
    }
    return {name: value for name, value in row.items() if value is not None}


def fields_as_stored(fields):
    back = json.loads(json.dumps(dict(fields)))
    return {
        name: tuple(value) if isinstance(value, list) else value for name, value in back.items()
    }
