"""What points are looked at and spent with: a connection's programmes, as of one look at them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from chalicelib.core.errors import Rejected
from chalicelib.core.facts import Fact
from chalicelib.core.loyalty import Reward
from chalicelib.core.ports import LiveSettings
from chalicelib.core.stored import Collection
from chalicelib.loyalty.member import Member
from chalicelib.loyalty.program import Programs
from chalicelib.loyalty.rewards import Given
from chalicelib.pipeline.membership import book_of
from chalicelib.pipeline.messages import Reason
from chalicelib.pipeline.programs import programs_in_force
from chalicelib.pipeline.saves import Saves
from chalicelib.pipeline.scorer import compiled
from chalicelib.pipeline.services import Services


class NoProgram(Rejected):
    """The policy in force has no section ``loyalty``."""

    status = 409

    def __init__(self) -> None:
        super().__init__("there is no loyalty programme: the policy has no section loyalty")


@dataclass(frozen=True, slots=True)
class Till:
    """A connection's programmes as of one look at its settings."""

    live: LiveSettings
    programs: Programs
    services: Services
    now: datetime

    @classmethod
    def of(cls, connection: str, services: Services, now: datetime) -> Till:
        """Raises NoProgram, and ConfigurationError for a connection without a policy."""
        live = services.settings.live(connection)
        programs = programs_in_force(live, services)
        if programs is None:
            raise NoProgram
        return cls(live, programs, services, now)

    def saves(self) -> Saves:
        policy, models = compiled(self.live.policy), self.live.models
        return Saves(policy, models, self.now, Reason.SWEEP, self.live.revision, self.programs)

    def member(self, collection: Collection, more: Iterable[Fact] = ()) -> Member:
        """As they stand now, as if ``more`` had happened too; nothing of it is kept."""
        facts = collection.facts.merge(more)
        member = Member(self.programs, facts, book_of(collection))
        member.catch_up(self.now)
        return member

    def given(self, *rewards: Reward) -> Given:
        """What all customers together have had of those that are limited."""
        limited = [one.id for one in rewards if one.stock is not None or one.codes]
        store, connection = self.services.store, self.live.connection.id
        found = {one: store.handed_out(connection, one) for one in limited}
        codes = [one.codes for one in found.values()]
        counts = {reward: one.count for reward, one in found.items()}
        return Given(counts, frozenset().union(*codes))


def score_of(collection: Collection) -> int | None:
    """The customer score of the stored card."""
    match collection.card.body.get("customer"):
        case {"score": int(score)}:
            return score
    return None
