import json
from pathlib import Path

import pytest

FACTS = [
    {
        "subject": "hubspot-main:contact:512",
        "type": "contact",
        "id": "512",
        "occurred_at": "2026-03-01T09:00:00Z",
        "modified_at": "2026-03-01T08:59:00Z",
        "data": {"job_title": "CEO", "email": "ada@example.com"},
    },
    {
        "subject": "hubspot-main:contact:512",
        "type": "purchase",
        "id": "order-1",
        "occurred_at": "2026-03-02T09:00:00Z",
        "data": {"amount": {"amount": 12000, "currency": "USD"}},
    },
    {
        "subject": "hubspot-main:contact:7",
        "type": "contact",
        "id": "7",
        "occurred_at": "2026-03-01T09:00:00Z",
        "data": {},
    },
]


@pytest.fixture
def facts(tmp_path):
    path = tmp_path / "facts.jsonl"
    path.write_text("\n".join(json.dumps(fact) for fact in FACTS) + "\n\n")
    return path


def test_every_subject_is_scored_at_every_instant(emtiaz, facts):
    instants = ["2026-03-01T12:00:00Z", "2026-04-01T12:00:00Z"]
    flags = [word for instant in instants for word in ("--at", instant)]
    outcome = emtiaz("score", "--facts", facts, *flags, "--json")
    cards = [json.loads(line) for line in outcome.out.splitlines()]
    assert outcome.code == 0
    assert [(card["subject"][-3:], card["at"][:10]) for card in cards] == [
        ("512", "2026-03-01"),
        ("512", "2026-04-01"),
        ("t:7", "2026-03-01"),
        ("t:7", "2026-04-01"),
    ]
    assert [card["customer"] is not None for card in cards] == [False, True, False, False]


def test_without_a_terminal_a_card_is_a_line_of_cells(emtiaz, facts):
    outcome = emtiaz("score", "--facts", facts, "--at", "2026-04-01T12:00:00Z")
    subject, at, score, class_, grade, _why = outcome.cells[0]
    assert (subject, at) == ("hubspot-main:contact:512", "2026-04-01T12:00:00+00:00")
    assert 0 <= int(score) <= 100
    assert class_ in "ABC"
    assert len(grade) == 2


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("{", "facts.jsonl:4"),
        ('{"subject": "hubspot-main:contact:1"}', "'type'"),
        (json.dumps(FACTS[0] | {"subject": "me"}), "subject: 'me' does not match"),
        ("[]", "facts.jsonl:4"),
    ],
)
def test_a_bad_line_is_told_with_its_number(emtiaz, facts, line, complaint):
    facts.write_text("\n".join(json.dumps(fact) for fact in FACTS) + "\n" + line)
    outcome = emtiaz("score", "--facts", facts, "--at", "2026-04-01T12:00:00Z")
    assert outcome.code == 1
    assert complaint in outcome.err
    assert "Traceback" not in outcome.err


def test_a_missing_file_is_a_sentence(emtiaz, tmp_path):
    outcome = emtiaz("score", "--facts", tmp_path / "none", "--at", "2026-04-01T12:00:00Z")
    assert outcome.code == 1
    assert "No such file" in outcome.err


def test_an_instant_without_a_zone_is_wrong_usage(emtiaz, facts):
    outcome = emtiaz("score", "--facts", facts, "--at", "2026-04-01T12:00:00")
    assert outcome.code == 2
    assert "time zone" in outcome.err


@pytest.mark.parametrize(
    ("page", "complaint"),
    [("- a\n- b\n", "mapping"), ("a: [", "left open above"), ("name: half\n", "lead")],
)
def test_what_is_no_policy_is_a_finding(emtiaz, facts, tmp_path, page, complaint):
    policy = tmp_path / "policy.yaml"
    policy.write_text(page)
    at = "2026-04-01T12:00:00Z"
    outcome = emtiaz("score", "--facts", facts, "--at", at, "--policy", policy)
    assert outcome.code == 1
    assert complaint in outcome.err


