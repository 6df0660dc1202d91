"""``emtiaz policy print``: one page that needs nothing else, in either language."""

import json
import re
from html.parser import HTMLParser

import pytest
import yaml

from infra.cli.policy_page import SHIPPED, read_page, shipped_names, shipped_page
from infra.cli.policy_poster import poster
from infra.cli.policy_print import drawn

STARTER = read_page(SHIPPED)
VOID = {"meta", "br", "line", "rect", "path"}


class Outline(HTMLParser):
    """Tags that are open, text, and whatever would be loaded from elsewhere."""

    def __init__(self, html):
        super().__init__()
        self.open, self.texts, self.loads, self.tags = [], [], [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.loads += [value for name, value in attrs if name in ("src", "href")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        if data.strip() and self.open and self.open[-1] != "style":
            self.texts.append(data.strip())


def page(language="en", paper="a3", **changes):
    return Outline(drawn(STARTER | changes, language, paper))


@pytest.mark.parametrize("language", ["en", "fa"])
def test_the_page_is_whole_and_loads_nothing(language):
    outline = page(language)
    assert outline.open == []
    assert outline.loads == []
    assert "script" not in [tag for tag, _ in outline.tags]


@pytest.mark.parametrize("language", ["en", "fa"])
@pytest.mark.parametrize("name", shipped_names())
def test_every_shipped_policy_can_be_printed(name, language):
    assert Outline(drawn(read_page(shipped_page(name)), language, "a3")).open == []


def test_the_persian_page_runs_from_right_to_left_in_persian():
    outline = page("fa")
    assert outline.tags[0] == ("html", {"lang": "fa", "dir": "rtl"})
    words = " ".join(outline.texts)
    assert "تصمیم‌گیرنده در شرکت" in words
    assert "همین هفته تماس بگیرید" in words
    told = [text for text in outline.texts if not re.fullmatch("[0-9a-f]{12}", text)]
    assert not [text for text in told if re.search(r"[0-9]", text)]


def test_every_rule_and_action_is_on_the_page():
    words = " ".join(page("en").texts)
    for group in STARTER["lead"]["groups"]:
        for rule in group["rules"]:
            assert rule.get("once", rule["text"])["en"] in words
    for action in STARTER["actions"]:
        assert action["text"]["en"] in words


def test_four_pictures_are_drawn():
    outline = page("en")
    assert [tag for tag, _ in outline.tags].count("svg") == 3
    assert len([1 for tag, attrs in outline.tags if tag == "rect"]) == 9 + 25
    assert len([1 for _, attrs in outline.tags if attrs.get("class", "").startswith("curve")]) == 4


def test_what_stands_in_a_policy_is_never_markup():
    html = drawn(STARTER | {"name": "<script>alert(1)</script>"}, "en", "a3")
    assert "<script>" not in html


@pytest.mark.parametrize("paper", ["a4", "a3"])
def test_the_page_says_on_which_paper_it_is_printed(paper):
    assert f"size: {paper.upper()} landscape" in drawn(STARTER, "en", paper)


def test_a_long_policy_has_smaller_letters_and_counts_what_does_not_fit():
    long = yaml.safe_load(json.dumps(STARTER))
    rules = long["lead"]["groups"][0]["rules"]
    rules += [rules[0] | {"id": f"rule_{number}"} for number in range(30)]
    long["tags"] += [long["tags"][0] | {"id": f"tag_{number}"} for number in range(20)]
    large, small = (poster(one, "1", "en", "a3") for one in (_filled(STARTER), _filled(long)))
    assert small.points < large.points
    assert small.lead[0].more == "+ 28 rules"


def _filled(found):
    from chalicelib.policy.defaults import filled

    return filled(found)


def test_the_page_goes_where_it_is_wanted(emtiaz, tmp_path):
    target = tmp_path / "wall.html"
    outcome = emtiaz("policy", "print", SHIPPED, "--output", target, "--language", "fa")
    assert outcome.code == 0
    assert 'dir="rtl"' in target.read_text("utf-8")
    assert emtiaz("policy", "print", SHIPPED).out.startswith("<!doctype html>")


def test_scripts_are_told_the_file(emtiaz, tmp_path):
    target = tmp_path / "wall.html"
    told = emtiaz("policy", "print", SHIPPED, "--output", target, "--json").json
    assert told == {"file": str(target), "language": "en", "paper": "a3"}


def test_a_page_that_cannot_be_written_is_a_finding(emtiaz, tmp_path):
    outcome = emtiaz("policy", "print", SHIPPED, "--output", tmp_path / "none" / "wall.html")
    assert outcome.code == 1
    assert "No such file" in outcome.err
