"""Subjects in DynamoDB: one item collection each, changed under the version of its card.

Reading is one Query that meets the card first and the facts after it, so the version that a
save is conditional on is never newer than the facts that the save was computed from.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from heapq import merge
from itertools import islice

from pynamodb.exceptions import TransactWriteError
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action
from pynamodb.transactions import TransactWrite

from chalicelib.adapters.batches import batches
from chalicelib.adapters.refusals import translating
from chalicelib.adapters.subject_marks import Marks
from chalicelib.adapters.subject_moves import Moves
from chalicelib.adapters.subject_outbox import OutboxItems
from chalicelib.adapters.subject_rows import (
    CARD,
    CODE,
    ENTRY,
    GIVEN,
    HISTORY,
    LINK,
    aliases_of,
    card_of,
    fact_of,
    handed_out_of,
    ledger_of,
    numbers,
    population_row,
    rewards,
    shard,
    shards,
)
from chalicelib.adapters.subject_table import (
    BYTES_PER_TRANSACTION,
    INDEXED,
    ITEMS_PER_TRANSACTION,
    Fill,
    assign,
)
from chalicelib.adapters.tables import NEVER
from chalicelib.core.errors import Awaited
from chalicelib.core.facts import Fact, FactSet, canonical, iso
from chalicelib.core.model import Json, Ref
from chalicelib.core.stored import (
    Collection,
    HandedOut,
    Handout,
    LedgerRow,
    Save,
    StoredCard,
)

LINK_BYTES = 500


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
        return _bytes(self.fact.to_json()) + LINK_BYTES * len(self.links)


@dataclass(frozen=True, slots=True)
class EntryPart:
    """An entry of the ledger, and the rewards that change hands with it."""

    row: LedgerRow
    handouts: tuple[Handout, ...] = ()

    @property
    def items(self) -> int:
        return 1 + sum(one.items for one in self.handouts)

    @property
    def size(self) -> int:
        return _bytes(dict(self.row.entry))


class DynamoSubjectStore(Moves, Marks, OutboxItems):
    def load(self, ref: Ref) -> Collection:
        with translating():
            rows = list(self.item.query(str(ref), self.item.sk < HISTORY, consistent_read=True))
        card = next((card_of(row) for row in rows if row.sk == CARD), StoredCard.unsaved(ref))
        facts = FactSet.of(fact_of(row) for row in rows if row.fact)
        return Collection(card, facts, ledger_of(rows), aliases_of(rows))

    def save(self, save: Save) -> None:
        # Facts that do not fit into one transaction with the card go ahead of it. Facts ahead
        # of their card mislead nobody: merging is idempotent, each is written only over an
        # older one, and each batch checks that the card has not moved. A run that dies in
        # between has not written its last facts, since they go with the card; so the run after
        # it still has something to save, and scores them all. Entries come after all facts and
        # in their order, so what is there of them is a ledger, and the next run adds the rest.
        *ahead, last = _part_batches(save)
        with translating():
            for parts in ahead:
                self._transact_save(save, partial(self._put_parts_ahead, parts, save))
                save = _after(parts, save)
            self._save_last(save, last)
            self._forget(save.ref.connection, save.claims.gone)

    def handed_out(self, connection: str, reward: str) -> HandedOut:
        with translating():
            return handed_out_of(self.item.query(rewards(connection, reward), consistent_read=True))

    def holders(self, record: Ref) -> tuple[Ref, ...]:
        links = self.item.sk.startswith(LINK)
        with translating():
            rows = self.item.query(str(record), links, consistent_read=True)
            return tuple(sorted(Ref.parse(row.sk.removeprefix(LINK)) for row in rows))

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

    def _save_last(self, save: Save, parts: Sequence[Part | EntryPart]) -> None:
        try:
            self._transact_save(save, partial(self._put_card_and_parts, parts, save))
        except TransactWriteError as error:
            if self._is_awaited(save.claims, error):
                raise Awaited(f"{save.ref}: something waits for it") from error
            raise

    def _transact_save(self, save: Save, fill: Fill) -> None:
        # Whoever has a card has no tombstone, so only a first save pays for looking.
        if save.base_version:
            # Customers who take the same reward at once are in each other's way, and no more.
            self._transact(fill, through_collisions=bool(save.handouts))
        else:
            self._transact_unless_erased([save.ref], fill)

    def _put_parts_ahead(
        self, parts: Sequence[Part | EntryPart], save: Save, transaction: TransactWrite
    ) -> None:
        condition = self._lives_at(save.base_version)
        if _after(parts, save) is save:
            transaction.condition_check(self.item, str(save.ref), CARD, condition=condition)
        else:
            card = self.item(str(save.ref), CARD)
            next_version: list[Action] = [self.item.version.set(save.base_version + 1)]
            transaction.update(card, next_version, condition=condition)
        self._put_parts(parts, save, transaction)

    def _put_card_and_parts(
        self, parts: Sequence[Part | EntryPart], save: Save, transaction: TransactWrite
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
        self._put_claims(save.ref, save.claims, transaction)
        for announcement in save.announcements:
            self._put_outgoing(announcement, save.at, transaction)

    def _put_parts(
        self, parts: Sequence[Part | EntryPart], save: Save, transaction: TransactWrite
    ) -> None:
        for part in parts:
            if isinstance(part, Part):
                self._put_fact(part, save.ref, transaction)
            else:
                self._put_entry(part, save.ref, transaction)

    def _put_fact(self, part: Part, ref: Ref, transaction: TransactWrite) -> None:
        fact = part.fact
        as_of = f"{iso(fact.version)} {iso(fact.occurred_at)}"
        item = self.item(str(ref), fact.key, fact=fact.to_json(), as_of=as_of)
        not_newer = self.item.as_of.does_not_exist() | (self.item.as_of <= as_of)
        transaction.save(item, condition=not_newer)
        for record in part.links:
            transaction.save(self._link(record, ref))

    def _put_entry(self, part: EntryPart, ref: Ref, transaction: TransactWrite) -> None:
        """Once and never again."""
        row = part.row
        item = self.item(str(ref), f"{ENTRY}{row.id}", entry=dict(row.entry), number=row.number)
        transaction.save(item, condition=self.item.entry.does_not_exist())
        for one in part.handouts:
            self._hand_out(one, ref.connection, transaction)

    def _hand_out(self, one: Handout, connection: str, transaction: TransactWrite) -> None:
        place = rewards(connection, one.reward)
        counted: list[Action] = [self.item.number.add(one.change)]
        transaction.update(self.item(place, GIVEN), counted, condition=self._is_in_stock(one))
        if one.code:
            code = self.item(place, f"{CODE}{one.code}")
            transaction.save(code, condition=self.item.ref.does_not_exist())

    def _is_in_stock(self, one: Handout) -> Condition | None:
        """None where there are as many as are wanted, or where it comes back."""
        if one.stock is None or one.change < 0:
            return None
        given = self.item.number
        is_left: Condition = given < one.stock
        return is_left | given.does_not_exist() if one.stock else is_left

    def _card_actions(self, save: Save) -> list[Action]:
        item, version = self.item, save.base_version + 1
        held = {**numbers(save.body), "made": save.made}
        return [
            item.version.set(version),
            item.written_version.set(version if save.settled else item.written_version | 0),
            item.outgoing.set(dict(save.outgoing)),
            assign(item.doubt_until, save.doubt_until),
            item.published.set(item.published | {}),
            item.body.set(dict(save.body)),
            item.shard.set(shard(save.ref)),
            item.due_at.set(save.due_at or NEVER),
            assign(item.next_change_at, save.next_change_at),
            item.revision.set(save.revision),
            assign(item.seen, save.seen.to_json() if save.seen else None),
            assign(item.debts, save.debts.to_json() if save.debts else None),
            *self._kept_identities(save.claims),
            *([item.setback.remove()] if save.afresh else []),
            *(assign(getattr(item, name), held.get(name)) for name in INDEXED),
        ]


def _after(parts: Sequence[Part | EntryPart], save: Save) -> Save:
    """With the version that a batch ahead of the card leaves behind.

    Entries move it, or somebody who had read the ledger without them could spend what they take.
    Who has no card yet has nothing to spend.
    """
    if save.base_version and any(isinstance(part, EntryPart) for part in parts):
        return replace(save, base_version=save.base_version + 1)
    return save


def _bytes(value: Json) -> int:
    """As it travels, with a text inside a text."""
    return len(json.dumps(canonical(value)))


def _part_batches(save: Save) -> list[list[Part | EntryPart]]:
    new = frozenset(save.related)
    parts: list[Part | EntryPart] = [
        Part(fact, FactSet.of([fact]).related() & new) for fact in save.facts
    ]
    parts += [
        EntryPart(row, tuple(one for one in save.handouts if one.entry == row.id))
        for row in save.entries
    ]
    cut = batches(
        parts,
        # The card, its history row and its announcements, or a check of the card; and a look for
        # a tombstone; and by what the subject is known.
        count=ITEMS_PER_TRANSACTION
        - (2 if save.base_version else 3)
        - save.claims.items
        - len(save.announcements),
        size=BYTES_PER_TRANSACTION,
        measure=lambda part: part.size,
        parts=lambda part: part.items,
    )
    return list(cut) or [[]]
