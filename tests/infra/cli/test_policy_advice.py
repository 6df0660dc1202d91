"""``emtiaz policy suggest`` and ``emtiaz policy review``, from a file of facts to a policy."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
import yaml

from chalicelib.policy import validate
from tests.advice.histories import CUTOFF, UNTIL, fact, page, planted, write


@pytest.fixture
def policy(tmp_path):
    path = tmp_path / "policy.yaml"
    text = yaml.safe_dump(page(), sort_keys=False, allow_unicode=True)
    path.write_text(text.replace("temperatures:", "temperatures:  # hot is for the phone"), "utf-8")
    return path


@pytest.fixture
def facts(tmp_path):
    return write(tmp_path / "facts.jsonl", planted(people=700))


def remarks(outcome, topic):
    return {one["about"]: one for one in outcome.json["remarks"] if one["topic"] == topic}


def test_suggest_finds_what_was_planted_and_writes_a_policy_with_it(
    emtiaz, facts, policy, tmp_path
):
    new = tmp_path / "new.yaml"
    outcome = emtiaz(
        "policy", "suggest", "--facts", facts, "--policy", policy, "--output", new, "--json"
    )
    assert outcome.code == 0
    assert outcome.json["people"] == 700
    assert outcome.json["cutoff"] == "2026-03-01T00:00:00.000Z"
    points = remarks(outcome, "points")
    assert points["lead.engagement.driver"]["evidence"]["proposed"] > 20
    assert points["lead.engagement.hurter"]["evidence"]["contradicts"]
    written = yaml.safe_load(new.read_text("utf-8"))
    validate(written)
    driver = written["lead"]["groups"][1]["rules"][0]
    assert driver["points"] == points["lead.engagement.driver"]["evidence"]["proposed"]
    assert "# hot is for the phone" in new.read_text("utf-8")
    assert outcome.json["what_if"]["crm_writes"] > 300


def test_suggest_hardly_changes_what_it_wrote_itself(emtiaz, facts, policy, tmp_path):
    new, again = tmp_path / "new.yaml", tmp_path / "again.yaml"
    emtiaz("policy", "suggest", "--facts", facts, "--policy", policy, "--output", new, "--json")
    emtiaz("policy", "suggest", "--facts", facts, "--policy", new, "--output", again)
    old, newest = (yaml.safe_load(one.read_text("utf-8")) for one in (new, again))
    assert differences(old["lead"]["groups"], newest["lead"]["groups"]) <= 6


def differences(old, new):
    pairs = zip(old, new, strict=True)
    return max(
        abs(one["points"] - other["points"])
        for before, after in pairs
        for one, other in zip(before["rules"], after["rules"], strict=True)
    )


def test_suggest_for_people_says_why_in_numbers(emtiaz, facts, policy):
    outcome = emtiaz("policy", "suggest", "--facts", facts, "--policy", policy)
    said = {cells[0]: cells[-1] for cells in outcome.cells if len(cells) > 1}
    assert "bought later" in said["lead.engagement.driver"]
    assert "the sign is wrong" in said["lead.engagement.hurter"]
    assert "customers" in said["customer.value.thresholds"]
    assert outcome.out.startswith("as of 2026-03-01: 700 people, of whom")


def test_a_small_history_proposes_nothing_and_says_so(emtiaz, tmp_path, policy):
    facts = write(tmp_path / "few.jsonl", planted(people=25))
    outcome = emtiaz("policy", "suggest", "--facts", facts, "--policy", policy)
    assert outcome.code == 0
    assert "nothing is proposed" in outcome.out
    assert "→" not in outcome.out


def test_a_history_that_begins_after_the_cutoff_is_a_finding(emtiaz, facts, policy):
    outcome = emtiaz("policy", "suggest", "--facts", facts, "--policy", policy, "--horizon", "4000")
    assert outcome.code == 1
    assert "shorter --horizon" in outcome.err


def test_the_shipped_policy_keeps_its_comments_and_aliases(emtiaz, tmp_path):
    def clicks(random, facts, ref):
        if random.random() < 0.4:
            at = CUTOFF - timedelta(days=1 + random.random())
            facts.append(fact(ref, "activity", "click", at, kind="email.clicked"))
            return 1.5
        return 0

    facts = write(tmp_path / "facts.jsonl", planted(people=600, more=[clicks]))
    new = tmp_path / "new.yaml"
    outcome = emtiaz("policy", "suggest", "--facts", facts, "--output", new, "--json")
    clicked = remarks(outcome, "points")["lead.engagement.email_clicked"]
    assert [change["path"] for change in clicked["changes"]] == [
        "/lead/groups/1/rules/1/points",
        "/customer/components/0/rules/1/points",
    ]
    starter = Path("chalicelib/policy/shipped/starter.yaml").read_text("utf-8").splitlines()
    lines = new.read_text("utf-8").splitlines()
    differing = [pair for pair in zip(starter, lines, strict=True) if pair[0] != pair[1]]
    assert 0 < len(differing) < 12
    assert all(old.partition("#")[2] == after.partition("#")[2] for old, after in differing)
    assert "rules: *engagement" in new.read_text("utf-8")


def test_review_tells_every_kind_of_finding_with_its_what_if(emtiaz, tmp_path, policy):
    def demo(random, facts, ref):
        if random.random() < 0.3:
            at = CUTOFF - timedelta(days=5)
            facts.append(fact(ref, "activity", "demo", at, kind="x.demo"))
            return 1.5
        return 0

    written = yaml.safe_load(policy.read_text("utf-8"))
    never = {"id": "never", "when": {"attribute": "job", "equals": "pope"}, "points": 3}
    written["lead"]["groups"][0]["rules"].append({**never, "text": {"en": "Pope", "fa": "پاپ"}})
    policy.write_text(yaml.safe_dump(written, allow_unicode=True), "utf-8")
    facts = write(tmp_path / "facts.jsonl", planted(people=700, more=[demo]))
    outcome = emtiaz("policy", "review", "--facts", facts, "--policy", policy, "--json")
    assert outcome.code == 0
    assert remarks(outcome, "reach")["lead.fit.never"]["what_if"]["moved"] == 0
    hurter = remarks(outcome, "points")["lead.engagement.hurter"]
    assert hurter["evidence"]["contradicts"]
    assert hurter["what_if"]["crm_writes"] > 50
    unscored = remarks(outcome, "unscored")["x.demo"]
    assert unscored["changes"][0]["op"] == "add"
    assert unscored["what_if"]["moved"] > 100
    assert "lead.temperatures" in remarks(outcome, "thresholds")


def test_review_for_people_has_a_part_for_each_kind(emtiaz, facts, policy):
    outcome = emtiaz("policy", "review", "--facts", facts, "--policy", policy)
    assert "thresholds against who bought later" in outcome.out
    assert "what no rule asks for" in outcome.out
    assert "CRM writes" in outcome.out


@pytest.mark.parametrize("command", ["suggest", "review"])
def test_records_that_were_changed_later_are_counted_aloud(emtiaz, tmp_path, policy, command):
    rows = planted(people=60)
    late = {
        ref: known.merge([fact(ref, "contact", ref.id, UNTIL - timedelta(days=1), job="chief")])
        for ref, known in rows.items()
    }
    facts = write(tmp_path / "facts.jsonl", late)
    arguments = ("policy", command, "--facts", facts, "--policy", policy)
    said = emtiaz(*arguments).out
    assert "records are not as they were then, so what they say is unknown" in said
    assert "taken as they are now" in emtiaz(*arguments, "--trust-records").out
    found = json.loads(emtiaz(*arguments, "--json").out)
    assert found["people"] > 20
    assert found["changed_records"] == found["people"]


SHIPPED = sorted(Path("chalicelib/policy/shipped").glob("*.yaml"))


@pytest.mark.parametrize("shipped", SHIPPED, ids=lambda path: path.stem)
def test_every_shipped_policy_can_be_advised_on(emtiaz, tmp_path, shipped):
    facts = write(tmp_path / "facts.jsonl", planted(people=60))
    new = tmp_path / "new.yaml"
    arguments = ("--facts", facts, "--policy", shipped, "--json")
    assert emtiaz("policy", "suggest", *arguments, "--output", new).code == 0
    validate(yaml.safe_load(new.read_text("utf-8")))
    assert emtiaz("policy", "review", *arguments).code == 0


def test_a_shipped_policy_named_instead_of_its_file_is_written_with_what_is_proposed(
    emtiaz, tmp_path, facts
):
    new = tmp_path / "new.yaml"
    arguments = ("--facts", facts, "--policy", "online_shop", "--output", new, "--json")
    assert emtiaz("policy", "suggest", *arguments).code == 0
    assert emtiaz("policy", "validate", new).code == 0


@pytest.mark.parametrize(
    ("option", "value", "code"),
    [("--horizon", "36501", 2), ("--until", "0001-01-01T00:00:00Z", 1)],
)
def test_a_history_before_all_dates_is_told_and_no_traceback(emtiaz, facts, option, value, code):
    outcome = emtiaz("policy", "suggest", "--facts", facts, option, value)
    assert (outcome.code, "Traceback" in outcome.err) == (code, False)
