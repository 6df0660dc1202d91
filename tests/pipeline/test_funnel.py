"""What the pipeline keeps of a deal's way, and learns of the ways of all."""

import json
from dataclasses import replace
from datetime import timedelta

from chalicelib.core.facts import Fact
from chalicelib.pipeline.backfill import backfill
from chalicelib.policy import version_of
from tests.fakes.clock import NOON
from tests.pipeline.conftest import CONNECTION, Installation

STAGES = {"intro": ["s1"], "offer": ["s3"]}


def installed(**sections):
    made = Installation()
    page = json.loads(json.dumps(made.settings.live(CONNECTION).policy))
    page |= {"funnel": {"stages": STAGES}, **sections}
    made.settings.publish_policy(CONNECTION, version_of(page), page, NOON)
    return made


def with_deal(installation, ref, stage, status="open"):
    """The only deal of a contact is seen in a stage, as of now."""
    facts = installation.crm.facts[ref]
    now = installation.clock.now()
    told = {"status": status, "stage": stage, "pipeline": "default"}
    closed = {"closed_at": now.isoformat()} if status != "open" else {"closed_at": None}
    changed = (
        replace(fact, data={**fact.data, **told, **closed}, modified_at=now)
        if fact.type == "deal"
        else fact
        for fact in facts
    )
    installation.crm.put(ref, *changed)
    installation.deliver(f"contact:{ref.id}", at=now - timedelta(hours=2))
    installation.run()


def test_a_deal_remembers_when_it_came_to_its_stage():
    installation = installed()
    ref = installation.contact(1, deals=[(NOON, 100)])
    with_deal(installation, ref, "s1")
    installation.clock.advance(days=3)
    with_deal(installation, ref, "s3")
    installation.clock.advance(days=30)
    with_deal(installation, ref, "s3")
    card = installation.card(ref).body
    assert card["stage"] == "offer"
    assert "stage:offer:entered" not in card["segments"]
    assert installation.crm.fields[ref]["stage_segment"] == "offer"
    kept = [fact for fact in installation.store.load(ref).facts if fact.type == "stage"]
    assert len(kept) == 3


def test_backfill_learns_the_stages_of_closed_deals_and_forecasts_the_open_ones():
    installation = installed()
    won, open_ = (installation.contact(n, deals=[(NOON, 100)]) for n in (1, 2))
    with_deal(installation, won, "s3")
    installation.clock.advance(days=10)
    with_deal(installation, won, "closedwon", "won")
    with_deal(installation, open_, "s3")
    for _ in backfill(CONNECTION, installation.services, installation.run):
        pass
    stages = installation.settings.live(CONNECTION).models.parameters["stages"]
    assert (stages["n"], stages["remaining_days"]) == (1, {"offer": 10})
    assert stages["p"]["offer"] == 1
    assert installation.crm.fields[open_]["expected_value"] == 100


def with_orders(installation, number, *categories):
    ref = installation.contact(number)
    worth = {"amount": 1000, "currency": "USD"}
    orders = [
        Fact(ref, "purchase", one, NOON, {"amount": worth, "category": one}) for one in categories
    ]
    installation.crm.put(ref, *installation.crm.facts[ref], *orders)
    return ref


def test_backfill_learns_which_products_go_together_and_suggests_one():
    installation = installed(products={"categories": ["tea", "cups", "cake"]})
    for number in range(20):
        with_orders(installation, number, "tea", "cups")
    for number in range(20, 60):
        with_orders(installation, number, "cake")
    only_tea = with_orders(installation, 60, "tea")
    installation.contact(61)
    for _ in backfill(CONNECTION, installation.services, installation.run):
        pass
    learned = installation.settings.live(CONNECTION).models.parameters["cross_sell"]
    assert (learned["n"], set(learned["goes_with"])) == (61, {"tea", "cups"})
    assert installation.card(only_tea).body["suggestion"]["category"] == "cups"
