"""``emtiaz policy validate``, ``show``, ``diff`` and ``simulate``, as a shell runs them."""

import csv
import json
from pathlib import Path

import pytest

from infra.cli.policy_page import SHIPPED

STARTER = SHIPPED.read_text("utf-8")
ORDERS = Path("tests/data/rfm_orders/orders.csv")
AT = "2006-12-31T00:00:00Z"


@pytest.fixture
def changed(tmp_path):
    def write(*pairs, name="new.yaml"):
        text = STARTER
        for old, new in pairs:
            assert old in text
            text = text.replace(old, new, 1)
        path = tmp_path / name
        path.write_text(text, "utf-8")
        return path

    return write


@pytest.fixture(scope="session")
def facts(tmp_path_factory):
    """Public orders, and a job title for every third customer."""
    path = tmp_path_factory.mktemp("facts") / "facts.jsonl"
    with ORDERS.open(encoding="utf-8") as source, path.open("w", encoding="utf-8") as out:
        for number, order in enumerate(csv.DictReader(source)):
            for row in _rows(number, order):
                out.write(json.dumps(row) + "\n")
    return path


def _rows(number, order):
    common = {
        "subject": f"hubspot-main:contact:{order['customer']}",
        "occurred_at": f"{order['date']}T10:00:00Z",
    }
    amount = {"amount": int(order["revenue"]) * 100, "currency": "USD"}
    yield common | {"type": "purchase", "id": str(number), "data": {"amount": amount}}
    yield common | {"type": "activity", "id": str(number), "data": {"kind": "page.viewed"}}
    if int(order["customer"]) % 3 == 0:
        data = {"job_title": "CEO"}
        yield common | {"type": "contact", "id": order["customer"], "data": data}


def test_a_good_policy_has_no_mistakes(emtiaz):
    outcome = emtiaz("policy", "validate", SHIPPED)
    assert (outcome.code, outcome.out) == (0, "")
    assert emtiaz("policy", "validate", SHIPPED, "--json").json == []


def test_mistakes_of_several_files_are_told_by_file(emtiaz, changed):
    first = changed(("currency: USD", "currency: toman"), name="a.yaml")
    second = changed(("hot: 70", "hot: 7O"), ("step: 5", "step: 0"), name="b.yaml")
    outcome = emtiaz("policy", "validate", first, SHIPPED, second)
    assert outcome.code == 1
    assert "3 mistakes in 2 files" in outcome.err
    assert f"{first}:8:11: " in outcome.err
    assert "^^^^^" in outcome.err


def test_mistakes_are_json_for_scripts(emtiaz, changed):
    path = changed(("currency: USD", "currency: toman"))
    outcome = emtiaz("policy", "validate", path, "--json")
    assert outcome.code == 1
    (mistake,) = outcome.json
    assert mistake["file"] == str(path)
    assert (mistake["line"], mistake["column"], mistake["pointer"]) == (8, 11, "/currency")
    assert mistake["message"].startswith("write the three capital letters")


def test_a_file_that_is_not_there_is_a_finding(emtiaz, tmp_path):
    outcome = emtiaz("policy", "validate", tmp_path / "none.yaml")
    assert outcome.code == 1
    assert "No such file" in outcome.err


def test_a_policy_is_shown_as_it_is_read(emtiaz):
    outcome = emtiaz("policy", "show", SHIPPED)
    assert outcome.code == 0
    assert ["lead", "fit", "fit", "1", "[0, 50]"] in outcome.cells
    opened = next(cells for cells in outcome.cells if cells[1:2] == ["email_opened"])
    assert opened[2:4] == ["+3", "half-life 7 days, at most 2 a day"]


def test_what_a_policy_leaves_out_is_shown_too(emtiaz):
    shown = emtiaz("policy", "show", SHIPPED, "--json").json
    assert shown["policy"]["machine_traffic"]["burst_seconds"] == 2
    assert len(shown["version"]) == 12


