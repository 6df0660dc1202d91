"""Subjects that move out: cards become stubs, and then all goes that stood behind them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import partial

from pynamodb.exceptions import TransactWriteError
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action
from pynamodb.transactions import TransactWrite

from chalicelib.adapters.batches import batches
from chalicelib.adapters.refusals import CONDITION_FAILED, codes, translating
from chalicelib.adapters.subject_identities import Identities
from chalicelib.adapters.subject_rows import (
    ALIAS,
    CARD,
    TOMBSTONE,
    shard,
    stub_json,
    stub_of,
    told_of,
)
from chalicelib.adapters.subject_table import (
    BYTES_PER_TRANSACTION,
    INDEXED,
    ITEMS_PER_TRANSACTION,
)
from chalicelib.adapters.tables import SubjectItem
from chalicelib.core.errors import SubjectErased
from chalicelib.core.facts import canonical
from chalicelib.core.model import Ref
from chalicelib.core.stored import Leaving, Stub

OF_THE_LIVING = (
    "written_version", "outgoing", "published", "doubt_until", "doubted_version", "setback",
    "body", "next_change_at", "revision", "seen", *INDEXED,
)  # fmt: skip
"""Attributes of a card that a stub has not."""


class Moves(Identities):
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

    def _may_retire(self) -> Condition:
        """An alias and an erasure are final."""
        expired = self.item.stub == stub_json(Stub(Leaving.EXPIRED))
        condition: Condition = self._is_no_stub() | expired
        return condition

    def _is_still(self, stub: SubjectItem) -> Condition:
        same: Condition = (self.item.version == stub.version) & (self.item.stub == stub.stub)
        return same

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
            if stub_of(stub).why is not Leaving.MERGED:
                self._forget(Ref.parse(stub.ref).connection, stub.identities or ())
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
            self._put_releases(Ref.parse(stub.ref), stub.identities or (), transaction)
        if why is Leaving.ERASED:
            transaction.save(self.item(self._tombstone(Ref.parse(stub.ref)), TOMBSTONE))


def _row_batches(rows: Sequence[SubjectItem]) -> Iterator[list[SubjectItem]]:
    return batches(
        rows,
        count=ITEMS_PER_TRANSACTION - 1,
        size=BYTES_PER_TRANSACTION,
        measure=lambda row: len(canonical(row.fact or row.entry or row.change or row.announcement)),
        parts=lambda row: 1 + len(told_of(row)),
    )
