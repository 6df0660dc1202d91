"""Whom a target reaches, since when they are known, and what may be learned of them."""

from collections import Counter
from random import Random

import pytest

from chalicelib.core.facts import Fact, FactSet, iso
from chalicelib.core.model import Ref
from chalicelib.core.policy import FittedModels
from chalicelib.core.stored import Collection, StoredCard
from chalicelib.pipeline.foresight import foreseen
from chalicelib.pipeline.lessons import Lessons, lessons_of
from chalicelib.policy import compile_policy
from chalicelib.prediction.propensity import Propensity
from chalicelib.scoring import score_card
from tests.scoring.examples import NOW, ago, refunded, row, starter

BOUGHT = {"count": "purchase", "at_least": 1}
PREMIUM = {"count": "purchase", "where": {"plan": "premium"}, "at_least": 1}
ATTRIBUTES = {
    "status": {"type": "choice", "of": "contact", "hubspot": "status"},
    "source": {"type": "choice", "of": "contact", "hubspot": "source"},
    "known_since": {"type": "date", "of": "contact", "hubspot": "createdate"},
}


def leading(target=BOUGHT, **more):
    page = starter(prediction={"leads": {"target": target, "horizon_days": 60, **more}})
    page["attributes"] = {**page["attributes"], **ATTRIBUTES}
    return compile_policy(page)


def person(number, *rows):
    ref = Ref("hubspot-main", "contact", str(number))
    told = [one | {"subject": str(ref)} for one in rows]
    return Collection(StoredCard.unsaved(ref), FactSet.of(map(Fact.from_json, told)))


def record(number, days_ago, **values):
    return row("contact", str(number), values, ago(days=days_ago), ago(days=days_ago))


def visit(days_ago):
    return row("activity", f"v{days_ago}", {"kind": "page.viewed", "count": 1}, ago(days=days_ago))


def paid(days_ago, plan="basic"):
    told = {"plan": plan, "amount": {"amount": 100, "currency": "USD"}}
    return row("purchase", f"p{days_ago}", told, ago(days=days_ago))


def outcomes(people, policy):
    return Counter(one.did for one in lessons_of(people, policy, NOW).snapshots)


class TestReach:
    """Only those are left out who are where the target wants them."""

    def test_customers_are_learned_of_where_the_target_is_another_purchase(self):
        people = [
            person(n, record(n, 9), paid(399), visit(400),
                   *([paid(395 - n % 150, "premium")] if n % 2 else []))
            for n in range(300)
        ]  # fmt: skip
        found = outcomes(people, leading(PREMIUM))
        assert found[True] > 40
        assert found[False] > 140

    def test_nobody_who_had_reached_it_is_learned_of(self):
        people = [person(n, record(n, 9), visit(300), paid(299.5)) for n in range(100)]
        snapshots = lessons_of(people, leading(), NOW).snapshots
        assert all(one.at < iso(ago(days=299.5)) for one in snapshots)

    def test_how_often_they_bought_by_then_is_known(self):
        people = [person(n, record(n, 9), paid(399), paid(10)) for n in range(9)]
        rows = [one.row for one in lessons_of(people, leading(PREMIUM), NOW).snapshots]
        assert {one["bought"] for one in rows} == {1.0}


class TestBeginning:
    """When a record was read tells nothing of since when somebody is known."""

    @staticmethod
    def people(*rows, **values):
        """Half of them buy; who does has the record changed and read then, the others never."""
        return [
            person(n, record(n, 230 if n % 2 else 300, **values), *rows,
                   *([paid(230 + n % 40)] if n % 2 else []))
            for n in range(400)
        ]  # fmt: skip

    def test_without_any_trace_neither_those_who_bought_nor_the_others_are_learned_of(self):
        assert outcomes(self.people(), leading()) == {}
        card = foreseen(lessons_of(self.people(), leading(), NOW), leading(), {}, NOW)
        told = [one["en"] for one in card["model_cards"]["propensity"]["sentences"]]
        assert any(one.startswith("Of nobody it is known since when") for one in told)

    def test_with_a_date_both_are(self):
        since = ago(days=300).isoformat()
        found = outcomes(self.people(known_since=since), leading(since="known_since"))
        assert found[True] > 60
        assert found[False] > 190

    def test_with_something_they_did_both_are(self):
        found = outcomes(self.people(visit(300)), leading())
        assert found[True] > 60
        assert found[False] > 190


def followed_up(count=1200, **more):
    """Sales fill in the status once somebody has bought; where they came from tells a little."""
    chance = Random(5)
    for n in range(count):
        source = chance.choice(["expo", "web"])
        did = chance.random() < (0.45 if source == "expo" else 0.25)
        status = ("qualified" if chance.random() < 0.9 else "new") if did else "new"
        first = 100 + n * 0.5
        bought = first - chance.uniform(30, 55)
        told = {"status": status, "source": source, **more}
        changed = bought if did else first
        yield person(n, record(n, changed, **told), visit(first), *([paid(bought)] if did else []))


@pytest.fixture(scope="module")
def taught():
    return lessons_of(followed_up(), leading(known=["source"]), NOW)


