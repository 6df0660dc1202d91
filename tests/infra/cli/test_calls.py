"""``emtiaz calls`` on fakes."""

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
