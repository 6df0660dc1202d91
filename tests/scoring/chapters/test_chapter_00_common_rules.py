"""Every rule of chapter 0 that scoring a lead rests on."""

from datetime import timedelta
from decimal import Decimal

import pytest

from chalicelib.core.card_json import card_json
from chalicelib.core.facts import SKEW, Fact, FactSet, iso
from chalicelib.core.model import Money
from chalicelib.policy import compile_policy
from chalicelib.scoring import Written, publish
from chalicelib.scoring.explanation import shared_out
from chalicelib.scoring.levels import whole
from tests.scoring.chapters.test_chapter_01_lead_score import card, lead, page_of, rule
from tests.scoring.examples import NOW, activity, bought, contact, refunded, starter, won

VISITS = page_of(("doing", [0, 100], 1, [rule(8, half_life_days=7)]))


def visit(at, **more):
    return Fact.from_json(activity("page.viewed", at, identity="v") | more)


def test_0_an_event_at_the_instant_itself_has_happened():
    seen = activity("page.viewed", NOW)
    assert lead(VISITS, seen).score == 8
    assert lead(VISITS, seen, now=NOW - timedelta(microseconds=1)).score == 0


@pytest.mark.parametrize("seconds", [1, 299, 300])
def test_0_up_to_five_minutes_after_its_receipt_an_event_is_taken_as_of_its_receipt(seconds):
    early = visit(NOW + timedelta(seconds=seconds))
    assert early.as_received(NOW).occurred_at == NOW


def test_0_further_in_the_future_an_event_is_kept_and_counts_from_then_on():
    at = NOW + SKEW + timedelta(seconds=1)
    assert visit(at).as_received(NOW).occurred_at == at
    row = activity("page.viewed", at)
    assert (lead(VISITS, row).score, lead(VISITS, row, now=at).score) == (0, 8)


def test_0_an_event_that_comes_twice_the_first_time_from_a_fast_clock_counts_once():
    first = visit(NOW + timedelta(minutes=2)).as_received(NOW)
    again = visit(NOW + timedelta(minutes=2)).as_received(NOW + timedelta(hours=1))
    for order in ([first, again], [again, first]):
        (counted,) = FactSet.of(order).activities()
        assert counted.occurred_at == NOW


def test_0_a_state_is_never_taken_for_skewed():
    record = Fact.from_json(contact(job_title="CEO"))
    assert record.as_received(NOW - timedelta(minutes=1)) == record


def test_0_the_same_key_again_changes_nothing():
    assert FactSet.of([visit(NOW)]).beyond(FactSet.of([visit(NOW)])) == ()
    assert FactSet.of([visit(NOW)]).conflicting([visit(NOW)]) == ()


def test_0_the_same_key_with_another_payload_is_a_conflict_and_counts_once():
    known = FactSet.of([visit(NOW)])
    other = visit(NOW - timedelta(days=1))
    changed = visit(NOW, data={"kind": "page.viewed", "count": 7})
    assert known.conflicting([other]) == (other,)
    assert known.conflicting([changed]) == (changed,)
    for order in ([visit(NOW), other], [other, visit(NOW)]):
        (counted,) = FactSet.of(order).activities()
        assert counted.occurred_at == NOW - timedelta(days=1)


def test_0_a_payload_that_its_source_has_corrected_is_no_conflict():
    known = FactSet.of([visit(NOW)])
    corrected = visit(
        NOW,
        data={"kind": "page.viewed", "count": 1, "human": True},
        modified_at="2026-03-22T00:00:00.000Z",
    )
    assert known.conflicting([corrected]) == ()
    (counted,) = known.merge([corrected]).activities()
    assert counted.attributes["human"] is True


def test_0_another_kind_under_the_same_id_is_another_event():
    other = Fact.from_json(activity("email.opened", NOW - timedelta(days=1), identity="v"))
    assert len(FactSet.of([visit(NOW), other]).activities()) == 2
    assert FactSet.of([visit(NOW)]).conflicting([other]) == ()


def test_0_missing_is_not_zero_and_fires_only_when_the_rule_says_so():
    page = starter()
    page["lead"]["groups"][0]["rules"] = [
        {"id": "plain", "when": {"attribute": "phone", "equals": "0"}, "points": 3,
         "text": {"en": "x", "fa": "x"}},
        {"id": "settled", "when": {"attribute": "phone", "equals": "0", "when_missing": True},
         "points": 5, "text": {"en": "x", "fa": "x"}},
    ]  # fmt: skip
    assert card(page).lead.score == 5


