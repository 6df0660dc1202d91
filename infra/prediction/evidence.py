"""What a file tells of everybody, and what is asked of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Protocol, TypeVar

from chalicelib.core.facts import FactSet
from chalicelib.core.model import Ref
from chalicelib.core.policy import Policy, Profile
from chalicelib.core.prediction import PredictionPolicy
from chalicelib.core.stored import Collection, StoredCard
from chalicelib.localization.periods import midnight
from chalicelib.scoring.profile import profile_of
from infra.prediction.buyers import Buyer

T = TypeVar("T")


class Watch(Protocol):
    """Passes rows on, and tells a person how far one has come with that step."""

    def __call__(self, rows: Iterable[T], step: str, /) -> Iterator[T]: ...


def unwatched(rows: Iterable[T], _: str, /) -> Iterator[T]:
    return iter(rows)


@dataclass(frozen=True, slots=True)
class Evidence:
    """As of the end of the day ``end``.

    ``people`` are all subjects of a file of facts that the CRM has not deleted, companies among
    them; of a table of purchases, which tells of ``buyers`` alone, there are none.
    """

    buyers: Sequence[Buyer]
    policy: Policy
    end: date
    people: Mapping[Ref, FactSet] = field(default_factory=dict)
    watch: Watch = unwatched

    @property
    def asked(self) -> PredictionPolicy:
        return self.policy.prediction or PredictionPolicy()

    @property
    def now(self) -> datetime:
        return self.end_of(self.end)

    def end_of(self, day: date) -> datetime:
        return midnight(day + timedelta(days=1), self.policy.time_zone) - timedelta(microseconds=1)

    def collections(self, step: str) -> Iterator[Collection]:
        for ref, facts in self.watch(self.people.items(), step):
            yield Collection(StoredCard.unsaved(ref), facts)

    def profiles(self, step: str) -> Iterator[Profile]:
        """As of ``now``, without companies."""
        for ref, facts in self.watch(self.people.items(), step):
            if ref.kind != "account":
                yield profile_of(ref, facts, self.now, self.policy.machine_traffic)[0]
