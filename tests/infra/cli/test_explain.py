"""What ``emtiaz explain`` says of cards that are limited, doubted, set by hand, or old."""

import json
from datetime import timedelta
from types import SimpleNamespace

import pytest

from chalicelib.core.card_json import card_json
from infra.cli import explain
from infra.cli.policy_page import SHIPPED
from tests.scoring.chapters.test_chapter_01_lead_score import card, page_of, rule
from tests.scoring.examples import NOW, SUBJECT, activity, contact, row


def told(body, capsys, language="en"):
    explain._show(SimpleNamespace(body=body, pending=False), language)
    return " ".join(capsys.readouterr().out.split())


@pytest.fixture
def body(monkeypatch):
    monkeypatch.setenv("COLUMNS", "400")
    page = page_of(("doing", [0, 30], 1, [rule(5, half_life_days=14)]))
    page["attributes"]["given"] = {"type": "number", "of": "contact", "hubspot": "given"}
    page["lead"]["override"] = "given"
    page["lead"]["resets"] = [{"id": "lost", "groups": ["doing"], "when": {"deal": "lost"}}]
    lost = {"status": "lost", "closed_at": (NOW - timedelta(days=30)).isoformat()}
    scanned = {"kind": "page.viewed", "user_agent": "curl/8"}
    views = [activity("page.viewed", NOW, identity=str(number)) for number in range(10)]
    rows = [contact(given=80), row("deal", "1", lost, NOW), row("activity", "bot", scanned, NOW)]
    return card_json(card(page, *views, *rows))


def test_all_that_is_behind_a_number_is_told(body, capsys):
    out = told(body, capsys)
    for part in (
        "Did it 10 times, last today, 30 points (half-life 14 days), 50 without limits",
        "doing: 50 points limited to 30",
        "doing: counts from 2026-02-19T12:30:00.000Z on, reset by lost",
        "a person has set the lead score; computed was 30",
        "Came from a program",
        "page.viewed bot",
    ):
        assert part in out


def test_what_is_not_known_is_told_by_weight(monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "400")
    from tests.scoring.examples import starter

    out = told(card_json(card(starter())), capsys)
    assert out.index("Job title unknown") < out.index("Company revenue unknown")


def test_a_card_of_an_earlier_version_is_still_shown(body, capsys):
    for name in ("unknown", "machine_traffic"):
        del body[name]
    for name in ("limits", "resets", "computed"):
        del body["lead"][name]
    body["lead"]["contributions"] = [
        {name: line[name] for name in ("id", "points", "text")}
        for line in body["lead"]["contributions"]
    ]
    assert "Did it 10 times, last today" in told(body, capsys)


@pytest.fixture
def facts(tmp_path):
    path = tmp_path / "facts.jsonl"
    rows = [contact(job_title="CEO"), activity("page.viewed", NOW)]
    path.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    return path


AT = "2026-03-21T12:30:00Z"


def test_a_file_of_facts_is_explained_without_an_installation(emtiaz, facts):
    outcome = emtiaz("explain", SUBJECT, "--facts", facts, "--at", AT)
    assert outcome.code == 0
    assert ["+15", "fit.decision_maker", "Decides in the company, 15 points"] in outcome.cells
    assert outcome.cells[-1][0].startswith("score 20 at 2026-03-21T12:30:00.000Z by policy ")


def test_the_card_behind_an_explanation_is_json(emtiaz, facts):
    told = emtiaz("explain", SUBJECT, "--facts", facts, "--at", AT, "--json").json
    scored = emtiaz("score", "--facts", facts, "--at", AT, "--json").json
    assert told == scored


def test_another_policy_explains_otherwise(emtiaz, facts, tmp_path):
    text = SHIPPED.read_text("utf-8").replace("points: 15\n", "points: 40\n", 1)
    policy = tmp_path / "policy.yaml"
    policy.write_text(text, "utf-8")
    outcome = emtiaz("explain", SUBJECT, "--facts", facts, "--at", AT, "--policy", policy)
    assert ["+40", "fit.decision_maker", "Decides in the company, 40 points"] in outcome.cells


def test_whoever_is_not_in_the_file_is_a_finding(emtiaz, facts):
    outcome = emtiaz("explain", "hubspot-main:contact:9", "--facts", facts)
    assert outcome.code == 1
    assert "no facts of hubspot-main:contact:9" in outcome.err


@pytest.mark.parametrize("asked", ["003Ws00000A1b2C", "003Ws00000A1b2CIAR"])
@pytest.mark.parametrize("kept", ["003Ws00000A1b2C", "003Ws00000A1b2CIAR"])
def test_a_salesforce_id_of_15_characters_is_the_one_of_18(emtiaz, tmp_path, asked, kept):
    path, subject = tmp_path / "facts.jsonl", f"salesforce-main:contact:{kept}"
    row = {**contact(job_title="CEO"), "subject": subject, "id": kept}
    path.write_text(json.dumps(row), "utf-8")
    told = emtiaz("explain", f"salesforce-main:contact:{asked}", "--facts", path, "--json").json
    assert told["subject"] == "salesforce-main:contact:003Ws00000A1b2CIAR"
    assert "fit.decision_maker" in json.dumps(told["lead"])


def test_options_of_a_file_need_the_file(emtiaz):
    assert emtiaz("explain", SUBJECT, "--at", AT).code == 2
