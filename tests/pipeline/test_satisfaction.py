"""Segments whose NPS fell by more than the margins of both periods are named."""

from datetime import timedelta

import pytest

from chalicelib.core.facts import Fact, FactSet, iso
from chalicelib.core.model import Ref
from chalicelib.core.stored import Collection, StoredCard
from chalicelib.pipeline.satisfaction import declines
from tests.fakes.clock import NOON
from tests.pipeline.conftest import CONNECTION

DAY = timedelta(days=1)


class Answered:
    """A store of people who answered, each with a segment."""

    def __init__(self):
        self.people = {}

    def add(self, segment, *given):
        """``given`` are answers 0-10 with how many days ago they were given, all of one survey."""
        ref = Ref(CONNECTION, "contact", str(len(self.people)))
        facts = [
            Fact(
                ref, "survey", str(number), NOON,
                {"kind": "nps", "value": value, "answered_at": iso(NOON - days * DAY)}, NOON,
            )
            for number, (value, days) in enumerate(given)
        ]  # fmt: skip
        self.people[ref] = segment, FactSet.of(facts)

    def load(self, ref):
        segment, facts = self.people[ref]
        card = StoredCard.unsaved(ref)
        card.body.update({"rfm": {"segment": segment}} if segment else {})
        return Collection(card, facts)

    @property
    def population(self):
        return [{"ref": str(ref), "q": 50} for ref in self.people]


@pytest.fixture
def store():
    return Answered()


def told(store):
    found = declines(store.population, store, NOON)
    return {one.segment: (one.before.value, one.now.value) for one in found}


def test_a_segment_that_fell_is_named_and_one_that_did_not_is_not(store):
    for _ in range(30):
        store.add("loyal", (10, 100), (2, 10))
        store.add("champion", (10, 100), (9, 10))
    assert told(store) == {"loyal": (100, -100)}


def test_a_fall_that_may_be_chance_is_not_named(store):
    for old, new in ((10, 9), (7, 3), (9, 8)):
        store.add("loyal", (old, 100), (new, 10))
    assert told(store) == {}


def test_only_the_latest_answer_to_a_survey_counts_in_each_period(store):
    for _ in range(30):
        store.add("loyal", (2, 170), (10, 100), (10, 80), (1, 5))
    assert told(store) == {"loyal": (100, -100)}


def test_answers_of_who_has_no_segment_stand_by_themselves(store):
    for _ in range(30):
        store.add(None, (10, 100), (0, 10))
    assert told(store) == {"none": (100, -100)}


def test_a_period_without_answers_tells_nothing(store):
    for _ in range(30):
        store.add("loyal", (0, 10))
        store.add("champion", (10, 200))
    assert told(store) == {}


def test_who_never_answered_is_not_even_read(store):
    assert declines([{"ref": f"{CONNECTION}:contact:1"}], store, NOON) == ()
