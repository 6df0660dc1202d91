"""On the packaged artefact: what a shop sends reaches the record that it is about."""

import json
import urllib.request
from datetime import UTC, datetime, timedelta

import pytest

from infra.sandbox.stand_in import Person
from tests.fakes.events import encoded, order, signed

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def shop(stage):
    """Sends events as a shop does."""
    told = json.loads(stage.rehearsal.emtiaz("events", "secret", *stage.rehearsal.at, "--json"))

    def send(*items):
        body = encoded(items)
        headers = signed(body, told["secrets"][0])
        request = urllib.request.Request(told["address"], body, headers)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, json.load(answer)

    return send


def bought(email, number):
    at = (datetime.now(UTC) - timedelta(days=1)).isoformat(timespec="seconds")
    return order(number, 25_000, who={"email": email}, occurred_at=at)


def test_an_order_makes_a_customer_of_whoever_has_the_address(stage, shop):
    person = stage.people.add_person(Person("mina@shop.example"))
    stage.settle()
    assert "class" not in stage.shown(person)
    status, answer = shop(bought("Mina@Shop.example", 1), {"id": "none"})
    assert (status, answer["accepted"]) == (202, 1)
    assert [one["pointer"] for one in answer["refused"]] == ["/who"]
    stage.wait_for(lambda: "class" in stage.shown(person))
    assert stage.shown(person)["last_purchase_amount"] == "250"


def test_an_order_waits_for_whom_nobody_knows_yet(stage, shop):
    shop(bought("omid@shop.example", 2))
    stage.settle()
    person = stage.people.add_person(Person("omid@shop.example"))
    stage.wait_for(lambda: "class" in stage.shown(person))
    assert len(stage.store.load(stage.ref(person)).facts.purchases()) == 1
