"""Rules held against planted histories: what drives, what hurts, and what is nothing."""

from collections import Counter
from datetime import timedelta

import pytest

from chalicelib.advice.effects import effects, points_per_log_odds
from tests.advice.histories import (
    BASE,
    CUTOFF,
    EFFECTS,
    fact,
    history,
    page,
    planted,
    record,
)

SCALE = points_per_log_odds({})


def by_name(found):
    return {one.rule.id.rpartition(".")[2]: one for one in found}


def test_what_drives_and_what_hurts_is_found_with_its_sign_and_size():
    found = by_name(effects(history(planted())))
    for name, shift in EFFECTS.items():
        low, high = found[name].between
        assert low <= SCALE * shift <= high + 1
    assert found["driver"].proposed > 25
    assert found["hurter"].proposed < -20
    assert found["hurter"].contradicts
    assert not found["driver"].contradicts


def test_a_rule_that_is_noise_is_not_found_and_loses_its_points():
    noise = by_name(effects(history(planted(), page(noise=20))))["noise"]
    assert not noise.is_associated
    assert noise.proposed == 0


def test_points_that_history_speaks_for_are_kept():
    found = by_name(effects(history(planted(), page(driver=35, senior=21, hurter=-33, noise=0))))
    assert {one.proposed for one in found.values()} == {None}


def test_over_many_histories_noise_is_seldom_found_and_drivers_nearly_always():
    found = Counter()
    for seed in range(12):
        for name, one in by_name(effects(history(planted(people=800, seed=seed)))).items():
            found[name] += one.is_associated
    assert found["driver"] == found["hurter"] == 12
    assert found["noise"] <= 2


def test_without_any_effect_nothing_is_found():
    nothing = dict.fromkeys(EFFECTS, 0.0)
    found = [
        one.is_associated
        for seed in range(12)
        for one in effects(history(planted(people=500, seed=100 + seed, effects=nothing)))
    ]
    assert sum(found) <= 2


def test_a_small_history_proposes_nothing_and_says_why():
    for one in effects(history(planted(people=60))):
        assert one.proposed is None
        assert "needed" in one.sighting.why_not


def leaky(people=600):
    """Records as a CRM has them at the end: of buyers, and of nobody else, the job says so."""
    found = {}
    for ref, facts in planted(people, effects={}).items():
        bought = any(one.type == "purchase" for one in facts)
        job, at = ("chief", CUTOFF + timedelta(days=80)) if bought else ("clerk", CUTOFF)
        found[ref] = facts.merge([record(ref, at, job=job)])
    return found


def test_a_record_that_a_purchase_changed_does_not_foretell_it():
    found = by_name(effects(history(leaky())))
    assert found["senior"].sighting.found is None
    assert found["senior"].proposed is None


def test_whoever_trusts_records_takes_the_leak_for_an_effect():
    found = by_name(effects(history(leaky(), trust_records=True)))
    assert found["senior"].proposed > 50


def test_what_happened_after_the_cutoff_changes_nothing_but_the_outcome():
    before = planted(people=300)
    later = {
        ref: facts.merge(
            [
                fact(ref, "activity", f"late{day}", CUTOFF + timedelta(days=day), kind=kind)
                for day, kind in enumerate(["webinar.attended", "social.engaged"], start=1)
            ]
        )
        for ref, facts in before.items()
    }
    assert [one.sighting for one in effects(history(later))] == [
        one.sighting for one in effects(history(before))
    ]


def test_the_purchase_itself_must_come_after_the_cutoff_and_within_the_horizon():
    facts = planted(people=1)
    (ref,) = facts
    money = {"amount": 900, "currency": "USD"}
    times = {-1: False, 0: False, 1: True, 90: True, 91: False}
    for days, counts in times.items():
        at = CUTOFF + timedelta(days=days)
        bought = (
            record(ref, CUTOFF - timedelta(days=9)),
            fact(ref, "purchase", "x", at, amount=money),
        )
        one = history({ref: type(facts[ref]).of(bought)}).cases[0]
        assert one.bought is counts
        assert one.bought_before is (days <= 0)


def test_a_shared_rule_is_judged_once_and_changed_in_both_places():
    policy = page()
    rules = policy["lead"]["groups"][1]["rules"]
    behaviour = {"id": "behaviour", "model": "engagement", "cap": [0, 100], "rules": rules}
    policy["customer"]["components"].append(behaviour)
    found = by_name(effects(history(planted(), policy)))
    assert len(found) == 4
    assert [change.pointer for change in found["driver"].rule.repointed(9)] == [
        "/lead/groups/1/rules/0/points",
        "/customer/components/1/rules/0/points",
    ]


def test_lead_rules_are_judged_by_people_who_had_not_bought_before():
    money = {"amount": 900, "currency": "USD"}

    def customer(random, facts, ref):
        if random.random() < 0.5:
            facts.append(fact(ref, "purchase", "old", CUTOFF - timedelta(days=99), amount=money))
        return 0

    found = history(planted(more=[customer]))
    people = {one.sighting.people for one in effects(found)}
    assert people == {sum(not case.bought_before for case in found.cases)}


def test_a_rule_that_has_faded_reaches_nobody_and_a_half_held_one_earns_twice_as_much():
    policy = page()
    driver = policy["lead"]["groups"][1]["rules"][0]
    driver["half_life_days"] = 1
    short = by_name(effects(history(planted(), policy)))["driver"].sighting
    driver["half_life_days"] = 30
    effect = by_name(effects(history(planted(), policy)))["driver"]
    long = effect.sighting
    assert short.reached < long.reached
    assert 0.5 < long.held < 1
    assert effect.points == pytest.approx(SCALE * long.found.log_odds / long.held)


def test_the_scale_is_that_of_the_policys_own_chances():
    wide = {"priority": {"chances": [[0, 0.01], [100, 0.99]]}}
    flat = {"priority": {"chances": [[0, 0.2], [100, 0.2]]}}
    assert points_per_log_odds(wide) == pytest.approx(100 / 9.19, abs=0.01)
    assert points_per_log_odds(flat) == SCALE
    assert BASE < 0
