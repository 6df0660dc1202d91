"""What was known at an instant, and who was there."""

from datetime import timedelta

import pytest

from chalicelib.advice.cases import LeftOut, Study
from chalicelib.advice.hindsight import as_of, existed
from chalicelib.core.facts import FactSet
from chalicelib.core.model import Ref
from chalicelib.core.policy import NOTHING_FITTED
from chalicelib.scoring.hindsight import Then
from tests.advice.histories import CUTOFF, HORIZON, fact, page, record

REF = Ref("toy-main", "contact", "1")
BEFORE, AFTER = CUTOFF - timedelta(days=1), CUTOFF + timedelta(days=1)
MONEY = {"amount": 900, "currency": "USD"}


def known(*facts, **options):
    return [one.id for one in as_of(FactSet.of(facts), CUTOFF, **options)]


@pytest.mark.parametrize("at", [BEFORE, CUTOFF])
def test_what_was_known_by_then_stays(at):
    assert known(
        fact(REF, "activity", "a", at, kind="page.viewed"),
        fact(REF, "purchase", "p", at, amount=MONEY),
        record(REF, at, job="chief"),
    ) == ["a", "1", "p"]


def test_what_came_later_goes():
    assert known(
        fact(REF, "activity", "a", AFTER, kind="page.viewed"),
        fact(REF, "purchase", "p", AFTER, amount=MONEY),
        fact(REF, "deal", "d", AFTER, status="won", closed_at=AFTER.isoformat(), amount=MONEY),
        fact(REF, "survey", "s", AFTER, answered_at=AFTER.isoformat(), value=9),
        record(REF, AFTER, job="chief"),
    ) == []  # fmt: skip


def test_a_deal_that_was_won_before_stays_though_it_is_read_later():
    won = fact(REF, "deal", "d", AFTER, status="won", closed_at=BEFORE.isoformat(), amount=MONEY)
    assert known(won) == ["d"]


def test_changed_records_stay_only_if_they_are_trusted():
    company = fact(REF, "account", "9", AFTER, employees=3)
    assert known(record(REF, AFTER), company) == []
    assert known(record(REF, AFTER), company, trust_records=True) == ["9", "1"]


def test_somebody_existed_who_had_done_something_or_whose_record_is_older():
    assert existed(FactSet.of([fact(REF, "activity", "a", BEFORE, kind="page.viewed")]), CUTOFF)
    assert existed(FactSet.of([record(REF, BEFORE)]), CUTOFF)
    assert not existed(FactSet.of([record(REF, AFTER)]), CUTOFF)


@pytest.mark.parametrize(
    ("ref", "facts", "why"),
    [
        (REF, [record(REF, AFTER)], "not known by then"),
        (REF, [record(REF, BEFORE), fact(REF, "deleted", "1", AFTER)], "deleted"),
        (Ref("toy-main", "account", "9"), [], "companies"),
    ],
)
def test_who_is_no_case_is_left_out_with_the_reason(ref, facts, why):
    study = Study(page(), NOTHING_FITTED, Then(CUTOFF, HORIZON))
    assert study.case(ref, FactSet.of(facts)) == LeftOut(why)
