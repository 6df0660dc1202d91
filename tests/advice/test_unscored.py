"""Behaviours that no rule asks for: planted ones are told, others are not."""

from datetime import timedelta

from chalicelib.advice.changes import changed
from chalicelib.advice.unscored import unscored_remarks
from chalicelib.core.policy import NOTHING_FITTED
from chalicelib.policy import validate
from tests.advice.histories import CUTOFF, fact, history, page, planted


def does(kind, shift, share=0.25, **said):
    def add(random, facts, ref):
        if random.random() >= share:
            return 0
        at = CUTOFF - timedelta(days=1 + 20 * random.random())
        facts.append(fact(ref, "activity", kind, at, kind=kind, **said))
        return shift

    return add


def test_a_behaviour_that_drives_purchases_is_told_with_a_rule_that_is_one():
    found = history(planted(more=[does("x.demo", 1.3), does("x.tour", 0)]))
    demo, rest = unscored_remarks(found)
    assert demo.about == "x.demo"
    assert "proves no cause" in demo.says
    assert demo.evidence["interval"][0] > 0.1
    assert rest.evidence == {"seen": 2, "judged": 2, "found": 1}
    new = changed(found.study.page, demo.changes)
    validate(new)
    rule = new["lead"]["groups"][1]["rules"][-1]
    assert rule["when"] == {"activity": "x.demo"}
    assert rule["points"] > 20


def test_what_hurts_is_told_with_points_below_zero():
    found = unscored_remarks(history(planted(more=[does("x.refused", -2)])))
    assert found[0].evidence["points"] < 0


def views(*paths):
    """One visit of half the people, to one of these; the first shifts the log odds by 1.5."""

    def add(random, facts, ref):
        if random.random() < 0.5:
            return 0
        path, at = random.choice(paths), CUTOFF - timedelta(days=5)
        facts.append(fact(ref, "activity", "view", at, kind="page.viewed", path=path))
        return 1.5 * (path == paths[0])

    return add


def test_a_value_of_an_activity_is_told_as_a_condition_on_it():
    found = history(planted(more=[views("/pricing", "/jobs", "/news")]))
    told = {one.about: one for one in unscored_remarks(found)}
    pricing = told["page.viewed path=/pricing"]
    assert pricing.changes[0].value["when"]["where"] == {"path": "/pricing"}
    assert pricing.evidence["known"] < 0.6 * pricing.evidence["people"]
    validate(changed(found.study.page, pricing.changes))


def test_a_value_is_compared_among_those_who_did_it_at_all():
    """Who visits is keen, but which of two pages it was tells nothing."""

    def keen(random, facts, ref):
        if random.random() < 0.5:
            return 0
        path, at = random.choice(["/a", "/b"]), CUTOFF - timedelta(days=5)
        facts.append(fact(ref, "activity", "view", at, kind="page.viewed", path=path))
        return 1.5

    told = [one.about for one in unscored_remarks(history(planted(more=[keen])))]
    assert told == ["page.viewed", "all"]


def test_an_attribute_that_no_rule_asks_for_is_looked_at():
    policy = page()
    policy["attributes"]["city"] = {"type": "text", "of": "contact", "hubspot": "city"}
    policy["attributes"]["seats"] = {"type": "number", "of": "contact", "hubspot": "seats"}

    def lives(random, facts, ref):
        city = random.choice(["Yazd", "Rasht"])
        own = facts[0]
        facts[0] = type(own)(
            ref, own.type, own.id, own.occurred_at,
            {**own.data, "city": city, "seats": random.randrange(100)}, own.modified_at,
        )  # fmt: skip
        return 1.4 * (city == "Yazd")

    found = history(planted(more=[lives]), policy)
    told = {one.about: one for one in unscored_remarks(found)}
    assert told["city=Yazd"].evidence["points"] > 0
    assert told["city=Rasht"].evidence["points"] < 0
    assert not any(about.startswith("seats") for about in told)
    validate(changed(policy, told["city=Yazd"].changes))


def test_what_a_rule_asks_for_is_not_told_again():
    assert [one.about for one in unscored_remarks(history(planted(people=400)))] == ["all"]


def test_of_many_behaviours_that_are_nothing_hardly_any_is_told():
    more = [does(f"x.idle{number}", 0) for number in range(12)]
    wrong = sum(
        unscored_remarks(history(planted(people=400, seed=seed, more=more)))[-1].evidence["found"]
        for seed in range(10)
    )
    assert wrong <= 2


def test_too_rare_a_behaviour_is_counted_but_not_judged():
    found = unscored_remarks(history(planted(people=500, more=[does("x.rare", 3, share=0.02)])))
    assert found[-1].evidence == {"seen": 1, "judged": 0, "found": 0}


def test_a_copy_of_a_driver_looks_less_like_one_among_people_who_are_alike():
    def copies(random, facts, ref):
        attended = any(one.data.get("kind") == "webinar.attended" for one in facts)
        if random.random() < (0.8 if attended else 0.1):
            at = CUTOFF - timedelta(days=3)
            facts.append(fact(ref, "activity", "copy", at, kind="x.copy"))
        return 0

    facts = planted(people=2000, more=[copies])
    alike = history(facts, page(driver=20, noise=1, hurter=1))
    copy = next(one for one in unscored_remarks(alike) if one.about in ("x.copy", "all"))
    cases = alike.cases
    reached = [case.bought for case in cases if "x.copy" in case.profile.activities]
    others = [case.bought for case in cases if "x.copy" not in case.profile.activities]
    crude = sum(reached) / len(reached) - sum(others) / len(others)
    assert copy.evidence.get("difference", 0) < 0.7 * crude
    assert alike.study.models is NOTHING_FITTED
