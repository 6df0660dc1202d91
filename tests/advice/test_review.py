"""Rules that fire never or always, doubtful data, thresholds, and what changing them would do."""

from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.advice.borders import threshold_remarks
from chalicelib.advice.cases import History, Study
from chalicelib.advice.changes import changed
from chalicelib.advice.quality import quality_doubts
from chalicelib.advice.reach import reach_remarks
from chalicelib.advice.what_if import Trial
from chalicelib.core.facts import FactSet
from chalicelib.core.model import Ref
from chalicelib.core.policy import NOTHING_FITTED
from chalicelib.policy import compile_policy, validate
from chalicelib.scoring.hindsight import Then
from chalicelib.scoring.simulation import compare, simulate
from tests.advice.histories import (
    CUTOFF,
    UNTIL,
    fact,
    history,
    page,
    planted,
    record,
    rule,
)


def now(facts, policy=None):
    study = Study(policy or page(), NOTHING_FITTED, Then(UNTIL, timedelta(1)), trust_records=True)
    return History.of(study, [study.case(ref, one) for ref, one in facts.items()])


def trial(facts, policy=None):
    return Trial(policy or page(), facts, NOTHING_FITTED, UNTIL)


def with_rules(*rules):
    policy = page()
    policy["lead"]["groups"][0]["rules"] += rules
    policy["attributes"]["city"] = {"type": "text", "of": "contact", "hubspot": "city"}
    return policy


def test_rules_that_fire_never_or_always_are_told_and_can_be_removed():
    never = rule("never", {"attribute": "job", "equals": "pope"}, 5)
    always = rule("always", {"attribute": "job", "present": True}, 5)
    unknown = rule("unknown", {"attribute": "city", "equals": "Yazd"}, 5)
    policy = with_rules(never, always, unknown)
    found = {one.about: one for one in reach_remarks(now(planted(people=200), policy))}
    assert list(found) == ["lead.fit.never", "lead.fit.always", "lead.fit.unknown"]
    assert found["lead.fit.never"].says.startswith("never: it reached none of the 200")
    assert found["lead.fit.always"].says.startswith("always: it reached 200 of 200")
    assert found["lead.fit.unknown"].says.startswith("never told")
    for one in found.values():
        validate(changed(policy, one.changes))


def test_the_only_rule_of_a_group_is_told_but_not_removed():
    policy = page()
    policy["lead"]["groups"][0]["rules"][0]["when"] = {"attribute": "job", "equals": "pope"}
    (found,) = reach_remarks(now(planted(people=100), policy))
    assert found.changes == ()


def test_what_everybody_does_but_some_more_often_still_parts_them():
    facts = planted(people=100)
    opened = {
        ref: known.merge(
            fact(ref, "activity", f"o{n}", CUTOFF - timedelta(days=n), kind="email.opened")
            for n in range(1 + int(ref.id) % 3)
        )
        for ref, known in facts.items()
    }
    policy = page()
    rules = policy["lead"]["groups"][1]["rules"]
    rules.append(rule("opened", {"activity": "email.opened"}, 3))
    assert reach_remarks(now(opened, policy)) == []
    rules[-1] |= {"max_per_period": {"count": 1, "days": 1000}}
    assert [one.about for one in reach_remarks(now(opened, policy))] == ["lead.engagement.opened"]


def test_a_rule_that_faded_long_ago_did_fire():
    policy = page()
    for one in policy["lead"]["groups"][1]["rules"]:
        one["half_life_days"] = 1
    assert reach_remarks(now(planted(people=200), policy)) == []


def test_removing_what_reached_nobody_moves_nobody():
    policy = with_rules(rule("never", {"attribute": "job", "equals": "pope"}, 0))
    facts = planted(people=100)
    (found,) = reach_remarks(now(facts, policy))
    effect = trial(facts, policy).of_page(found.changes, iter)
    assert (effect.subjects, effect.moved, effect.crm_writes) == (100, 0, 0)


def test_the_what_if_counts_what_a_comparison_of_each_counts():
    facts = planted(people=150)
    changes = now(facts).study.rules[1].repointed(40)
    effect = trial(facts).of_page(changes, iter)
    old, new = compile_policy(page()), compile_policy(changed(page(), changes))
    each = [compare(ref, one, old, new, NOTHING_FITTED, UNTIL) for ref, one in facts.items()]
    assert effect.moved == sum(one.before.score != one.after.score for one in each)
    assert effect.crm_writes == sum(bool(one.written) for one in each)
    assert effect.moved > 20
    found = simulate(facts.items(), old, new, NOTHING_FITTED, UNTIL)
    assert (effect.moved, effect.crm_writes) == (found.moved, found.records_written)
    for name, matrix in found.matrices.items():
        others = sum(count for (was, then), count in matrix.items() if was != then)
        assert effect.renamed.get(name, 0) == others


def test_a_change_that_makes_no_policy_has_no_what_if():
    from chalicelib.advice.changes import Change

    assert trial(planted(people=3)).of_page([Change("/lead/temperatures/hot", 5)], iter) is None


