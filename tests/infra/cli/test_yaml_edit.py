"""A page's own text with other values in it."""

from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.advice.changes import Change, changed, value_at
from infra.cli.yaml_edit import edited

STARTER = Path("chalicelib/policy/shipped/starter.yaml").read_text("utf-8")
PAGE = yaml.safe_load(STARTER)


def numbers(node, path=""):
    """Pointers of all numbers of a page."""
    if isinstance(node, dict):
        for key, value in node.items():
            yield from numbers(value, f"{path}/{key}")
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from numbers(value, f"{path}/{index}")
    elif isinstance(node, int | float) and not isinstance(node, bool):
        yield path


def comments(text):
    return [line.partition("#")[2] for line in text.splitlines() if "#" in line]


@settings(max_examples=20)
@given(
    st.dictionaries(
        st.sampled_from(sorted(numbers(PAGE))),
        st.integers(-100, 100) | st.floats(-9, 9).map(lambda value: round(value, 2)),
        max_size=6,
    )
)
def test_the_text_reads_as_the_page_that_is_meant_and_keeps_its_comments(values):
    unlike = [path for path in values if "/customer/components/0/rules" in path]
    changes = [Change(path, value) for path, value in values.items() if path not in unlike]
    new = edited(STARTER, changes)
    assert yaml.safe_load(new) == changed(PAGE, changes)
    assert comments(new) == comments(STARTER)
    assert len(new.splitlines()) == len(STARTER.splitlines())


def test_what_stands_at_an_anchor_is_changed_once_for_all_its_aliases():
    places = ["/lead/groups/1/rules/0/points", "/customer/components/0/rules/0/points"]
    new = edited(STARTER, [Change(place, 77) for place in places])
    assert new.count("77") == 1
    assert {value_at(yaml.safe_load(new), place) for place in places} == {77}


@pytest.mark.parametrize(
    ("text", "change", "new"),
    [
        ("a: 1 # x\n", Change("/a", 2), "a: 2 # x\n"),
        ("a: !!int 1\n", Change("/a", 2), "a: !!int 2\n"),
        ("a: [1,\n  2]\n", Change("/a", [3]), "a: [3]\n"),
        ("a: {b: 1, c: 2}\n", Change("/a/b", -0.5), "a: {b: -0.5, c: 2}\n"),
        ("a:\n  b: 1\n  c: 2\n", Change("/a/d", [1], "add"), "a:\n  b: 1\n  d: [1]\n  c: 2\n"),
        ("l:\n- b: 1\n", Change("/l/0/d", {"r": [1]}, "add"), "l:\n- d: {r: [1]}\n  b: 1\n"),
        ("a: ''\n", Change("/a", "no"), 'a: "no"\n'),
        ("متن: ۱\n", Change("/متن", "سلام"), "متن: سلام\n"),
    ],
)
def test_only_the_value_changes(text, change, new):
    assert edited(text, [change]) == new
    assert yaml.safe_load(new) == changed(yaml.safe_load(text), [change])


def test_an_anchor_stays_before_the_new_value():
    assert edited("a: &n 1\nb: *n\n", [Change("/a", 2)]) == "a: &n 2\nb: *n\n"


@pytest.mark.parametrize(
    ("text", "change"),
    [
        ("a: 1\n", Change("/b", 2)),
        ("a:\n  b: 1\n", Change("/a", {"b": 2})),
        ("a: [1]\n", Change("/a/-", 2, "add")),
        ("", Change("/a", 2)),
    ],
)
def test_what_cannot_be_changed_in_place_is_refused(text, change):
    with pytest.raises(KeyError):
        edited(text, [change])
