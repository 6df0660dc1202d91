"""The table of subjects: transactions, patience, and the conditions that all changes share."""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from pynamodb.attributes import Attribute
from pynamodb.exceptions import TransactWriteError, UpdateError
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action
from pynamodb.transactions import TransactWrite
from ulid import ULID

from chalicelib.adapters.refusals import (
    CONDITION_FAILED,
    Sleep,
    codes,
    item_codes,
    patiently,
    translating,
)
from chalicelib.adapters.subject_rows import CARD, LINK, TOMBSTONE, card_of
from chalicelib.adapters.tables import SubjectItem, connection_of, in_table
from chalicelib.core.errors import SubjectErased
from chalicelib.core.model import Ref
from chalicelib.core.stored import StoredCard

Fill = Callable[[TransactWrite], None]

# A transaction takes 100 items and 4 MB; the card and its history row need a share of both.
ITEMS_PER_TRANSACTION = 100
BYTES_PER_TRANSACTION = 3_000_000

INDEXED = ("at", "score", "r", "f", "m", "v", "q", "call", "made")
"""Attributes of a card that stand in the index."""


class SubjectTable:
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

    def cards(self, refs: Sequence[Ref]) -> tuple[StoredCard, ...]:
        keys = dict.fromkeys((str(ref), CARD) for ref in refs)
        with translating():
            rows = {row.ref: row for row in self.item.batch_get(keys, consistent_read=True)}
        return tuple(card_of(rows[ref]) for ref, _ in keys if ref in rows)

    def _transact(self, fill: Fill, *, through_collisions: bool = False) -> None:
        # One token for all attempts: if only the answer was lost, the next one just succeeds.
        token = str(ULID())

        def commit() -> None:
            connection = connection_of(self.item)
            with TransactWrite(connection=connection, client_request_token=token) as transaction:
                fill(transaction)

        patiently(commit, self._sleep, through_collisions=through_collisions)

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

    def _link(self, record: Ref, subject: Ref) -> SubjectItem:
        return self.item(str(record), f"{LINK}{subject}")


def assign(attribute: Attribute[Any], value: object) -> Action:
    return attribute.remove() if value is None else attribute.set(value)
