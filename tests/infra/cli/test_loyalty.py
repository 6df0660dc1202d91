import json
from pathlib import Path

import pytest
import yaml

from tests.loyalty.scenario import toman
from tests.scoring.examples import starter

WHO = "hubspot-main:contact:1"
TEXT = {"en": "Purchase", "fa": "خرید"}


def policy_of(**changes):
    rule = {"id": "buy", "event": "purchase", "per_amount": {"step": 1_000_000}, "text": TEXT}
    levels = [
        {"id": "basic", "at_least": 0, "text": {"en": "Basic", "fa": "پایه"}},
        {"id": "gold", "at_least": 100, "text": {"en": "Gold", "fa": "طلایی"}},
    ]
    section = {"earning": [rule], "tiers": {"levels": levels}} | changes
    return starter(currency="IRR", time_zone="Asia/Tehran", calendar="jalali", loyalty=section)


def bought(name, day, amount, subject=WHO):
    return {
        "subject": subject,
        "type": "purchase",
        "id": name,
        "occurred_at": f"{day}T09:00:00Z",
        "data": {"amount": toman(amount)},
    }


@pytest.fixture
def files(tmp_path):
    policy, facts, operations = (tmp_path / name for name in ("p.yaml", "f.jsonl", "o.jsonl"))
    policy.write_text(yaml.safe_dump(policy_of()), "utf-8")
    rows = [bought("a", "2025-04-01", 600_000), bought("b", "2025-05-01", 500_000)]
    facts.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    asked = {"subject": WHO, "id": "r", "kind": "redeem", "at": "2025-04-15T09:00:00Z"}
    operations.write_text(json.dumps(asked | {"points": 45}), "utf-8")
    return "--policy", policy, "--facts", facts, "--operations", operations


def test_customers_are_shown_as_they_stand_at_every_instant(emtiaz, files):
    at = ("--at", "2025-04-20T00:00:00Z", "--at", "2025-05-02T00:00:00Z")
    outcome = emtiaz("loyalty", "replay", *files, *at, "--json")
    shown = [json.loads(line)["loyalty"] for line in outcome.out.splitlines()]
    assert outcome.code == 0
    assert [(one["points"], one["tier"]) for one in shown] == [(15, "basic"), (65, "gold")]
    assert shown[0]["progress"]["next"]["text"]["en"] == "40 points to Gold"
    assert shown[1]["valid_until"] == "2027-03-20T20:30:00.000Z"
    assert shown[1]["expiring"]["points"] == 15


def test_a_statement_tells_the_ledger_line_by_line(emtiaz, files):
    outcome = emtiaz("loyalty", "statement", *files, "--at", "2025-05-02T00:00:00Z")
    assert outcome.code == 0
    assert [tuple(cells[1:]) for cells in outcome.cells[1:]] == [
        ("+60", "60", "Earned: Purchase"),
        ("-45", "15", "Redeemed"),
        ("+50", "65", "Earned: Purchase"),
    ]


def test_whoever_is_named_by_a_salesforce_id_of_15_characters_is_found(emtiaz, files, tmp_path):
    facts, operations = tmp_path / "short.jsonl", tmp_path / "asked.jsonl"
    subject = "salesforce-main:contact:003Ws00000A1b2CIAR"
    facts.write_text(json.dumps(bought("a", "2025-04-01", 600_000, subject)), "utf-8")
    asked = {"subject": subject[:-3], "id": "r", "kind": "redeem", "at": "2025-04-15T09:00:00Z"}
    operations.write_text(json.dumps(asked | {"points": 45}), "utf-8")
    given = (*files[:2], "--facts", facts, "--operations", operations)
    outcome = emtiaz("loyalty", "replay", *given, "--at", "2025-04-20T00:00:00Z", "--json").json
    assert (outcome["subject"], outcome["loyalty"]["points"]) == (subject, 15)


def test_a_statement_in_json_is_one_entry_a_line(emtiaz, files):
    outcome = emtiaz("loyalty", "statement", *files, "--at", "2025-05-02T00:00:00Z", "--json")
    entries = [json.loads(line) for line in outcome.out.splitlines()]
    assert [entry["id"] for entry in entries] == [
        "earn:buy:purchase:a:1",
        "redeem:r",
        "earn:buy:purchase:b:1",
    ]


def test_what_was_refused_is_told(emtiaz, files):
    Path(files[-1]).write_text(
        json.dumps(
            {
                "subject": WHO,
                "id": "r",
                "kind": "redeem",
                "at": "2025-04-15T09:00:00Z",
                "points": 61,
            }
        )
    )
    outcome = emtiaz("loyalty", "replay", *files, "--at", "2025-05-02T00:00:00Z")
    assert "redeem r was refused: 61 points are asked for, 60 are there" in outcome.err


def test_a_later_policy_counts_from_its_instant_on(emtiaz, files, tmp_path):
    later = tmp_path / "later.yaml"
    twice = policy_of()
    twice["loyalty"]["earning"][0]["per_amount"]["points"] = 20
    later.write_text(yaml.safe_dump(twice), "utf-8")
    then = ("--then", f"2025-04-20T00:00:00Z={later}")
    outcome = emtiaz("loyalty", "replay", *files, *then, "--at", "2025-05-02T00:00:00Z", "--json")
    assert json.loads(outcome.out)["loyalty"]["points"] == 115


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("{", "o.jsonl:1"),
        ("[]", "o.jsonl:1"),
        ('{"subject": "me"}', "an operation needs 'kind'"),
        ('{"kind": "spend"}', "kind must be one of redeem, cancel, adjust, merge"),
        (json.dumps({"subject": "me", "kind": "redeem", "id": "1", "at": "x"}), "not a ref"),
    ],
)
def test_an_operation_that_cannot_be_read_is_told_with_its_line(emtiaz, files, line, complaint):
    Path(files[-1]).write_text(line)
    outcome = emtiaz("loyalty", "replay", *files, "--at", "2025-05-02T00:00:00Z")
    assert outcome.code == 1
    assert complaint in outcome.err
    assert "Traceback" not in outcome.err


def test_a_policy_without_a_programme_is_a_finding(emtiaz, files):
    outcome = emtiaz("loyalty", "replay", "--facts", files[3], "--at", "2025-05-02T00:00:00Z")
    assert outcome.code == 1
    assert "the policy has no section loyalty" in outcome.err


@pytest.mark.parametrize("told", ["tomorrow", "tomorrow=p.yaml"])
def test_a_later_policy_without_an_instant_is_a_wrong_use(emtiaz, files, told):
    outcome = emtiaz("loyalty", "replay", *files, "--then", told, "--at", "2025-05-02T00:00:00Z")
    assert outcome.code == 2
