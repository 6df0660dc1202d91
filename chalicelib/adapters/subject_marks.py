"""What is noted on cards without scoring anew: writes to the CRM, doubts, debts that were paid."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from functools import partial
from typing import TypeVar, cast

from pynamodb.exceptions import TransactWriteError
from pynamodb.expressions.update import Action
from pynamodb.transactions import TransactWrite

from chalicelib.adapters.batches import batches
from chalicelib.adapters.refusals import CONDITION_FAILED, item_codes, translating
from chalicelib.adapters.subject_rows import CARD, setback_json
from chalicelib.adapters.subject_table import SubjectTable, assign
from chalicelib.adapters.tables import NEVER
from chalicelib.core.model import Ref
from chalicelib.core.stored import Mark, Setback, StoredCard

T = TypeVar("T")
CARDS_PER_TRANSACTION = 25


class Marks(SubjectTable):
    def mark_written(self, marks: Sequence[Mark]) -> None:
        newest = {mark.ref: mark for mark in sorted(marks, key=lambda mark: mark.version)}
        with translating():
            for batch in _card_batches(newest.values()):
                self._all_or_each(batch, self._put_mark, self._mark_overtaken)

    def settle(self, card: StoredCard) -> None:
        item, debts = self.item, card.debts.delivered()
        settled = assign(item.debts, debts.to_json() if debts else None)
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

    def set_back(self, cards: Sequence[StoredCard]) -> None:
        with translating():
            for batch in _card_batches(card for card in cards if card.setback):
                self._all_or_each(batch, self._put_setback, lambda _: None)

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
            assign(self.item.doubt_until, mark.doubt_until),
            self.item.setback.remove(),
        ]

    def _put_setback(self, card: StoredCard, transaction: TransactWrite) -> None:
        item, setback = self.item, cast(Setback, card.setback)
        transaction.update(
            item(str(card.ref), CARD),
            [item.setback.set(setback_json(setback)), item.due_at.set(setback.until)],
            condition=(item.version == card.version) & self._is_no_stub(),
        )

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


def _card_batches(cards: Iterable[T]) -> Iterator[list[T]]:
    return batches(cards, count=CARDS_PER_TRANSACTION, size=0, measure=lambda _: 0)