class TestKnown:
    """No history of attributes is kept: some have been so from the start, and no others tell."""

    def test_what_sales_fill_in_afterwards_tells_nothing(self, taught):
        assert all("source" in one.row and "status" not in one.row for one in taught.snapshots)
        found = foreseen(taught, leading(known=["source"]), {}, NOW)
        assert found["model_cards"]["propensity"]["figures"]["auc"] < 0.8
        names = {one["name"] for one in found["propensity"]["fields"]}
        assert "source" in names
        assert "status" not in names

    def test_the_card_says_what_is_known_only_as_it_is_now(self, taught):
        found = foreseen(taught, leading(known=["source"]), {}, NOW)
        (told,) = [
            one["en"] for one in found["model_cards"]["propensity"]["sentences"]
            if "only as they are now" in one["en"]
        ]  # fmt: skip
        assert "taken as they were are source, left out" in told
        assert "status" in told

    def test_a_model_in_force_that_went_by_others_is_given_up(self, taught):
        policy = leading(known=["source", "status"])
        found = foreseen(lessons_of(followed_up(), policy, NOW), policy, {}, NOW)
        fields = [
            {"name": "status", "edges": None, "values": ["new", "qualified"],
             "weights": [-2.0, 3.0, 0.0, 0.0]},
        ]  # fmt: skip
        leaking = {
            **found,
            "propensity": {
                **Propensity("logistic", -1.0, (), None, "trusted", 60, 900).to_json(),
                "fields": fields,
            },
        }
        few = Lessons(snapshots=taught.snapshots[:40])
        assert "propensity" not in foreseen(few, leading(known=["source"]), leaking, NOW)
        assert "propensity" in foreseen(few, policy, leaking, NOW)

    def test_pages_that_were_learned_of_before_by_all_attributes_teach_of_those_alone(self, taught):
        policy, every = leading(known=["source"]), leading(known=["source", "status"])
        before = lessons_of(followed_up(), every, NOW)
        assert any("status" in one.row for one in before.snapshots)
        assert foreseen(before, policy, {}, NOW) == foreseen(taught, policy, {}, NOW)


class TestChanged:
    """Since a record was changed last none of its attributes was."""

    @staticmethod
    def sentences(changed):
        """A third of those who buy have a plan, hardly anybody else; the record changed then."""
        chance, people = Random(6), []
        for n in range(1200):
            first, did = 100 + n * 0.5, chance.random() < 0.4
            plan = {"source": "gold"} if chance.random() < (0.33 if did else 0.02) else {}
            bought = first - chance.uniform(30, 55)
            at = changed(first, bought) if did else first
            people.append(
                person(n, record(n, at, **plan), visit(first), *([paid(bought)] if did else []))
            )
        policy = leading(known=["source"])
        found = foreseen(lessons_of(people, policy, NOW), policy, {}, NOW)
        return " ".join(one["en"] for one in found["model_cards"]["propensity"]["sentences"])

    def test_what_was_filled_when_the_record_changed_with_the_outcome_is_left_out(self):
        assert "source is filled for" in self.sentences(lambda first, bought: bought - 0.2)

    def test_what_stood_there_before_is_used(self):
        assert "source is filled for" not in self.sentences(lambda first, bought: first)

    def test_the_days_are_those_to_the_outcome(self):
        one = person(3, record(3, 270), visit(300), paid(250), visit(246), visit(20))
        (found,) = lessons_of([one], leading(), NOW).snapshots
        assert found.did
        assert found.lag == pytest.approx(20)
        assert Lessons.from_json(lessons_of([one], leading(), NOW).to_json()).snapshots == (found,)

    def test_what_was_given_back_later_came_when_it_was_bought(self):
        buys = [visit(300), paid(285), visit(20), visit(10)]
        gives_back = refunded("r1", "p285", ago(days=30), 100)
        people = [person(n, record(n, 290), *buys, gives_back) for n in range(40)]
        found = lessons_of(people, leading(), NOW)
        assert found.malformed == 0
        assert {one.lag for one in found.snapshots if one.did} == {5}


def test_a_customer_has_a_chance_of_the_target_and_one_who_reached_it_none():
    fields = [{"name": "bought", "edges": [0.0], "values": [], "weights": [-1.0, 1.0, 0.0, 0.0]},
              {"name": "source", "edges": None, "values": ["expo"], "weights": [1, 0, -0.5]}]  # fmt: skip
    bare = Propensity("logistic", -1.0, (), None, "trusted", 60, 900).to_json()
    models = FittedModels("m", {"propensity": {**bare, "fields": fields}})

    def told(*rows):
        one = person(1, record(1, 50), *rows)
        return score_card(one.ref, one.facts, leading(PREMIUM), models, NOW).prediction

    assert told().chance == pytest.approx(0.076, abs=1e-3)
    customer = told(paid(30))
    assert customer.chance == pytest.approx(0.378, abs=1e-3)
    assert customer.likely == customer.chance
    assert [one.text.en for one in customer.factors] == [
        "How often they bought raises the odds 2.7 times",
        "source is not known lowers the odds 1.6 times",
    ]
    assert told(paid(30), paid(20, "premium")) is None
