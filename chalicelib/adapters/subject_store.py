"""Subjects in DynamoDB: one item collection each, changed under the version of its card.

Reading is one Query that meets the card first and the facts after it, so the version that a
save is conditional on is never newer than the facts that the save was computed from.
"""

from __future__ import annotations

import hmac
import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from heapq import merge
from itertools import islice
from typing import Any, TypeVar

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
from chalicelib.adapters.subject_rows import (
    ALIAS,
    CARD,
    HISTORY,
    LINK,
    TOMBSTONE,
    card_of,
    fact_of,
    numbers,
    population_row,
    shard,
    shards,
    stub_json,
    stub_of,
    told_of,
)
from chalicelib.adapters.tables import NEVER, SubjectItem, connection_of, in_table
from chalicelib.core.errors import SubjectErased
from chalicelib.core.facts import Fact, FactSet, canonical, iso
from chalicelib.core.model import Json, Ref
from chalicelib.core.stored import Collection, Leaving, Mark, Save, StoredCard, Stub

T = TypeVar("T")
Fill = Callable[[TransactWrite], None]

# A transaction takes 100 items and 4 MB; the card and its history row need a share of both.
ITEMS_PER_TRANSACTION = 100
BYTES_PER_TRANSACTION = 3_000_000
CARDS_PER_TRANSACTION = 25
LINK_BYTES = 500

INDEXED = ("at", "score", "r", "f", "m", "v", "q", "call")
"""Attributes of a card that stand in the index."""

OF_THE_LIVING = (
    "written_version", "outgoing", "published", "doubt_until", "doubted_version", "body",
    "next_change_at", *INDEXED,
)  # fmt: skip
"""Attributes of a card that a stub has not."""


@dataclass(frozen=True, slots=True)
class Part:
    """What is written together: a fact, and a link to its subject from the record it tells of.

    So whoever finds the fact finds the link, also after a death between two transactions.
    """

    fact: Fact
    links: frozenset[Ref]

    @property
    def items(self) -> int:
        return 1 + len(self.links)

    @property
    def size(self) -> int:
        """In bytes, about; the fact is escaped, as it travels."""
        return len(json.dumps(canonical(self.fact.to_json()))) + LINK_BYTES * len(self.links)


