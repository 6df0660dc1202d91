"""What a shop tells of tickets and surveys counts, though the CRM has no record of it."""

from datetime import UTC, datetime

import pytest

from chalicelib.core.facts import TOLD, Fact, FactSet
from chalicelib.core.model import Ref
from chalicelib.scoring.models.satisfaction import answers

NOON = datetime(2026, 3, 21, 12, tzinfo=UTC)
ANNA = Ref("hubspot-main", "contact", "1")
NOTHING_LINKED = Fact(ANNA, "links", "links", NOON, {"survey": [], "ticket": []})


def answer(identity):
    return Fact(ANNA, "survey", identity, NOON, {"kind": "nps", "value": 9})


@pytest.mark.parametrize(("identity", "counted"), [("5", 0), (f"{TOLD}5", 1)])
def test_what_was_told_needs_no_association(identity, counted):
    facts = FactSet.of([NOTHING_LINKED, answer(identity)])
    assert len(facts.states("survey")) == counted
    assert len(answers(facts)) == counted


def test_what_was_told_leads_to_no_record():
    facts = FactSet.of([answer("5"), answer(f"{TOLD}6")])
    assert facts.related() == {Ref("hubspot-main", "survey", "5")}
