"""Files may spell Salesforce's ids in 15 characters: what belongs together is found together."""

import json
from pathlib import Path

import pytest

from chalicelib.core.facts import Fact, FactSet
from infra.refs import fact_as_delivered

FACTS = Path(__file__).parent / "facts_with_ids_of_15_characters.jsonl"
FULL = {"003Ws00000A1b2C": "003Ws00000A1b2CIAR", "006Ws00000A1b2C": "006Ws00000A1b2CIAR",
        "001Ws00000A1b2C": "001Ws00000A1b2CIAR", "801Ws00000A1b2C": "801Ws00000A1b2CIAR",
        "00kWs00000A1b2C": "00kWs00000A1b2CIAR", "500Ws00000A1b2C": "500Ws00000A1b2CIAR"}  # fmt: skip


def spelled_out(text):
    for short, whole in FULL.items():
        text = text.replace(short, whole)
    return text


def read(text):
    return [Fact.from_json(json.loads(line)) for line in text.splitlines()]


@pytest.mark.parametrize("spelled", [str, spelled_out], ids=["15", "18"])
def test_ids_of_records_are_spelled_as_the_crm_delivers_them(spelled):
    """Also those in 18 characters already; what a shop told and values of attributes stay."""
    text = FACTS.read_text("utf-8")
    found = [fact_as_delivered(one) for one in read(spelled(text))]
    assert found == read(spelled_out(text))


def test_deals_and_orders_of_a_file_are_associated_with_their_person():
    facts = FactSet.of(map(fact_as_delivered, read(FACTS.read_text("utf-8"))))
    assert [deal.id for deal in facts.deals()] == ["006Ws00000A1b2CIAR"]
    bought = {purchase.id for purchase in facts.purchases()}
    assert {"record:801Ws00000A1b2CIAR", "shop00000004711"} <= bought


def test_of_another_crm_nothing_is_changed():
    text = FACTS.read_text("utf-8").replace("salesforce-main", "hubspot-main")
    assert [fact_as_delivered(one) for one in read(text)] == read(text)
