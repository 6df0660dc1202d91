"""Every scenario holds; what holds for all of them is asked of each."""

import os
import re
from pathlib import Path

import pytest
import yaml

from chalicelib.core.model import Ref
from chalicelib.loyalty.book import Book
from chalicelib.loyalty.snapshot import restore, snapshot
from tests.loyalty.scenario import WHO, faults, instant, load, play

FOLDER = Path(os.environ.get("LOYALTY_SCENARIOS", "tests/loyalty/scenarios"))
PATHS = sorted(FOLDER.glob("**/*.yaml"))
PATHS_BY_NAME = {path.stem: path for path in PATHS}
UNDECIDED = [path for path in PATHS if all("do" not in step for step in load(path)["steps"])]
"""Those in which nothing is asked for: what was spent stays as it was decided."""


@pytest.mark.parametrize("path", PATHS, ids=PATHS_BY_NAME)
def test_a_scenario_ends_as_it_says(path):
    assert list(faults(path)) == []


@pytest.mark.parametrize("path", PATHS, ids=PATHS_BY_NAME)
def test_at_every_step_the_ledger_balances(path):
    for _, replay in play(load(path)):
        for member in replay.members.values():
            assert_balanced(member.book)


def assert_balanced(book):
    totals, holdings = book.totals, book.holdings.values()
    remaining = sum(one.remaining for one in holdings)
    assert totals.earned - totals.reversed - totals.used - totals.expired == remaining
    assert book.remaining == remaining
    assert book.debt >= 0
    assert book.available >= 0
    for one in holdings:
        assert 0 <= one.remaining <= one.points
        assert one.points == one.remaining + one.used + one.reversed + one.expired


@pytest.mark.parametrize("path", PATHS, ids=PATHS_BY_NAME)
def test_telling_every_fact_twice_changes_nothing(path):
    page = load(path)
    twice = {**page, "steps": [_twice(step) for step in page["steps"]]}
    assert _end(twice) == _end(page)


def _twice(step):
    return {**step, "facts": [*step.get("facts", []), *reversed(step.get("facts", []))]}


@pytest.mark.parametrize("path", UNDECIDED, ids=lambda path: path.stem)
def test_without_redemptions_it_does_not_matter_when_facts_came_in(path):
    page = load(path)
    facts = [{"when": step["at"], **row} for step in page["steps"] for row in step.get("facts", [])]
    bare = [{key: part for key, part in step.items() if key != "facts"} for step in page["steps"]]
    late = {**page, "steps": [*bare[:-1], {**bare[-1], "facts": facts[::-1]}]}
    assert _end(late) == _end(page)


def _end(page):
    *_, (step, replay) = play(page)
    standing = replay.standing(Ref.parse(WHO), instant(step["at"]))
    return standing.to_json()


@pytest.mark.parametrize("path", PATHS, ids=PATHS_BY_NAME)
def test_a_ledger_is_folded_alike_from_all_entries_and_from_a_snapshot(path):
    *_, (step, replay) = play(load(path))
    member, at = replay.member(Ref.parse(WHO)), instant(step["at"])
    for cut in (0, len(member.made) // 2, len(member.made)):
        book = restore(snapshot(Book.of(member.made[:cut])))
        for entry in member.made[cut:]:
            assert book.apply(entry)
        assert book.settle(at) == []
        assert _state(book) == _state(member.book)


def _state(book):
    counts = {
        name: (one.points, one.remaining, one.used, one.reversed, one.expired)
        for name, one in book.holdings.items()
    }
    return counts, book.debt, book.available, book.pending, book.totals, dict(book.granted)


@pytest.mark.skipif("LOYALTY_SCENARIOS" in os.environ, reason="of the project's own")
def test_every_part_of_the_specification_has_a_scenario():
    chapters = {str(load(path)["chapter"]) for path in PATHS}
    wanted = {f"11.{part}" for part in range(1, 10)} | {"12", "13"}
    assert wanted <= {re.match(r"\d+(\.\d+)?", one)[0] for one in chapters}


@pytest.mark.skipif("LOYALTY_SCENARIOS" in os.environ, reason="of the project's own")
@pytest.mark.parametrize("path", PATHS, ids=PATHS_BY_NAME)
def test_what_is_expected_is_reckoned(path):
    steps = yaml.safe_load(path.read_text("utf-8"))["steps"]
    assert [step["at"] for step in steps if "expect" in step and "because" not in step] == []
