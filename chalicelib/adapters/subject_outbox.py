"""Announcements in a subject's collection: written with its card, then marked way by way.

Each stays for a while after it has gone out, so that what is found once more is not sent again.
They sort behind the history, where no scorer reads them.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial

from pynamodb.exceptions import DoesNotExist, UpdateError
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action
from pynamodb.transactions import TransactWrite

from chalicelib.adapters.refusals import CONDITION_FAILED, codes, patiently, translating
from chalicelib.adapters.subject_rows import OUT
from chalicelib.adapters.subject_table import SubjectTable
from chalicelib.core.announcements import Announcement
from chalicelib.core.model import Ref
from chalicelib.core.outgoing import Outgoing

REMEMBERED = timedelta(days=30)


class OutboxItems(SubjectTable):
    def outgoing(self, subject: Ref, id_: str) -> Outgoing | None:
        with translating():
            try:
                row = self.item.get(str(subject), OUT + id_, consistent_read=True)
            except DoesNotExist:
                return None
        done, claimed = (frozenset(one or ()) for one in (row.done, row.claimed))
        return Outgoing(Announcement.from_json(row.announcement), done, claimed)

    def claim(self, subject: Ref, id_: str, way: str) -> bool:
        free = ~self.item.claimed.contains(way) & ~self.item.done.contains(way)
        return self._mark(subject, id_, [self.item.claimed.add({way})], free)

    def release(self, subject: Ref, id_: str, way: str) -> None:
        self._mark(subject, id_, [self.item.claimed.delete({way})])

    def mark_done(self, subject: Ref, id_: str, way: str) -> None:
        self._mark(subject, id_, [self.item.done.add({way})])

    def _mark(
        self, subject: Ref, id_: str, actions: Sequence[Action], more: Condition | None = None
    ) -> bool:
        """Whether it was there and the condition held."""
        there = self.item.announcement.exists()
        condition = there & more if more is not None else there
        row = self.item(str(subject), OUT + id_)
        with translating():
            try:
                patiently(
                    partial(row.update, list(actions), condition=condition),
                    self._sleep,
                    through_collisions=True,
                )
            except UpdateError as error:
                if not codes(error) & CONDITION_FAILED:
                    raise
                return False
        return True

    def _put_outgoing(self, one: Announcement, at: datetime, transaction: TransactWrite) -> None:
        """One that is there already, and perhaps on its way, stays as it is."""
        item = self.item
        transaction.update(
            item(str(one.subject), OUT + one.id),
            [
                item.announcement.set(item.announcement | one.to_json()),
                item.expires_at.set(item.expires_at | (at + REMEMBERED)),
            ],
        )