class DynamoSubjectStore:
    """``salt`` is what refs are hashed with on tombstones, asked for when the first is needed.

    ``endpoint`` and ``sleep`` are for tests; the client is created on first use.
    """

    def __init__(
        self,
        table: str,
        salt: Callable[[], bytes],
        *,
        endpoint: str | None = None,
        sleep: Sleep = time.sleep,
    ) -> None:
        self.item = in_table(SubjectItem, table, endpoint)
        self._salt = salt
        self._sleep = sleep

    def load(self, ref: Ref) -> Collection:
        with translating():
            rows = list(self.item.query(str(ref), self.item.sk < HISTORY, consistent_read=True))
        card = next((card_of(row) for row in rows if row.sk == CARD), StoredCard.unsaved(ref))
        return Collection(card, FactSet.of(fact_of(row) for row in rows if row.fact))

    def save(self, save: Save) -> None:
        # Facts that do not fit into one transaction with the card go ahead of it. Facts ahead
        # of their card mislead nobody: merging is idempotent, each is written only over an
        # older one, and each batch checks that the card has not moved. A run that dies in
        # between has not written its last facts, since they go with the card; so the run after
        # it still has something to save, and scores them all.
        *ahead, last = _part_batches(save)
        with translating():
            for parts in ahead:
                self._transact_save(save, partial(self._put_parts_ahead, parts, save))
            self._transact_save(save, partial(self._put_card_and_parts, last, save))

    def retire(self, ref: Ref, base_version: int, stub: Stub, now: datetime) -> None:
        actions = self._stub_actions(ref, base_version, stub, now)

        def put_stub(transaction: TransactWrite) -> None:
            if stub.into:
                self._put_alias(ref, stub.into, transaction)
            condition = self._is_at(base_version) & self._may_retire()
            transaction.update(self.item(str(ref), CARD), actions, condition=condition)

        involved = [ref, stub.into] if stub.into else [ref]
        with translating():
            try:
                self._transact_unless_erased(involved, put_stub, through_collisions=True)
            except TransactWriteError as error:
                if self._is_being_erased(stub.into):
                    raise SubjectErased("the survivor is being erased") from error
                raise

    def clear(self, ref: Ref) -> None:
        # Every step checks that the stub is still the one that was read: otherwise a worker
        # that slept in between could delete what belongs to an expired subject's next life.
        with translating():
            rows = list(self.item.query(str(ref), consistent_read=True))
            if not rows or rows[0].sk != CARD or rows[0].stub is None:
                return
            stub, *rest = rows
            if stub_of(stub).why is Leaving.ERASED:
                self._erase_aliases(ref, rest)
            else:
                rest = [row for row in rest if not row.sk.startswith(ALIAS)]
            self._delete_with_stub(stub, rest)

    def holders(self, record: Ref) -> tuple[Ref, ...]:
        links = self.item.sk.startswith(LINK)
        with translating():
            rows = self.item.query(str(record), links, consistent_read=True)
            return tuple(sorted(Ref.parse(row.sk.removeprefix(LINK)) for row in rows))

    def cards(self, refs: Sequence[Ref]) -> tuple[StoredCard, ...]:
        keys = dict.fromkeys((str(ref), CARD) for ref in refs)
        with translating():
            rows = {row.ref: row for row in self.item.batch_get(keys, consistent_read=True)}
        return tuple(card_of(rows[ref]) for ref, _ in keys if ref in rows)

    def mark_written(self, marks: Sequence[Mark]) -> None:
        newest = {mark.ref: mark for mark in sorted(marks, key=lambda mark: mark.version)}
        with translating():
            for batch in _card_batches(newest.values()):
                self._all_or_each(batch, self._put_mark, self._mark_overtaken)

    def settle(self, card: StoredCard) -> None:
        item, debts = self.item, card.debts.delivered()
        settled = _assign(item.debts, debts.to_json() if debts else None)
        is_written = item.written_version == card.version
        due = item.due_at.set(card.next_change_at or NEVER)
        with translating():
            if not self._update(
                card.ref, [settled, due], self._lives_at(card.version) & is_written
            ):
                self._update(card.ref, [settled], self._lives_at(card.version))

    def doubt(self, refs: Sequence[Ref], until: datetime) -> None:
        put, prolong = partial(self._put_doubt, until), partial(self._doubt_longer, until)
        with translating():
            for batch in _card_batches(dict.fromkeys(refs)):
                self._all_or_each(batch, put, prolong)

    def due(self, connection: str, now: datetime, limit: int) -> tuple[Ref, ...]:
        due = self.item.due_at <= now
        page = limit // len(shards(connection)) + 1
        found = [self.item.cards.query(one, due, page_size=page) for one in shards(connection)]
        with translating():
            rows = islice(merge(*found, key=lambda row: row.due_at), limit)
            return tuple(Ref.parse(row.ref) for row in rows)

    def population(
        self, connection: str, *, shard: int | None = None
    ) -> Iterator[Mapping[str, Json]]:
        wanted = shards(connection)
        with translating():
            for one in wanted if shard is None else [wanted[shard]]:
                cards = (row for row in self.item.cards.query(one) if row.at is not None)
                yield from map(population_row, cards)  # only a stub has no such time

    def history(self, ref: Ref, limit: int) -> tuple[Mapping[str, Json], ...]:
        changes = self.item.sk.startswith(HISTORY)
        with translating():
            rows = self.item.query(str(ref), changes, scan_index_forward=False, limit=limit)
            return tuple(row.change for row in rows)

    def _transact(self, fill: Fill, *, through_collisions: bool = False) -> None:
        # One token for all attempts: if only the answer was lost, the next one just succeeds.
        token = str(ULID())

        def commit() -> None:
            connection = connection_of(self.item)
            with TransactWrite(connection=connection, client_request_token=token) as transaction:
                fill(transaction)

        patiently(commit, self._sleep, through_collisions=through_collisions)

    def _transact_save(self, save: Save, fill: Fill) -> None:
        # Whoever has a card has no tombstone, so only a first save pays for looking.
        if save.base_version:
            self._transact(fill)
        else:
            self._transact_unless_erased([save.ref], fill)

    def _transact_unless_erased(
        self, refs: Sequence[Ref], fill: Fill, *, through_collisions: bool = False
    ) -> None:
        tombstones, nobody = [self._tombstone(ref) for ref in refs], self.item.ref.does_not_exist()

        def check_and_fill(transaction: TransactWrite) -> None:
            for tombstone in tombstones:
                transaction.condition_check(self.item, tombstone, TOMBSTONE, condition=nobody)
            fill(transaction)

        try:
            self._transact(check_and_fill, through_collisions=through_collisions)
        except TransactWriteError as error:
            if CONDITION_FAILED.intersection(item_codes(error)[: len(refs)]):
                raise SubjectErased("a tombstone stands for this subject") from error
            raise

    def _tombstone(self, ref: Ref) -> str:
        return "#erased#" + hmac.digest(self._salt(), str(ref).encode(), "sha256").hex()

    def _put_parts_ahead(
        self, parts: Sequence[Part], save: Save, transaction: TransactWrite
    ) -> None:
        condition = self._lives_at(save.base_version)
        transaction.condition_check(self.item, str(save.ref), CARD, condition=condition)
        self._put_parts(parts, save, transaction)

    def _put_card_and_parts(
        self, parts: Sequence[Part], save: Save, transaction: TransactWrite
    ) -> None:
        self._put_parts(parts, save, transaction)
        card = self.item(str(save.ref), CARD)
        condition = self._lives_at(save.base_version)
        transaction.update(card, self._card_actions(save), condition=condition)
        if save.history is not None:
            # Two changes may be made at one instant, by a merge and the reading that told of it.
            key = f"{HISTORY}{iso(save.at)}#{save.base_version + 1:08}"
            row = self.item(str(save.ref), key, change=dict(save.history))
            transaction.save(row)

    def _put_parts(self, parts: Sequence[Part], save: Save, transaction: TransactWrite) -> None:
        for part in parts:
            fact = part.fact
            as_of = f"{iso(fact.version)} {iso(fact.occurred_at)}"
            item = self.item(str(save.ref), fact.key, fact=fact.to_json(), as_of=as_of)
            not_newer = self.item.as_of.does_not_exist() | (self.item.as_of <= as_of)
            transaction.save(item, condition=not_newer)
            for record in part.links:
                transaction.save(self._link(record, save.ref))

    def _link(self, record: Ref, subject: Ref) -> SubjectItem:
        return self.item(str(record), f"{LINK}{subject}")

    def _is_at(self, version: int) -> Condition:
        held = self.item.version
        condition: Condition = held == version if version else held.does_not_exist()
        return condition

    def _lives_at(self, version: int) -> Condition:
        condition: Condition = self._is_at(version) & self._is_no_stub()
        return condition

    def _is_no_stub(self) -> Condition:
        condition: Condition = self.item.stub.does_not_exist()
        return condition

    def _may_retire(self) -> Condition:
        """An alias and an erasure are final."""
        expired = self.item.stub == stub_json(Stub(Leaving.EXPIRED))
        condition: Condition = self._is_no_stub() | expired
        return condition

    def _is_still(self, stub: SubjectItem) -> Condition:
        same: Condition = (self.item.version == stub.version) & (self.item.stub == stub.stub)
        return same

    def _card_actions(self, save: Save) -> list[Action]:
        item, version = self.item, save.base_version + 1
        held = numbers(save.body)
        return [
            item.version.set(version),
            item.written_version.set(version if save.settled else item.written_version | 0),
            item.outgoing.set(dict(save.outgoing)),
            _assign(item.doubt_until, save.doubt_until),
            item.published.set(item.published | {}),
            item.body.set(dict(save.body)),
            item.shard.set(shard(save.ref)),
            item.due_at.set(save.due_at or NEVER),
            _assign(item.next_change_at, save.next_change_at),
            _assign(item.debts, save.debts.to_json() if save.debts else None),
            *(_assign(getattr(item, name), held.get(name)) for name in INDEXED),
        ]

    def _stub_actions(self, ref: Ref, base_version: int, stub: Stub, now: datetime) -> list[Action]:
        item = self.item
        return [
            item.version.set(base_version + 1),
            item.stub.set(stub_json(stub)),
            item.shard.set(shard(ref)),
            item.due_at.set(now),
            *(getattr(item, name).remove() for name in OF_THE_LIVING),
        ]

    def _put_alias(self, ref: Ref, into: Ref, transaction: TransactWrite) -> None:
        """For an erasure of the survivor to find; it must not have begun."""
        transaction.condition_check(self.item, str(into), CARD, condition=self._is_no_stub())
        transaction.save(self.item(str(into), f"{ALIAS}{ref}"))

    def _is_being_erased(self, ref: Ref | None) -> bool:
        stubs = [card.stub for card in self.cards([ref] if ref else [])]
        return any(stub.why is Leaving.ERASED for stub in stubs if stub)

    def _erase_aliases(self, ref: Ref, rows: Sequence[SubjectItem]) -> None:
        for row in rows:
            if row.sk.startswith(ALIAS):
                self._erase_alias(Ref.parse(row.sk.removeprefix(ALIAS)), ref)

    def _erase_alias(self, alias: Ref, into: Ref) -> None:
        erased = Stub(Leaving.ERASED, into)
        is_alias = self.item.stub == stub_json(Stub(Leaving.MERGED, into))
        self._update(alias, [self.item.stub.set(stub_json(erased))], is_alias)
        if any(card.stub == erased for card in self.cards([alias])):
            self.clear(alias)

    def _delete_with_stub(self, stub: SubjectItem, rows: Sequence[SubjectItem]) -> None:
        try:
            for batch in _row_batches(rows):
                self._transact(partial(self._delete_rows, batch, stub), through_collisions=True)
            self._transact(partial(self._let_go, stub), through_collisions=True)
        except TransactWriteError as error:
            if not codes(error) & CONDITION_FAILED:
                raise  # a failed condition says that another worker was faster

    def _delete_rows(
        self, rows: Sequence[SubjectItem], stub: SubjectItem, transaction: TransactWrite
    ) -> None:
        condition = self._is_still(stub)
        transaction.condition_check(self.item, stub.ref, CARD, condition=condition)
        for row in rows:
            transaction.delete(row)
            for record in told_of(row):
                transaction.delete(self._link(record, Ref.parse(row.ref)))

    def _let_go(self, stub: SubjectItem, transaction: TransactWrite) -> None:
        condition, why = self._is_still(stub), stub_of(stub).why
        if why is Leaving.MERGED:
            item = self.item
            bare: list[Action] = [one.remove() for one in (item.shard, item.due_at, item.debts)]
            transaction.update(stub, bare, condition=condition)
        else:
            transaction.delete(stub, condition=condition)
        if why is Leaving.ERASED:
            transaction.save(self.item(self._tombstone(Ref.parse(stub.ref)), TOMBSTONE))

    def _all_or_each(
        self,
        wanted: list[T],
        put: Callable[[T, TransactWrite], None],
        put_alone: Callable[[T], None],
    ) -> None:
        """All at once; those whose condition fails, one by one."""
        while wanted and (refused := self._put_or_find_refused(wanted, put)):
            for one in refused:
                put_alone(one)
            wanted = [one for one in wanted if one not in refused]

    def _put_or_find_refused(
        self, wanted: Sequence[T], put: Callable[[T, TransactWrite], None]
    ) -> list[T]:
        def put_all(transaction: TransactWrite) -> None:
            for one in wanted:
                put(one, transaction)

        try:
            self._transact(put_all, through_collisions=True)
        except TransactWriteError as error:
            pairs = zip(wanted, item_codes(error), strict=False)
            refused = [one for one, code in pairs if code in CONDITION_FAILED]
            if not refused:
                raise
            return refused
        return []

    def _put_mark(self, mark: Mark, transaction: TransactWrite) -> None:
        due = self.item.due_at.set(mark.next_change_at or NEVER)
        transaction.update(
            self.item(str(mark.ref), CARD),
            [*self._mark_actions(mark), due],
            condition=self._lives_at(mark.version),
        )

    def _mark_overtaken(self, mark: Mark) -> None:
        """A save came between: what it made due stays due. A doubt voids the mark instead."""
        item = self.item
        saved = (item.version > mark.version) & self._is_no_stub()
        unmarked = item.written_version < mark.version
        undoubted = item.doubted_version.does_not_exist() | (item.doubted_version <= mark.version)
        self._update(mark.ref, self._mark_actions(mark), saved & unmarked & undoubted)

    def _mark_actions(self, mark: Mark) -> list[Action]:
        return [
            self.item.written_version.set(mark.version),
            self.item.published.set(dict(mark.published)),
            _assign(self.item.doubt_until, mark.doubt_until),
        ]

    def _put_doubt(self, until: datetime, ref: Ref, transaction: TransactWrite) -> None:
        version, held = self.item.version, self.item.doubt_until
        is_longest = held.does_not_exist() | (held <= until)
        transaction.update(
            self.item(str(ref), CARD),
            self._doubt_actions(until),
            condition=version.exists() & self._is_no_stub() & is_longest,
        )

    def _doubt_longer(self, until: datetime, ref: Ref) -> None:
        """The doubt is longer already, or there is nobody: no update can tell, so read."""
        done = False
        while not done and (card := self._living(ref)):
            actions = self._doubt_actions(max(until, card.doubt_until or until))
            done = self._update(ref, actions, self._lives_at(card.version))

    def _living(self, ref: Ref) -> StoredCard | None:
        return next((card for card in self.cards([ref]) if card.stub is None), None)

    def _doubt_actions(self, until: datetime) -> list[Action]:
        version = self.item.version + 1
        return [
            self.item.version.set(version),
            self.item.doubted_version.set(version),
            self.item.doubt_until.set(until),
            self.item.due_at.set(until),
        ]

    def _update(self, ref: Ref, actions: Sequence[Action], condition: Condition) -> bool:
        """Whether the condition held."""
        update = partial(self.item(str(ref), CARD).update, list(actions), condition=condition)
        try:
            patiently(update, self._sleep, through_collisions=True)
        except UpdateError as error:
            if not codes(error) & CONDITION_FAILED:
                raise
            return False
        return True


def _part_batches(save: Save) -> list[list[Part]]:
    new = frozenset(save.related)
    cut = batches(
        [Part(fact, FactSet.of([fact]).related() & new) for fact in save.facts],
        # The card and its history row, or a check of the card; and a look for a tombstone.
        count=ITEMS_PER_TRANSACTION - (2 if save.base_version else 3),
        size=BYTES_PER_TRANSACTION,
        measure=lambda part: part.size,
        parts=lambda part: part.items,
    )
    return list(cut) or [[]]


def _row_batches(rows: Sequence[SubjectItem]) -> Iterator[list[SubjectItem]]:
    return batches(
        rows,
        count=ITEMS_PER_TRANSACTION - 1,
        size=BYTES_PER_TRANSACTION,
        measure=lambda row: len(canonical(row.fact or row.change)),
        parts=lambda row: 1 + len(told_of(row)),
    )


def _card_batches(cards: Iterable[T]) -> Iterator[list[T]]:
    return batches(cards, count=CARDS_PER_TRANSACTION, size=0, measure=lambda _: 0)


def _assign(attribute: Attribute[Any], value: object) -> Action:
    return attribute.remove() if value is None else attribute.set(value)
