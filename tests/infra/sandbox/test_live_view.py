"""How soon Emtiaz answers is told alike, however coarsely a CRM keeps time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random

from infra.sandbox.cdnow import Loaded
from infra.sandbox.live_view import Salespeople
from infra.sandbox.stand_in import Deal, Person, Revision


class ShopThatKeepsSeconds:
    """Writes the score when a deal is won, if ``answers``; tells times in whole seconds."""

    def __init__(self, *, answers: bool) -> None:
        self._answers = answers
        self._written = [self._revision()]

    def now(self):
        return datetime.now(UTC)

    def shown(self, person):
        return {"score": str(len(self._written))}

    def revisions(self, person, output):
        return list(self._written)

    def add_deal(self, person: str, deal: Deal) -> str:
        return "1"

    def win(self, deal: str) -> None:
        if self._answers:
            self._written.append(self._revision())

    def _revision(self) -> Revision:
        return Revision(self.now().replace(microsecond=0), "", ours=True)


def salespeople(*, answers: bool) -> Salespeople:
    person = Person("ann@example.com", name=("Ann", "Lee"))
    loaded = Loaded(customers=("7",), leads=(), companies=(), deals=(), people={"7": person})
    return Salespeople(ShopThatKeepsSeconds(answers=answers), loaded, Random(1))


def test_a_write_in_the_second_of_the_change_is_an_answer_to_it():
    outcome = salespeople(answers=True).win_a_deal(wait_seconds=5)

    assert (outcome.before.score, outcome.after.score) == ("1", "2")
    assert outcome.delay is not None
    assert timedelta(0) <= outcome.delay < timedelta(seconds=5)


def test_what_was_written_before_is_no_answer():
    assert salespeople(answers=False).win_a_deal(wait_seconds=0.05).delay is None
