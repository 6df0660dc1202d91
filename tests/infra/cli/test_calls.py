"""``emtiaz calls`` on fakes."""

from dataclasses import replace

import pytest
import yaml

from chalicelib.policy import version_of
from tests.fakes.clock import NOON
from tests.pipeline.conftest import CONNECTION, SHIPPED

TOY = ("--connection", "toy-main")


def publish(fakes, *, without=(), **changes):
    page = yaml.safe_load(SHIPPED.read_text("utf-8")) | changes
    for name in without:
        del page[name]
    fakes.settings.publish_policy(CONNECTION, version_of(page), page, NOON)


@pytest.fixture
def scored(installation):
    """A customer, and two people who have not bought."""
    fakes = installation.fakes
    fakes.contact(512, deals=[(NOON, 120)])
    for number in (1, 2):
        fakes.contact(number)
    for number in (512, 1, 2):
        fakes.deliver(f"contact:{number}")
    fakes.run()
    return fakes


def test_whom_to_call_comes_with_why_and_what_to_do(emtiaz, scored):
    outcome = emtiaz("calls", *TOY)
    assert outcome.code == 0
    rows = {cells[0]: cells[1:] for cells in outcome.cells}
    assert set(rows) == {f"toy-main:contact:{number}" for number in (1, 2, 512)}
    _, _, why, action = rows["toy-main:contact:512"]
    assert why.startswith("5% chance × 120.00 USD, never contacted")
    assert action == "Welcome them and lead to the second purchase"
    assert outcome.err == "3 calls, 45 of 480 minutes\n"


def test_the_budget_bounds_the_list(emtiaz, scored):
    assert len(emtiaz("calls", *TOY, "--minutes", 30, "--json").json) == 2


def test_scripts_get_both_languages_and_the_numbers(emtiaz, scored):
    rows = emtiaz("calls", *TOY, "--json").json
    by_ref = {row["ref"]: row for row in rows}
    customer = by_ref["toy-main:contact:512"]
    assert customer["priority"]["existing"]
    assert customer["priority"]["value"] == {"amount": 12_000, "currency": "USD"}
    assert set(customer["reason"]) == set(customer["next_action"]) == {"en", "fa"}


def test_a_policy_without_priority_has_nobody_to_call(emtiaz, installation):
    publish(installation.fakes, without=["priority"])
    outcome = emtiaz("calls", *TOY)
    assert (outcome.code, outcome.out) == (1, "")
    assert "no section priority" in outcome.err


def test_one_rep_sees_their_own_calls(emtiaz, scored):
    assert emtiaz("calls", *TOY, "--rep", "77", "--json").json == []


POOL = {"sales": [{"id": "77", "minutes_per_day": 480}]}


@pytest.fixture
def pooled(installation):
    """Two people whom the pool takes; one of them is somebody's already."""
    fakes = installation.fakes
    page = yaml.safe_load(SHIPPED.read_text("utf-8"))
    owner = {"type": "text", "of": "contact", "toy": "owner"}
    publish(
        fakes,
        attributes=page["attributes"] | {"owner": owner},
        priority={"deal_value": 1000, "owner": "owner", "write_owner": True, "pools": POOL},
        actions=[{"id": "all", "when": {}, "assign_to": {"pool": "sales"}}],
    )
    anna, ben = fakes.contact(1), fakes.contact(2)
    record, *others = fakes.crm.facts[ben]
    fakes.crm.put(ben, replace(record, data={**record.data, "owner": "78"}), *others)
    fakes.crm.owners[ben] = "78"
    for number in (1, 2):
        fakes.deliver(f"contact:{number}")
    fakes.run()
    return fakes, anna, ben


def test_whom_nobody_owns_gets_the_rep_who_shall_call(emtiaz, pooled):
    fakes, anna, ben = pooled
    outcome = emtiaz("calls", *TOY, "--write-owners", "--yes")
    assert outcome.code == 0
    assert "1 have an owner now" in outcome.err
    assert fakes.crm.owners == {anna: "77", ben: "78"}


def test_a_dry_run_writes_no_owner(emtiaz, pooled):
    fakes, anna, _ = pooled
    outcome = emtiaz("calls", *TOY, "--write-owners", "--dry-run")
    assert (outcome.code, anna in fakes.crm.owners) == (0, False)
    assert "1 of them have no owner" in outcome.err


def test_nobody_is_written_unasked(emtiaz, pooled):
    fakes, anna, _ = pooled
    assert emtiaz("calls", *TOY, "--write-owners").code == 4
    assert emtiaz("calls", *TOY).code == 0
    assert anna not in fakes.crm.owners


def test_who_was_taken_meanwhile_is_told_and_left_alone(emtiaz, pooled):
    fakes, anna, _ = pooled
    fakes.crm.owners[anna] = "79"
    outcome = emtiaz("calls", *TOY, "--write-owners", "--yes")
    assert outcome.code == 1
    assert "owner 79 has them already" in outcome.err
    assert fakes.crm.owners[anna] == "79"


def test_a_policy_that_does_not_allow_it_writes_no_owner(emtiaz, scored):
    outcome = emtiaz("calls", *TOY, "--write-owners", "--yes")
    assert (outcome.code, outcome.out) == (1, "")
    assert "priority.write_owner" in outcome.err
    assert scored.crm.owners == {}