def test_thresholds_that_fit_the_scores_better_are_proposed_and_make_a_policy():
    policy = page(driver=35, senior=21, hurter=-33, noise=0)
    found = {one.about: one for one in threshold_remarks(history(planted(3000), policy))}
    warmth = found["lead.temperatures"]
    assert len(warmth.changes) == 2
    assert "chosen on one half" in warmth.says.casefold()
    new = changed(policy, warmth.changes)
    validate(new)
    shares = [band["share"] for band in warmth.evidence["after"]]
    assert shares == sorted(shares, reverse=True)


def test_thresholds_are_kept_where_scores_tell_nothing():
    policy = page(driver=0, senior=0, hurter=0, noise=20)
    found = threshold_remarks(history(planted(1500), policy))
    assert [one.changes for one in found] == [()] * 4


def test_a_temperature_that_buys_less_than_a_colder_one_is_named():
    policy = page(driver=-30, senior=0, hurter=50, noise=0)
    policy["lead"]["temperatures"] = {"hot": 40, "warm": 20}
    warmth = threshold_remarks(history(planted(), policy))[0]
    assert warmth.evidence["out_of_order"]
    assert "buys clearly less than a worse one" in warmth.says


def test_classes_by_shares_of_value_are_not_judged():
    policy = page()
    policy["customer"]["classes"]["value_shares"] = [0.8, 0.95]
    last = threshold_remarks(history(planted(300), policy))[-1]
    assert (last.about, last.changes) == ("customer.classes", ())


def test_an_attribute_that_is_seldom_known_is_told_with_the_points_on_it():
    policy = with_rules(rule("yazd", {"attribute": "city", "equals": "Yazd"}, 7))
    (doubt,) = quality_doubts(now(planted(people=100), policy), {})
    assert doubt.remark.about == "city"
    assert doubt.remark.evidence == {
        "filled": 0.0, "missing": 100, "points": 7, "rules": ["lead.fit.yazd"],
    }  # fmt: skip


def test_two_records_of_one_address_are_told():
    policy = page()
    policy["attributes"]["email"] = {"type": "text", "of": "contact", "hubspot": "email"}
    facts = {}
    for number in ("1", "2"):
        ref = Ref("toy-main", "contact", number)
        facts[ref] = FactSet.of([record(ref, CUTOFF, job="clerk", email="Ada@acme.example")])
    (doubt,) = quality_doubts(now(facts, policy), facts)
    assert doubt.remark.evidence["sure"] == 1


def shop(amounts, **deal):
    facts = {}
    for number, amount in enumerate(amounts):
        ref = Ref("toy-main", "contact", str(number))
        money = {"amount": amount, "currency": "USD"}
        rows = [record(ref, CUTOFF, job="clerk")]
        rows.append(fact(ref, "purchase", f"p{number}", CUTOFF, amount=money))
        facts[ref] = FactSet.of(rows)
    return facts


def with_money():
    policy = page()
    thresholds = {"r": [30, 90, 180, 365], "f": [1, 2, 4, 8], "m": [10, 20, 50, 100]}
    policy["customer"]["components"][0]["thresholds"] = thresholds
    return policy


def test_an_impossible_amount_is_told_with_whom_correcting_it_would_move():
    facts = shop([1000] * 199 + [90_000])
    (doubt,) = quality_doubts(now(facts, with_money()), facts)
    assert doubt.remark.evidence["far"] == 1
    effect = trial(facts, with_money()).of_facts(doubt.mended)
    assert (effect.moved, effect.crm_writes) == (1, 1)
    assert effect.renamed["class"] == 1


def test_a_purchase_of_another_calendar_is_told():
    facts, ref = shop([1000] * 5), Ref("toy-main", "contact", "0")
    money = {"amount": 1000, "currency": "USD"}
    old = fact(ref, "purchase", "old", datetime(1402, 5, 1, tzinfo=UTC), amount=money)
    facts[ref] = FactSet({**facts[ref].facts, old.key: old})
    (doubt,) = quality_doubts(now(facts, with_money()), facts)
    assert (doubt.remark.about, doubt.mended) == ("dates", {})
    assert (doubt.remark.evidence["early"], doubt.remark.evidence["purchases"]) == (1, 6)
    assert "1402-05-01" in doubt.remark.says


def test_a_deal_of_ten_times_its_items_is_told_and_mended():
    ref = Ref("toy-main", "contact", "1")
    won = {"status": "won", "closed_at": CUTOFF.isoformat()}
    deal = fact(ref, "deal", "d", CUTOFF, **won, amount={"amount": 50_000, "currency": "USD"})
    part = {"deal_id": "d", "amount": {"amount": 2_500, "currency": "USD"}}
    items = [fact(ref, "line_item", name, CUTOFF, **part) for name in "ab"]
    facts = {ref: FactSet.of([record(ref, CUTOFF, job="clerk"), deal, *items])}
    (doubt,) = quality_doubts(now(facts, with_money()), facts)
    assert doubt.remark.about == "units"
    assert [one.amount.amount for one in doubt.mended[ref].purchases()] == [5_000]
    assert trial(facts, with_money()).of_facts(doubt.mended).crm_writes == 1


@pytest.mark.parametrize("people", [0, 29])
def test_so_few_people_are_no_reason_to_call_a_rule_useless(people):
    assert reach_remarks(now(planted(people=people))) == []
