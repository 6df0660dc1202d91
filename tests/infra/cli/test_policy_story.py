import pytest

from chalicelib.core.model import Text
from infra import stories
from infra.stories.play import SEEN

ISOLATES = dict.fromkeys(range(0x2066, 0x206A))
AT = "2026-04-01T12:00:00Z"


def test_the_stories_are_listed(emtiaz):
    outcome = emtiaz("policy", "story")
    assert outcome.code == 0
    assert [cells[0] for cells in outcome.cells] == list(stories.names())


def test_a_story_is_told_with_what_is_expected_and_what_was_found(emtiaz):
    outcome = emtiaz("policy", "story", "online_shop")
    assert outcome.code == 0
    assert "1. 5 January 2026: Clara from Germany signs up for the newsletter." in outcome.out
    assert ["✓", "score", "61", "61"] in [cells[:4] for cells in outcome.cells]
    assert "Write to them personally: a regular has gone quiet" in outcome.out
    assert "10 email + 10 delivery_country + 12 newsletter" in outcome.out


def test_a_story_is_told_in_persian(emtiaz):
    outcome = emtiaz("policy", "story", "sports_club", "--language", "fa")
    assert "عضوی که دیگر نیامد" in outcome.out
    assert "۱۳ دی ۱۴۰۴: رضا از تهران" in outcome.out.translate(ISOLATES)
    assert "احوالشان را بپرسید" in outcome.out


def test_a_story_is_told_as_json(emtiaz):
    told = emtiaz("policy", "story", "online_shop", "--json").json
    assert told["name"] == "online_shop"
    assert all(step["holds"] for step in told["steps"])
    lines = [line for step in told["steps"] for line in step["lines"]]
    assert {line["name"] for line in lines} <= SEEN.keys()


def test_a_story_that_ends_otherwise_is_a_finding(emtiaz, monkeypatch):
    monkeypatch.setitem(SEEN, "score", lambda _card, _policy: 99)
    outcome = emtiaz("policy", "story", "online_shop")
    assert outcome.code == 1
    assert ["✗", "score", "61", "99"] in [cells[:4] for cells in outcome.cells]


def test_a_story_that_there_is_not_is_a_finding(emtiaz):
    outcome = emtiaz("policy", "story", "casino")
    assert outcome.code == 1
    assert "online_shop" in outcome.err


def test_the_policies_are_listed_in_both_languages(emtiaz):
    english = emtiaz("policy", "list").cells
    persian = emtiaz("policy", "list", "--language", "fa").cells
    assert [cells[0] for cells in english] == [cells[0] for cells in persian]
    rows = emtiaz("policy", "list", "--json").json
    assert [row["name"] for row in rows] == [cells[0] for cells in english]
    assert Text(**rows[0]["for"]).en == english[0][1]


def test_a_shipped_policy_is_named_where_a_file_is_expected(emtiaz, tmp_path):
    facts = tmp_path / "facts.jsonl"
    facts.write_text(
        '{"subject": "hubspot-main:contact:1", "type": "contact", "id": "1", '
        '"occurred_at": "2026-03-01T09:00:00Z", "data": {"email": "ada@example.com"}}\n'
    )
    outcome = emtiaz("score", "--policy", "online_shop", "--facts", facts, "--at", AT, "--json")
    assert outcome.json["score"] == 10
    assert emtiaz("policy", "validate", "sports_club", "b2b_funnel").code == 0


def test_a_file_comes_before_a_shipped_policy_of_its_name(emtiaz, tmp_path, monkeypatch):
    (tmp_path / "starter").write_text("name: mine\n", "utf-8")
    monkeypatch.chdir(tmp_path)
    assert emtiaz("policy", "validate", "starter").code == 1


def test_a_story_says_where_it_is_broken(tmp_path, monkeypatch):
    (tmp_path / "half.yaml").write_text("title: {en: Half, fa: نیمه}\n", "utf-8")
    monkeypatch.setattr(stories, "FOLDER", tmp_path)
    with pytest.raises(stories.StoryBroken, match=r"half: \$: 'policy' is a required property"):
        stories.load("half")