@pytest.mark.parametrize(("level", "shown"), [(0.5, 1), (24.4, 24), (24.5, 25), (0.7 * 35, 25)])
def test_0_scores_are_rounded_once_half_away_from_zero(level, shown):
    assert whole(level) == shown


def test_0_rounded_contributions_reach_the_total_by_largest_remainder_ties_by_id():
    points = {"c": 10.4, "a": 10.4, "b": 9.7}
    shares = shared_out(list(points), list(points.values()), 31)
    assert dict(zip(points, shares, strict=True)) == {"a": 11, "b": 10, "c": 10}


def test_0_a_toman_is_ten_rial_under_whichever_code_it_comes():
    sums = [Money.from_decimal(Decimal(150_000), code) for code in ("IRT", "TMN", "irt")]
    assert sums == [Money(1_500_000, "IRR")] * 3
    assert Money.from_decimal(Decimal(1_500_000), "IRR") == sums[0]


def test_0_money_without_a_rate_is_kept_flagged_and_left_out_of_sums():
    found = card(starter(), won("1", NOW, 5_000), won("2", NOW, 900_000, "EUR"))
    assert (found.rfm.frequency, found.rfm.monetary) == (2, Money(5_000, "USD"))
    assert found.flags == ("no_rate",)


def test_0_the_net_amount_of_a_purchase_is_never_below_nothing():
    rows = [won("1", NOW, 5_000), won("2", NOW, 700)]
    assert card(starter(), *rows, refunded("r", "deal:1", NOW, 2_000)).rfm.monetary.amount == 3_700
    assert card(starter(), *rows, refunded("r", "deal:1", NOW, 9_000)).rfm.monetary.amount == 700


def test_0_a_negative_amount_without_a_reference_is_no_purchase_and_set_aside():
    found = card(starter(), bought("A", NOW, -500))
    assert (found.rfm, found.customer, found.flags) == (None, None, ("negative_amount:A",))


def test_0_an_amount_of_nothing_is_ignored():
    assert (card(starter(), bought("A", NOW, 0)).rfm, card(starter()).flags) == (None, ())


def test_0_the_explanation_stands_with_its_number_the_policy_the_models_and_the_time():
    found = card_json(card(starter(), contact(job_title="CEO")))
    (line,) = found["lead"]["contributions"]
    assert (found["lead"]["score"], line["points"], line["id"]) == (15, 15, "fit.decision_maker")
    assert line["text"].keys() == {"en", "fa"}
    policy = compile_policy(starter()).version
    assert (found["at"], found["policy"], found["models"]) == (iso(NOW), policy, "none")


def test_0_the_line_for_the_crm_has_no_more_than_255_characters():
    page = starter()
    for rule_ in page["lead"]["groups"][0]["rules"]:
        rule_["text"] = {"en": "x" * 150, "fa": "x" * 150}
    policy = compile_policy(page)
    known = card(page, contact(job_title="CEO", phone="+98", email="a@acme.example"))
    fields = publish(known, Written({}, certain=True), policy)
    assert len(known.reasons) == 3
    assert 150 < len(fields["why"]) <= 255


def by_hand(value, **attributes):
    page = starter()
    page["attributes"]["given"] = {"type": "number", "of": "contact", "hubspot": "given"}
    page["lead"]["override"] = "given"
    given = {} if value is None else {"given": value}
    return card(page, contact(job_title="CEO", **given, **attributes))


def test_0_if_a_person_sets_a_score_both_numbers_are_kept_and_explained():
    found = by_hand(80)
    assert (found.lead.score, found.lead.computed, found.score) == (80, 15, 80)
    assert {line.id: line.points for line in found.lead.contributions} == {
        "set_by_hand": 65, "fit.decision_maker": 15,
    }  # fmt: skip
    assert [reason.en for reason in found.reasons] == [
        "Set by hand to 80, computed 15", "Decides in the company (+15)",
    ]  # fmt: skip
    assert found.lead.temperature == "hot"


def test_0_a_score_set_to_what_was_computed_needs_no_line_but_is_known_as_set():
    assert by_hand(15).lead.computed == 15
    assert sum(line.points for line in by_hand(15).lead.contributions) == 15


@pytest.mark.parametrize(("value", "score"), [(-3, 0), (250, 100), (49.5, 50), (0, 0)])
def test_0_a_score_set_by_hand_stays_within_its_bounds(value, score):
    assert by_hand(value).lead.score == score


@pytest.mark.parametrize("value", [None, "high", True, ""])
def test_0_what_is_no_number_sets_no_score(value):
    assert (by_hand(value).lead.score, by_hand(value).lead.computed) == (15, None)
