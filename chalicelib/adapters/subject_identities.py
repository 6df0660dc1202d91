"""Who is known by which identity, and what waits for whom nobody knows.

All that is said of one identity hangs on one item: it has owners, or something waits there, and
never both. So whoever claims an identity and whoever tells of it meet in a condition of that item,
and neither misses the other.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial

from pynamodb.exceptions import DeleteError, TransactWriteError
from pynamodb.expressions.condition import Condition, size
from pynamodb.expressions.update import Action
from pynamodb.transactions import TransactWrite

from chalicelib.adapters.batches import batches
from chalicelib.adapters.refusals import (
    CONDITION_FAILED,
    codes,
    item_codes,
    patiently,
    translating,
)
from chalicelib.adapters.subject_table import (
    BYTES_PER_TRANSACTION,
    ITEMS_PER_TRANSACTION,
    SubjectTable,
    assign,
)
from chalicelib.adapters.tables import SubjectItem
from chalicelib.core.facts import Fact, canonical, iso
from chalicelib.core.identity import MOST_OWNERS, ROWS_AT_ONCE, Claims, Waiting
from chalicelib.core.model import Json, Ref

WHO = "#WHO"
WAIT = "WAIT#"


class Identities(SubjectTable):
    def owners(self, connection: str, identities: Sequence[str]) -> Mapping[str, tuple[Ref, ...]]:
        places = {self._place(connection, one): one for one in identities}
        keys = [(place, WHO) for place in places]
        found: dict[str, tuple[Ref, ...]] = dict.fromkeys(identities, ())
        with translating():
            for row in self.item.batch_get(keys, consistent_read=True):
                found[places[row.ref]] = tuple(map(Ref.parse, row.owners or ()))
        return found

    def waiting(self, connection: str, identity: str) -> Waiting:
        place = self._place(connection, identity)
        with translating():
            # One Query, which meets the number before the rows: what is put meanwhile is not in it.
            rows = self.item.query(place, consistent_read=True, limit=ROWS_AT_ONCE + 2)
            found = {row.sk: row for row in rows}
        head = found.pop(WHO, None)
        facts = tuple(row.fact for row in found.values())
        return Waiting(
            identity,
            number=int(head.waiting or 0) if head else 0,
            rows=facts[:ROWS_AT_ONCE],
            is_whole=len(facts) <= ROWS_AT_ONCE,
            is_crowded=head is not None and len(head.owners or ()) >= MOST_OWNERS,
        )

    def wait(
        self,
        connection: str,
        identity: str,
        rows: Sequence[Mapping[str, Json]],
        until: datetime,
        *,
        ref: Ref | None = None,
    ) -> None:
        place = self._place(connection, identity)
        cut = batches(
            rows,
            count=ITEMS_PER_TRANSACTION - 2,
            size=BYTES_PER_TRANSACTION,
            measure=lambda row: len(canonical(row)),
        )
        with translating():
            for batch in cut:
                put = partial(self._put_waiting, place, batch, until)
                self._transact_unless_erased([ref] if ref else [], put, through_collisions=True)

    def _put_waiting(
        self,
        place: str,
        rows: Sequence[Mapping[str, Json]],
        until: datetime,
        transaction: TransactWrite,
    ) -> None:
        for row in rows:
            key = f"{WAIT}{_key(row)}"
            transaction.save(self.item(place, key, fact=dict(row), expires_at=until))
        transaction.update(
            self.item(place, WHO),
            [self.item.waiting.add(1), self.item.expires_at.set(until)],
            condition=self.item.owners.does_not_exist(),
        )

    def _put_claims(self, ref: Ref, claims: Claims, transaction: TransactWrite) -> None:
        """After the update of the card, so that ``_is_awaited`` finds them at the end."""
        for one in _conditional(claims):
            self._put_claim(ref, one, transaction)
        self._put_releases(ref, claims.gone, transaction)

    def _put_claim(self, ref: Ref, claim: Waiting, transaction: TransactWrite) -> None:
        item, place = self.item, self._place(ref.connection, claim.identity)
        for row in claim.rows:
            transaction.delete(self.item(place, f"{WAIT}{_key(row)}"))
        if claim.is_whole:
            actions = [
                item.owners.add({str(ref)}),
                item.waiting.remove(),
                item.expires_at.remove(),
            ]
        else:
            actions = [item.waiting.add(1)]  # who else has read the rows must read again
        transaction.update(self.item(place, WHO), actions, condition=self._is_as_read(claim))

    def _kept_identities(self, claims: Claims) -> list[Action]:
        """On the card."""
        return [] if claims.kept is None else [assign(self.item.identities, [*claims.kept] or None)]

    def _is_as_read(self, claim: Waiting) -> Condition:
        owners, number = self.item.owners, self.item.waiting
        few = size(owners) < MOST_OWNERS  # type: ignore[no-untyped-call]  # its own
        has_room = owners.does_not_exist() | few
        same = number == claim.number if claim.number else number.does_not_exist()
        condition: Condition = same & has_room
        return condition

    def _put_releases(
        self, ref: Ref, identities: Iterable[str], transaction: TransactWrite
    ) -> None:
        for identity in identities:
            who = self.item(self._place(ref.connection, identity), WHO)
            transaction.update(who, [self.item.owners.delete({str(ref)})])

    def _is_awaited(self, claims: Claims, error: TransactWriteError) -> bool:
        """Whether it is one of the claims that a transaction failed for."""
        count = len(_conditional(claims)) + len(claims.gone)
        return bool(count and CONDITION_FAILED.intersection(item_codes(error)[-count:]))

    def _forget(self, connection: str, identities: Iterable[str]) -> None:
        """Nothing is left of an identity that nobody has and nothing waits under."""
        item = self.item
        is_bare = item.owners.does_not_exist() & item.waiting.does_not_exist()
        for identity in identities:
            row = item(self._place(connection, identity), WHO)
            try:
                patiently(partial(_delete, row, is_bare), self._sleep, through_collisions=True)
            except DeleteError as error:
                if not codes(error) & CONDITION_FAILED:
                    raise

    def _place(self, connection: str, identity: str) -> str:
        digest = hmac.digest(self._salt(), f"{connection} {identity}".encode(), "sha256").hex()
        return f"{connection}#who#{digest}"


def _conditional(claims: Claims) -> list[Waiting]:
    return [one for one in claims.new if not one.is_crowded]


def _key(row: Mapping[str, Json]) -> str:
    """Each version of a state waits for itself; which one counts is for the merge to say."""
    fact = Fact.from_json({**row, "subject": "no-body:contact:0"})
    return f"{fact.key}#{iso(fact.version)}"


def _delete(row: SubjectItem, condition: Condition) -> None:
    row.delete(condition=condition)
