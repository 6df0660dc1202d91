"""Rows that somebody else holds: accounts are locked with whatever hangs on them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from threading import Condition

from infra.sandbox.salesforce.errors import ApiError


class Locks:
    def __init__(self, wait_s: float) -> None:
        self.wait_s = wait_s
        self._held: set[str] = set()
        self._refusing: Counter[str] = Counter()
        self._freed = Condition()

    def refuse(self, record_id: str, times: int = 1) -> None:
        """As often, what wants this row is told at once that it waited for it in vain."""
        with self._freed:
            self._refusing[record_id] += times

    def meet_refusal(self, ids: Sequence[str]) -> None:
        """Raises ``ApiError`` for a record of these rows, its own and its account's."""
        with self._freed:
            for one in ids:
                if self._refusing[one]:
                    self._refusing[one] -= 1
                    raise unable_to_lock(ids[0])

    @contextmanager
    def holding(self, ids: Sequence[str]) -> Iterator[frozenset[str]]:
        """Hold what is to be had; gives those that were not."""
        with ExitStack() as held:
            yield frozenset(one for one in dict.fromkeys(ids) if not self._take(one, held))

    def _take(self, one: str, held: ExitStack) -> bool:
        with self._freed:
            if not self._freed.wait_for(lambda: one not in self._held, self.wait_s):
                return False
            self._held.add(one)
        held.callback(self._free, one)
        return True

    def _free(self, one: str) -> None:
        with self._freed:
            self._held.discard(one)
            self._freed.notify_all()


def unable_to_lock(record_id: str) -> ApiError:
    message = f"unable to obtain exclusive access to this record or 1 records: {record_id}"
    return ApiError("UNABLE_TO_LOCK_ROW", message)
