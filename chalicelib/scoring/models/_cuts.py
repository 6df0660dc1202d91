"""Cut points, and the scores 1-5 that they make."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import cast

from chalicelib.core.model import Json, Money
from chalicelib.core.structs import struct

_TOP = 4  # steps between the lowest score, 1, and the highest, 5
_MIDDLE = 3


@struct
class Cuts:
    """Cut points in days, purchases and smallest units of money, each sorted.

    ``ids`` has, where ties go by the customer's id, the id of whom each cut point is.
    """

    r: tuple[float, ...]
    f: tuple[float, ...]
    m: tuple[float, ...]
    ids: Mapping[str, tuple[str, ...]] | None = None

    @classmethod
    def fitted(cls, parameters: Mapping[str, Json], *, ties_by_id: bool = False) -> Cuts | None:
        """From trained parameters; None where the population was too small to have any."""
        if "r" not in parameters:
            return None
        found = cast("Mapping[str, Sequence[float]]", parameters)
        told = cast("Mapping[str, Sequence[str]] | None", parameters.get("ids"))
        ids = {name: tuple(told[name]) for name in "rfm"} if told and ties_by_id else None
        return cls(tuple(found["r"]), tuple(found["f"]), tuple(found["m"]), ids)

    def scores(
        self, recency_days: int, frequency: int, monetary: int, customer: str = ""
    ) -> tuple[int, int, int]:
        r, f, m = self._places(recency_days, frequency, monetary, customer)
        return 6 - _score(self.r, r), _score(self.f, f), _score(self.m, m) if monetary > 0 else 1

    def _places(
        self, recency_days: int, frequency: int, monetary: int, customer: str
    ) -> tuple[int, int, int]:
        """How many of the cut points lie strictly below each."""
        if self.ids is None:
            r, f, m = self.r, self.f, self.m
            return bisect_left(r, recency_days), bisect_left(f, frequency), bisect_left(m, monetary)
        return (
            self.below("r", recency_days, customer),
            self.below("f", frequency, customer),
            self.below("m", monetary, customer),
        )

    def scores_of_all(self, rows: Sequence[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
        """The scores of a whole population, for which ties by id do not count."""
        r, f, m = ([row[place] for row in rows] for place in range(3))
        worth = self._scores_of("m", m)
        if min(m) <= 0:
            worth = [score if value > 0 else 1 for score, value in zip(worth, m, strict=True)]
        return list(zip(self._scores_of("r", r), self._scores_of("f", f), worth, strict=True))

    def _scores_of(self, name: str, values: Sequence[int]) -> list[int]:
        cuts = self._of(name)
        scores = [_score(cuts, below) for below in range(len(cuts) + 1)]
        if name == "r":
            scores = [6 - score for score in scores]
        of_each = {value: scores[bisect_left(cuts, value)] for value in set(values)}
        return [of_each[value] for value in values]

    def below(self, name: str, value: float, customer: str = "") -> int:
        """How many of the cut points lie strictly below the value."""
        cuts = self._of(name)
        if self.ids is None:
            return bisect_left(cuts, value)
        return bisect_left(list(zip(cuts, self.ids[name], strict=True)), (value, customer))

    def beaten(
        self, recency_days: int, frequency: int, monetary: int, customer: str = ""
    ) -> tuple[int, int, int]:
        """Per cent of the customers, in whole groups, that each is better than."""
        r, f, m = self._places(recency_days, frequency, monetary, customer)
        most = len(self.r)
        return _share(most - r, most), _share(f, len(self.f)), _share(m, len(self.m))

    def next_recency(self, recency_days: int, customer: str = "") -> int | None:
        """The first greater number of days that has another R score."""
        passed = self.below("r", recency_days, customer)
        if passed == len(self.r):
            return None
        cut = self.r[passed]
        is_behind = self.ids is not None and customer > self.ids["r"][passed]
        return int(cut) if is_behind and cut == int(cut) else int(cut // 1) + 1

    def _of(self, name: str) -> tuple[float, ...]:
        return self.r if name == "r" else self.f if name == "f" else self.m


def _share(passed: int, cuts: int) -> int:
    return round(100 * passed / (cuts + 1))


def _score(cuts: Sequence[float], below: int) -> int:
    return 1 + _TOP * below // len(cuts) if cuts else _MIDDLE


def thresholds(page: Mapping[str, Sequence[float]], currency: str) -> Cuts:
    """Money stands on the page in major units, as people say it."""
    return Cuts(
        r=tuple(sorted(page.get("r", ()))),
        f=tuple(sorted(page.get("f", ()))),
        m=in_smallest_units(page.get("m", ()), currency),
    )


def in_smallest_units(amounts: Sequence[float], currency: str) -> tuple[int, ...]:
    money = (Money.from_decimal(Decimal(str(value)), currency) for value in amounts)
    return tuple(sorted(one.amount for one in money))
