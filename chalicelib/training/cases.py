"""Closed cases in order, in folds, and without what nobody may be judged by."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from random import Random

from chalicelib.core.model import Text
from chalicelib.localization import models as say
from chalicelib.training.binning import Row
from chalicelib.training.leaks import Lags, leaks

NEWEST = 0.2

_NAMES = {"name", "firstname", "lastname", "fullname", "middlename", "nickname", "surname"}
_NEVER = _NAMES | {"gender", "sex", "email", "emailaddress", "emaillocalpart"}
_OWNERS = {"owner", "ownerid", "hubspotownerid"}


@dataclass(frozen=True, slots=True)
class Cases:
    """The older first. ``known_at`` is when each outcome came to be known, where that is told."""

    rows: list[Row]
    outcomes: list[bool]
    known_at: list[datetime] = field(default_factory=list)

    @property
    def did(self) -> int:
        return sum(self.outcomes)

    @property
    def rarer(self) -> int:
        return min(self.did, len(self.outcomes) - self.did)

    def parted(self) -> tuple[Cases, Cases]:
        """The older four fifths and the newest."""
        edge = len(self.rows) - round(NEWEST * len(self.rows))
        return self.chosen(range(edge)), self.chosen(range(edge, len(self.rows)))

    def since(self, instant: datetime) -> tuple[Cases, Cases]:
        """The later half of those whose outcome came to be known after it, and all others."""
        places = [place for place, at in enumerate(self.known_at) if at > instant]
        later = sorted(places, key=lambda place: self.known_at[place])[len(places) // 2 :]
        others = set(range(len(self.rows))).difference(later)
        return self.chosen(later), self.chosen(sorted(others))

    def chosen(self, places: Iterable[int]) -> Cases:
        kept = list(places)
        known_at = [self.known_at[one] for one in kept] if self.known_at else []
        return Cases(
            [self.rows[one] for one in kept], [self.outcomes[one] for one in kept], known_at
        )


def ordered(
    rows: Sequence[Row],
    outcomes: Sequence[bool],
    times: Sequence[datetime] | None,
    seed: int,
    known_at: Sequence[datetime] | None = None,
) -> Cases:
    columns = [outcomes, *(one for one in (times, known_at) if one is not None)]
    if any(len(column) != len(rows) for column in columns):
        raise ValueError("as many outcomes and times as rows are needed")
    order = list(range(len(rows)))
    # Of one instant the order says nothing, and rows often come sorted by their outcome.
    Random(seed).shuffle(order)  # noqa: S311  not a secret
    if times is not None:
        order.sort(key=lambda place: times[place])
    return Cases(list(rows), list(map(bool, outcomes)), list(known_at or ())).chosen(order)


def usable(
    rows: Sequence[Row],
    outcomes: Sequence[bool],
    exclude: Collection[str],
    keep: Collection[str],
    lags: Lags | None,
) -> tuple[list[Row], tuple[Text, ...]]:
    """The rows without what may not be used, and what is to be said of that."""
    names = {name for row in rows for name in row}
    personal = {name for name in names if _is_personal(name, keep)}
    gone = personal | set(exclude)
    left = [_without(row, gone) for row in rows]
    found = [leak for leak in leaks(left, outcomes, lags) if leak.field not in keep]
    said: list[Text] = [leak.sentence for leak in found]
    if personal:
        said.append(say.not_used(sorted(personal), say.PERSONAL))
    return [_without(row, {leak.field for leak in found}) for row in left], tuple(said)


def _is_personal(name: str, keep: Collection[str]) -> bool:
    key = "".join(filter(str.isalnum, name.casefold()))
    return key in _NEVER or (key in _OWNERS and name not in keep)


def _without(row: Row, names: Collection[str]) -> Row:
    return {name: value for name, value in row.items() if name not in names}


def folds_of(outcomes: Sequence[bool], folds: int, seed: int) -> list[set[int]]:
    chance = Random(seed)  # noqa: S311  not a secret
    found: list[set[int]] = [set() for _ in range(folds)]
    for wanted in (True, False):
        places = [place for place, outcome in enumerate(outcomes) if outcome is wanted]
        chance.shuffle(places)
        for order, place in enumerate(places):
            found[order % folds].add(place)
    return found