def test_the_facts_of_the_reference_score_as_it_says(emtiaz, tmp_path):
    page = Path("docs/reference/policy.md").read_text(encoding="utf-8")
    path = tmp_path / "facts.jsonl"
    shown = page.partition("## Trying a policy on a file of facts")[2]
    path.write_text(shown.split("```jsonl\n")[1].split("```")[0], encoding="utf-8")
    outcome = emtiaz("score", "--facts", path, "--at", "2026-04-01T12:00:00Z", "--json")
    assert outcome.code == 0
    assert outcome.json["customer"]["class"] in "ABC"
    assert {"fit.decision_maker", "fit.large_company"} <= {
        line["id"] for line in outcome.json["lead"]["contributions"]
    }


@pytest.mark.parametrize(
    ("type_", "data", "complaint"),
    [
        ("purchase", {"amount": 12.5}, "data.amount"),
        ("activity", {}, "'kind' is a required property"),
        ("activity", {"kind": "page.viewed", "count": "many"}, "data.count"),
        ("deal", {"status": "sold"}, "data.status"),
        ("links", {"accounts": ["9"]}, "'accounts'"),
    ],
)
def test_what_the_schema_forbids_is_told_with_its_place(emtiaz, tmp_path, type_, data, complaint):
    fact = {"subject": "toy-main:contact:1", "type": type_, "id": "1"}
    fact |= {"occurred_at": "2026-03-30T09:00:00Z", "data": data}
    path = tmp_path / "facts.jsonl"
    path.write_text(json.dumps(fact))
    outcome = emtiaz("score", "--facts", path, "--at", "2026-04-01T12:00:00Z")
    assert outcome.code == 1
    assert "facts.jsonl:1" in outcome.err
    assert complaint in outcome.err


def test_an_empty_file_is_a_finding(emtiaz, tmp_path):
    path = tmp_path / "facts.jsonl"
    path.write_text("")
    assert emtiaz("score", "--facts", path, "--at", "2026-04-01T12:00:00Z").code == 1


def test_a_text_may_hold_any_mark_that_parts_lines_elsewhere(emtiaz, tmp_path):
    fact = FACTS[0] | {"data": {"job_title": "CEO\u2028Ltd\u0085"}}
    path = tmp_path / "facts.jsonl"
    path.write_text("\ufeff" + json.dumps(fact, ensure_ascii=False) + "\r\n", "utf-8")
    outcome = emtiaz("score", "--facts", path, "--at", "2026-04-01T12:00:00Z", "--json")
    assert (outcome.code, json.loads(outcome.out)["subject"][-3:]) == (0, "512")


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("2026-03-01T09:00:00Z", "9999-12-31T23:59:59-12:00", "outside the years 1 to 9999"),
        ('"CEO"', "NaN", "NaN is no number"),
        ('"CEO"', "[" * 20000 + "]" * 20000, "lists stand too deep in each other"),
    ],
)
def test_what_no_fact_can_hold_is_told_with_its_line(emtiaz, tmp_path, old, new, fault):
    path = tmp_path / "facts.jsonl"
    path.write_text(json.dumps(FACTS[2]) + "\n" + json.dumps(FACTS[0]).replace(old, new, 1))
    outcome = emtiaz("score", "--facts", path, "--at", "2026-04-01T12:00:00Z")
    assert outcome.code == 1
    assert f"{path}:2: " in outcome.err
    assert fault in outcome.err


@pytest.mark.parametrize("parameters", ["5", "[]", '{"rfm": 5}'])
def test_models_that_training_never_wrote_are_told(emtiaz, facts, tmp_path, parameters):
    path = tmp_path / "models.json"
    path.write_text(f'{{"version": "one", "parameters": {parameters}}}')
    at = ("--at", "2026-04-01T12:00:00Z")
    outcome = emtiaz("score", "--facts", facts, *at, "--models", path)
    assert outcome.code == 1
    assert "needs version and parameters" in outcome.err


def test_an_instant_that_utc_has_not_is_a_mistake_of_usage(emtiaz, facts):
    assert emtiaz("score", "--facts", facts, "--at", "0001-01-01T00:00:00+03:30").code == 2