def test_a_difference_is_told_by_meaning(emtiaz, changed):
    new = changed(("points: 15\n", "points: 25\n"), ("hot: 70", "hot: 75"))
    outcome = emtiaz("policy", "diff", SHIPPED, new)
    assert outcome.code == 0
    assert outcome.cells[1:] == [
        ["changed", "lead fit decision_maker points", "15", "25"],
        ["changed", "lead temperatures hot", "70", "75"],
    ]
    kinds = [
        one["kind"] for one in emtiaz("policy", "diff", SHIPPED, new, "--json").json["changes"]
    ]
    assert kinds == ["changed", "changed"]


def test_comments_and_order_are_no_difference(emtiaz, changed):
    new = changed(("name: Starter", "# a comment\nname: Starter"))
    outcome = emtiaz("policy", "diff", SHIPPED, new)
    assert "0 differences" in outcome.out


def simulated(emtiaz, facts, new, *more):
    options = ("--facts", facts, "--against", SHIPPED, "--at", AT)
    return emtiaz("policy", "simulate", new, *options, *more)


def test_an_instant_to_simulate_at_without_a_zone_is_wrong_usage(emtiaz, facts):
    outcome = simulated(emtiaz, facts, SHIPPED, "--at", "2026-03-21T12:00:00")
    assert outcome.code == 2
    assert "time zone" in outcome.err


def test_a_policy_that_is_not_there_names_the_shipped_ones(emtiaz):
    assert "online_shop" in emtiaz("policy", "show", "on_line_shop").err
    assert "online_shop" not in emtiaz("policy", "show", "mine.yaml").err


def test_a_simulation_says_who_moves_and_why(emtiaz, changed, facts):
    new = changed(("points: 15\n", "points: 35\n"), ("weight: 60", "weight: 1"))
    found = simulated(emtiaz, facts, new, "--yes", "--json").json
    assert found["subjects"] == 199
    assert 0 < found["moved"] <= 199
    first = found["movers"][0]
    assert first["by"] == first["after"]["score"] - first["before"]["score"]
    assert {"id", "before", "after", "text"} == set(first["why"][0])
    assert found["crm_writes"]["records"] >= sum(bool(one["written"]) for one in found["movers"])
    assert sum(one["subjects"] for one in found["migrations"]["class"]) == 199


def test_the_lift_of_both_policies_has_intervals(emtiaz, changed, facts):
    found = simulated(emtiaz, facts, changed(("weight: 60", "weight: 1")), "--yes", "--json").json
    assert {row["score"] for row in found["lift"]} == {"lead_score", "customer_score"}
    for row in found["lift"]:
        assert row["old"]["low"] <= row["old"]["lift"] <= row["old"]["high"]
        assert row["verdict"] in ("better", "worse", "no difference proved")
    again = simulated(emtiaz, facts, changed(("weight: 60", "weight: 1")), "--yes", "--json").json
    assert again == found


def test_a_surprise_wants_a_yes(emtiaz, changed, facts):
    new = changed(("{A: 70, B: 40}", "{A: 30, B: 10}"))
    outcome = simulated(emtiaz, facts, new)
    assert outcome.code == 1
    assert "change class; if that is meant, say --yes" in outcome.err
    assert simulated(emtiaz, facts, new, "--yes").code == 0


def test_the_same_policy_moves_nobody_and_costs_nothing(emtiaz, facts):
    outcome = simulated(emtiaz, facts, SHIPPED)
    assert outcome.code == 0
    assert "0 of 199 records get another score" in outcome.out
    assert "0 records would be written" in outcome.out


def test_errors_refuse_even_with_a_yes(emtiaz, changed, facts):
    new = changed(("hot: 70", "hot: 30"))
    outcome = simulated(emtiaz, facts, new, "--yes")
    assert outcome.code == 1
    assert f"{new}:" in outcome.err
    assert outcome.out == ""


def test_without_any_purchase_after_the_cutoff_there_is_no_lift(emtiaz, facts):
    outcome = emtiaz(
        *("policy", "simulate", SHIPPED, "--facts", facts, "--against", SHIPPED),
        *("--at", "2012-01-01T00:00:00Z"),
    )
    assert "nobody bought in the 90 days" in outcome.err
