"""Subjects in DynamoDB: one item collection each, changed under the version of its card.

Reading is one Query that meets the card first and the facts after it, so the version that a
save is conditional on is never newer than the facts that the save was computed from.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from heapq import merge
from itertools import islice
from typing import Any, cast
from zlib import crc32

from pynamodb.attributes import Attribute
from pynamodb.exceptions import TransactWriteError, UpdateError
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action
from pynamodb.transactions import TransactWrite
from ulid import ULID

from chalicelib.adapters.batches import batches
from chalicelib.adapters.refusals import (
    CONDITION_FAILED,
    Sleep,
    codes,
    item_codes,
    patiently,
    translating,
)
from chalicelib.adapters.tables import NEVER, SubjectItem, connection_of, in_table
from chalicelib.core.card import Fields
from chalicelib.core.facts import Fact, FactSet, canonical, iso
from chalicelib.core.model import Json, Ref
from chalicelib.core.ports import Collection, Mark, Save, StoredCard

SHARDS = 16
CARD = "#CARD"
HISTORY = "HIST#"

# A transaction takes 100 items and 4 MB; the card and its history row need a share of both.
FACTS_PER_TRANSACTION = 98
FACT_BYTES_PER_TRANSACTION = 3_000_000
MARKS_PER_TRANSACTION = 25


class DynamoSubjectStore:
    """``endpoint`` and ``sleep`` are for tests; the client is created on first use."""

    def __init__(
        self, table: str, *, endpoint: str | None = None, sleep: Sleep = time.sleep
    ) -> None:
        self.item = in_table(SubjectItem, table, endpoint)
        self._sleep = sleep

    def load(self, ref: Ref) -> Collection:
        with translating():
            rows = list(self.item.query(str(ref), self.item.sk < HISTORY, consistent_read=True))
        card = next((_card(row) for row in rows if row.sk == CARD), StoredCard.unsaved(ref))
        return Collection(card, FactSet.of(_fact(row) for row in rows if row.fact))

    def save(self, save: Save) -> None:
        # Facts that do not fit into one transaction with the card go ahead of it. Facts ahead
        # of their card mislead nobody: merging is idempotent, each is written only over an
        # older one, and each batch checks that the card has not moved. A run that dies in
        # between has not written its last facts, since they go with the card; so the run after
        # it still has something to save, and scores them all.
        *ahead, last = _fact_batches(save.facts)
        with translating():
            for facts in ahead:
                self._transact(partial(self._put_facts_ahead, facts, save))
            self._transact(partial(self._put_card_and_facts, last, save))

    def cards(self, refs: Sequence[Ref]) -> tuple[StoredCard, ...]:
        keys = dict.fromkeys((str(ref), CARD) for ref in refs)
        with translating():
            rows = {row.ref: row for row in self.item.batch_get(keys, consistent_read=True)}
        return tuple(_card(rows[ref]) for ref, _ in keys if ref in rows)

    def mark_written(self, marks: Sequence[Mark]) -> None:
        newest = {mark.ref: mark for mark in sorted(marks, key=lambda mark: mark.version)}
        waiting = list(newest.values())
        with translating():
            while waiting:
                batch, waiting = waiting[:MARKS_PER_TRANSACTION], waiting[MARKS_PER_TRANSACTION:]
                self._mark_batch(batch)

    def due(self, connection: str, now: datetime, limit: int) -> tuple[Ref, ...]:
        due = self.item.due_at <= now
        page = limit // SHARDS + 1
        shards = [
            self.item.cards.query(shard, due, page_size=page) for shard in _shards(connection)
        ]
        with translating():
            rows = islice(merge(*shards, key=lambda row: row.due_at), limit)
            return tuple(Ref.parse(row.ref) for row in rows)

    def population(self, connection: str) -> Iterator[Mapping[str, Json]]:
        with translating():
            for shard in _shards(connection):
                yield from map(_population_row, self.item.cards.query(shard))

    def history(self, ref: Ref, limit: int) -> tuple[Mapping[str, Json], ...]:
        changes = self.item.sk.startswith(HISTORY)
        with translating():
            rows = self.item.query(str(ref), changes, scan_index_forward=False, limit=limit)
            return tuple(row.change for row in rows)

    def _transact(
        self, fill: Callable[[TransactWrite], None], *, through_collisions: bool = False
    ) -> None:
        # One token for all attempts: if only the answer was lost, the next one just succeeds.
        token = str(ULID())

        def commit() -> None:
            connection = connection_of(self.item)
            with TransactWrite(connection=connection, client_request_token=token) as transaction:
                fill(transaction)

        patiently(commit, self._sleep, through_collisions=through_collisions)

    def _put_facts_ahead(
        self, facts: Sequence[Fact], save: Save, transaction: TransactWrite
    ) -> None:
        condition = self._at_version(save.base_version)
        transaction.condition_check(self.item, str(save.ref), CARD, condition=condition)
        self._put_facts(facts, save, transaction)

    def _put_card_and_facts(
        self, facts: Sequence[Fact], save: Save, transaction: TransactWrite
    ) -> None:
        self._put_facts(facts, save, transaction)
        card = self.item(str(save.ref), CARD)
        condition = self._at_version(save.base_version)
        transaction.update(card, self._card_actions(save), condition=condition)
        if save.history is not None:
            row = self.item(str(save.ref), HISTORY + iso(save.at), change=dict(save.history))
            transaction.save(row)

    def _put_facts(self, facts: Sequence[Fact], save: Save, transaction: TransactWrite) -> None:
        for fact in facts:
            as_of = f"{iso(fact.version)} {iso(fact.occurred_at)}"
            item = self.item(str(save.ref), fact.key, fact=fact.to_json(), as_of=as_of)
            not_newer = self.item.as_of.does_not_exist() | (self.item.as_of <= as_of)
            transaction.save(item, condition=not_newer)

    def _at_version(self, version: int) -> Condition:
        held = self.item.version
        return held == version if version else held.does_not_exist()

    def _card_actions(self, save: Save) -> list[Action]:
        item, version = self.item, save.base_version + 1
        numbers = _numbers(save.body)
        return [
            item.version.set(version),
            item.written_version.set(version if save.settled else item.written_version | 0),
            item.outgoing.set(dict(save.outgoing)),
            item.in_doubt.set(save.in_doubt),
            item.published.set(item.published | {}),
            item.body.set(dict(save.body)),
            item.shard.set(_shard(save.ref)),
            item.due_at.set(save.due_at or NEVER),
            _assign(item.next_change_at, save.next_change_at),
            *(_assign(getattr(item, name), numbers.get(name)) for name in ("at", "score", *"rfm")),
        ]

    def _mark_batch(self, marks: list[Mark]) -> None:
        """All at once; those whose card has moved on, one by one."""
        while marks and (overtaken := self._mark_or_find_overtaken(marks)):
            for mark in overtaken:
                self._mark_overtaken(mark)
            marks = [mark for mark in marks if mark not in overtaken]

    def _mark_or_find_overtaken(self, marks: Sequence[Mark]) -> list[Mark]:
        try:
            self._transact(partial(self._put_marks, marks), through_collisions=True)
        except TransactWriteError as error:
            pairs = zip(marks, item_codes(error), strict=False)
            overtaken = [mark for mark, code in pairs if code in CONDITION_FAILED]
            if not overtaken:
                raise
            return overtaken
        return []

    def _put_marks(self, marks: Sequence[Mark], transaction: TransactWrite) -> None:
        for mark in marks:
            due = self.item.due_at.set(mark.next_change_at or NEVER)
            transaction.update(
                self.item(str(mark.ref), CARD),
                [*self._mark_actions(mark), due],
                condition=self.item.version == mark.version,
            )

    def _mark_overtaken(self, mark: Mark) -> None:
        """A save came between: what it made due stays due."""
        version, written = self.item.version, self.item.written_version
        update = partial(
            self.item(str(mark.ref), CARD).update,
            self._mark_actions(mark),
            condition=(version > mark.version) & (written < mark.version),
        )
        try:
            patiently(update, self._sleep, through_collisions=True)
        except UpdateError as error:
            if not codes(error) & CONDITION_FAILED:
                raise  # a failed condition says that a newer version was marked, or the card left

    def _mark_actions(self, mark: Mark) -> list[Action]:
        return [
            self.item.written_version.set(mark.version),
            self.item.published.set(dict(mark.published)),
            self.item.in_doubt.set(mark.in_doubt),
        ]


def _fact_batches(facts: Sequence[Fact]) -> list[list[Fact]]:
    cut = batches(
        facts,
        count=FACTS_PER_TRANSACTION,
        size=FACT_BYTES_PER_TRANSACTION,
        measure=lambda fact: len(json.dumps(canonical(fact.to_json()))),  # escaped, as it travels
    )
    return list(cut) or [[]]


def _assign(attribute: Attribute[Any], value: object) -> Action:
    return attribute.remove() if value is None else attribute.set(value)


def _shards(connection: str) -> list[str]:
    return [f"{connection}#{number}" for number in range(SHARDS)]


def _shard(ref: Ref) -> str:
    return _shards(ref.connection)[crc32(str(ref).encode()) % SHARDS]


def _numbers(body: Mapping[str, Json]) -> dict[str, Json]:
    """What the index holds of a card: when it was made, its score and, of customers, r in days,
    f, m in money's smallest unit.
    """
    numbers = {"at": body.get("at"), "score": body.get("score")}
    match body.get("rfm"):
        case {"recency_days": r, "frequency": f, "monetary": {"amount": m}}:
            return numbers | {"r": r, "f": f, "m": m}
        case _:
            return numbers


def _population_row(row: SubjectItem) -> Mapping[str, Json]:
    held: dict[str, Json] = {
        "ref": row.ref, "at": row.at, "score": row.score, "r": row.r, "f": row.f, "m": row.m,
    }  # fmt: skip
    return {name: value for name, value in held.items() if value is not None}


def _fact(row: SubjectItem) -> Fact:
    return Fact.from_json(row.fact)


def _card(row: SubjectItem) -> StoredCard:
    return StoredCard(
        ref=Ref.parse(row.ref),
        version=int(row.version),
        written_version=int(row.written_version),
        outgoing=_fields(row.outgoing),
        published=_fields(row.published),
        in_doubt=row.in_doubt,
        body=row.body,
        due_at=None if row.due_at == NEVER else row.due_at,
        next_change_at=row.next_change_at,
    )


def _fields(held: Mapping[str, Json]) -> Fields:
    """JSON knows no tuples, and a tuple is what tags are."""
    values = {
        name: tuple(value) if isinstance(value, list) else value for name, value in held.items()
    }
    return cast(Fields, values)
