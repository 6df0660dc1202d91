"""``emtiaz train``, ``predict`` and ``backtest`` of facts, by what a policy asks for."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from random import Random

import pytest
import yaml

from chalicelib.core.facts import FactSet, iso
from chalicelib.core.model import Ref
from chalicelib.core.policy import FittedModels
from chalicelib.core.stored import Collection, StoredCard
from chalicelib.pipeline.foresight import foreseen
from chalicelib.pipeline.lessons import lessons_of
from chalicelib.policy import compile_policy
from infra.cli import histories
from infra.cli.installation import Installation
from infra.cli.score import read_facts
from infra.offline import card_at
from infra.prediction.chance_trials import deals_tried, leads_tried
from tests.scoring.examples import starter

START, END = datetime(2024, 1, 1, tzinfo=UTC), datetime(2025, 12, 31, 12, tzinfo=UTC)
DAYS = (END - START).days
BUYERS, LEADS, SUBSCRIBERS, DEALS = 160, 900, 400, 700
SECTION = {
    "purchases": {"horizon_months": 6},
    "subscriptions": {"renewal": "renewal_date", "grace_days": 15},
    "leads": {"target": {"count": "purchase", "at_least": 1}, "horizon_days": 60},
    "clusters": {},
}


@pytest.fixture(autouse=True)
def _no_aws(monkeypatch):
    monkeypatch.setattr(Installation, "find", lambda _: pytest.fail("asked for an installation"))


def row(who, kind, number, day, data):
    at = iso(START + timedelta(days=day))
    name = f"toy-main:contact:{who}"
    return {"subject": name, "type": kind, "id": str(number), "occurred_at": at, "data": data}


def purchases(who, days, amount):
    worth = {"amount": {"amount": amount, "currency": "USD"}}
    return [row(who, "purchase", f"{who}-{n}", day, worth) for n, day in enumerate(days)]


def visits(who, days):
    data = {"kind": "page.viewed", "count": 1}
    return [row(who, "activity", f"{who}-v{n}", day, data) for n, day in enumerate(days)]


def record(who, data):
    return row(who, "contact", who, DAYS, data)


def buyers(chance):
    for number in range(BUYERS):
        rate, drops = chance.gammavariate(1.2, 1 / 20), chance.betavariate(1, 6)
        day, days = chance.uniform(0, DAYS - 30), []
        while day < DAYS:
            days.append(day)
            if chance.random() < drops:
                break
            day += max(chance.expovariate(rate), 1)
        yield from purchases(f"b{number}", days, chance.randint(1000, 9000))


def leads(chance):
    """Who looks at many pages buys within the two months that follow, mostly."""
    for number in range(LEADS):
        who, first = f"l{number}", chance.uniform(0, DAYS - 5)
        keen = chance.random() < 0.4
        days = [first + k * 0.9 for k in range(chance.randint(5, 9) if keen else 1)]
        more = [first + chance.uniform(5, 200) for _ in range(chance.randint(0, 2))]
        bought = first + chance.uniform(15, 70)
        yield record(who, {"country": chance.choice(["Iran", "Italy"])})
        yield from visits(who, sorted(day for day in [*days, *more] if day < DAYS))
        if chance.random() < (0.7 if keen else 0.08) and bought < DAYS:
            yield from purchases(who, [bought], 4000)


def subscribers(chance):
    """By months, until they do not renew; everybody at a rate of their own."""
    for number in range(SUBSCRIBERS):
        who, day = f"s{number}", chance.uniform(0, DAYS - 40)
        drops, days = chance.betavariate(0.7, 4), []
        while day < DAYS:
            days.append(day)
            day += 30
            if chance.random() < drops:
                break
        due = START.date() + timedelta(days=int(day))
        yield record(who, {"renewal_date": due.isoformat()})
        yield from purchases(who, days, 1200)


def page(section=SECTION):
    attributes = {
        **starter()["attributes"],
        "renewal_date": {"type": "date", "of": "contact", "toy": "renewal_date"},
    }
    return starter(attributes=attributes, prediction=section)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    chance, folder = Random(11), tmp_path_factory.mktemp("facts")
    rows = [*buyers(chance), *leads(chance), *subscribers(chance)]
    (folder / "facts.jsonl").write_text("\n".join(map(json.dumps, rows)), "utf-8")
    (folder / "policy.yaml").write_text(yaml.safe_dump(page()), "utf-8")
    return folder


@pytest.fixture(scope="module")
def asked(files):
    return "--facts", files / "facts.jsonl", "--policy", files / "policy.yaml"


@pytest.fixture(scope="module")
def models(files, asked):
    from typer.testing import CliRunner

    from infra.cli import app

    path = files / "models.json"
    done = CliRunner().invoke(app, ["train", *map(str, asked), "--out", str(path)])
    assert done.exit_code == 0
    return path


def parameters(models):
    return json.loads(models.read_text("utf-8"))["parameters"]


def test_all_that_a_policy_asks_for_is_learned(models):
    cards = parameters(models)["model_cards"]
    passed = {"purchases", "spend", "subscriptions", "propensity", "clusters"}
    assert {name for name, card in cards.items() if card["passed"]} == passed
    # These subscribers do nothing that would tell more than how often they renewed.
    assert cards.keys() - passed == {"renewals"}
    assert cards["propensity"]["figures"]["auc"] > 0.8


def test_an_installation_would_learn_the_same_of_these_facts(files, models):
    policy = compile_policy(page())
    end = datetime(2025, 12, 31, tzinfo=UTC) - timedelta(microseconds=1)
    people = [
        Collection(StoredCard.unsaved(ref), facts)
        for ref, facts in read_facts(files / "facts.jsonl").items()
    ]
    found = foreseen(lessons_of(people, policy, end), policy, {}, end)
    assert json.loads(json.dumps(found)) == parameters(models)


def test_predictions_are_what_cards_say_on_the_first_day_of_a_week(emtiaz, files, asked, models):
    outcome = emtiaz("predict", *asked, "--models", models, "--at", "2025-12-29", "--json")
    told = {one["customer"]: one for one in map(json.loads, outcome.out.splitlines())}
    policy, at = compile_policy(page()), datetime(2025, 12, 29, 23, 59, tzinfo=UTC)
    fitted = FittedModels("t", parameters(models))
    people = read_facts(files / "facts.jsonl")
    kinds = [f"{kind}{number}" for kind in "bls" for number in range(0, 150, 6)]
    compared = 0
    for ref in (Ref("toy-main", "contact", name) for name in kinds):
        card = card_at(ref, people[ref], policy, fitted, at).prediction
        one = told.get(str(ref))
        assert (one is None) == (card is None or (card.churn is None and card.chance is None))
        if one is not None and card is not None:
            compared += 1
            assert one["chance"] == card.chance
            assert one["churn_risk"] == card.churn
            assert one["churn"] == card.level
            assert one["purchase_90"] == card.purchase_90
            assert (one["cluster"] or {}).get("en") == (card.cluster and card.cluster.label.en)
            if card.outlook:
                assert one["clv"] == card.outlook.model.to_json()
    assert compared > 50


def test_leads_stand_below_customers_the_likeliest_first(emtiaz, asked, models, tmp_path):
    path = tmp_path / "out.csv"
    outcome = emtiaz("predict", *asked, "--models", models, "--csv", path, "--limit", "3")
    assert [len(row) for row in outcome.cells] == [12] * 3 + [4] * 3
    assert outcome.cells[3][2] == "60 days"
    assert " leads as of 2025-12-30; 3 of each are shown" in outcome.err
    rows = path.read_text("utf-8").splitlines()
    chances = [float(row.split(",")[-2]) for row in rows[1:] if row.split(",")[-2]]
    assert chances == sorted(chances, reverse=True)
    assert len(chances) > 400


def test_models_of_chances_are_held_against_what_followed(emtiaz, asked):
    outcome = emtiaz("backtest", *asked, "--json")
    found = outcome.json
    assert found["cut_off"] < found["propensity"]["cut_off"] == "2025-10-31"
    for name in ("propensity", "subscriptions"):
        one = found[name]
        low, high = one["auc_interval"]
        assert low < one["auc"] < high
        assert sum(part["people"] for part in one["deciles"]) == pytest.approx(one["cases"])
        came = sum(part["people"] * part["happened"] for part in one["deciles"])
        assert came == pytest.approx(one["came"])
        for part in one["deciles"]:
            low, high = part["lift_interval"]
            assert low <= part["lift"] <= high
    assert found["propensity"]["auc"] > 0.8
    assert found["propensity"]["deciles"][0]["lift"] > 3
    assert found["propensity"]["log_loss"] < found["propensity"]["base_log_loss"]


def test_a_trial_says_how_far_to_trust_it(emtiaz, asked):
    told = emtiaz("backtest", *asked).out
    assert "Leads reaching the target: " in told
    assert "Subscribers leaving: " in told
    for figure in ("AUC\t", "Brier score\t", "calibration error\t", "log-loss\t"):
        assert told.count(figure) == 2


def test_what_came_after_the_day_of_a_trial_does_not_change_what_it_foretells(asked):
    known = past_of(asked)
    day = date(2025, 10, 31)
    leads = known.asked.leads
    whole = leads_tried(known, leads, day)
    until = known.end_of(day)
    cut = {
        ref: FactSet.of(
            [fact for fact in facts if fact.occurred_at <= until or fact.type == "contact"]
        )
        for ref, facts in known.people.items()
    }
    blind = leads_tried(replace(known, people=cut), leads, day)
    assert blind.came == 0
    assert whole.came > 10
    assert blind.chances == [chance for chance, _ in whole.cases]


def past_of(asked):
    options = histories.Options(
        facts=asked[1], table=None, policy=asked[3], family=None, columns=None, mapped=None,
        currency=None, date_format=None, zone=None, skip_faults=False, at=None,
    )  # fmt: skip
    return histories.past(options).known


def test_pictures_of_chances_are_drawn_too(emtiaz, asked, tmp_path):
    emtiaz("backtest", *asked, "--plots", tmp_path)
    drawn = {one.stem for one in tmp_path.iterdir()}
    assert drawn == {
        "calibration", "lift", "weekly", "alive", "propensity-calibration", "propensity-lift",
        "subscriptions-calibration", "subscriptions-lift",
    }  # fmt: skip


def deals(chance):
    """Those that stay long in a stage are lost, mostly; some are open still."""
    for number in range(DEALS):
        who, won = f"d{number}", chance.random() < 0.5
        first = chance.uniform(0, DAYS - 5)
        second = first + chance.uniform(10, 30)
        end = second + (chance.uniform(5, 40) if won else chance.uniform(30, 160))
        for stage, day in (("s1", first), ("s2", second)):
            if day < min(end, DAYS):
                told = {"deal": who, "stage": stage, "pipeline": "p", "status": "open"}
                yield row(who, "stage", f"{who}@{stage}", day, told)
        closed = end < DAYS
        stage = "s2" if second < DAYS else "s1"
        told = {"stage": "end" if closed else stage, "pipeline": "p", "status": "open",
                "amount": {"amount": 100_000, "currency": "USD"}}  # fmt: skip
        if closed:
            at = iso(START + timedelta(days=end))
            told |= {"status": "won" if won else "lost", "closed_at": at}
        yield row(who, "deal", who, end if closed else DAYS, told)


@pytest.fixture(scope="module")
def funnel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("funnel")
    rows = [*deals(Random(3))]
    whole = starter(
        funnel={"stages": {"intro": ["s1"], "offer": ["s2"]}},
        prediction={"deals": {"horizon_days": 120}},
    )
    (folder / "facts.jsonl").write_text("\n".join(map(json.dumps, rows)), "utf-8")
    (folder / "policy.yaml").write_text(yaml.safe_dump(whole), "utf-8")
    return "--facts", folder / "facts.jsonl", "--policy", folder / "policy.yaml"


def test_deals_are_learned_of_and_tried_on_those_that_were_open(emtiaz, funnel):
    learned = emtiaz("train", *funnel)
    assert learned.code == 0
    assert "deals: used." in learned.out
    found = emtiaz("backtest", *funnel, "--json").json
    assert found.keys() == {"deals"}
    assert found["deals"]["holds"]
    assert found["deals"]["auc"] > 0.6
    assert found["deals"]["cut_off"] == "2025-09-02"


def test_a_deal_that_ends_later_is_open_on_the_day_of_a_trial(funnel):
    known, day = past_of(funnel), date(2025, 9, 2)
    trial = deals_tried(known, known.asked.deals, day)
    at = known.end_of(day)
    open_then = 0
    for facts in known.people.values():
        begun = min(fact.occurred_at for fact in facts.by_type["stage"])
        (deal,) = facts.deals()
        open_then += begun <= at and (deal.closed_at is None or deal.closed_at > at)
    assert len(trial.cases) == open_then > 50


@pytest.mark.parametrize("command", ["train", "predict", "backtest"])
def test_too_few_are_refused_in_a_sentence(emtiaz, tmp_path, command):
    chance = Random(2)
    rows = [*visits("l1", [3, 9]), *purchases("b1", [5, 80], 300), *leads(chance)][:40]
    (tmp_path / "facts.jsonl").write_text("\n".join(map(json.dumps, rows)), "utf-8")
    (tmp_path / "policy.yaml").write_text(yaml.safe_dump(page()), "utf-8")
    outcome = emtiaz(
        command, "--facts", tmp_path / "facts.jsonl", "--policy", tmp_path / "policy.yaml"
    )
    assert outcome.code == 1
    told = outcome.out + outcome.err
    assert "of the 100 customers that a model of purchases needs" in told
    assert "renew" in told


DEGENERATE = {
    "companies alone": [
        row("a", "account", "a", 1, {"name": "x"}) | {"subject": "toy-main:account:a"}
    ],
    "records alone": [record(f"r{n}", {"country": "Iran"}) for n in range(40)],
    "dates of renewal that are none": [record(f"r{n}", {"renewal_date": "soon"}) for n in range(9)],
    "all in the future": [*visits("l", [90_000]), *purchases("b", [91_000], 300)],
    "before all history": [
        purchases("b", [1], 300)[0] | {"occurred_at": "0001-01-01T00:00:00Z"}, *visits("l", [3, 4])
    ],
    "one purchase": purchases("b", [1], 300),
}  # fmt: skip


@pytest.mark.parametrize("command", ["train", "predict", "backtest"])
@pytest.mark.parametrize("case", DEGENERATE)
def test_facts_without_ground_give_a_sentence(emtiaz, tmp_path, command, case):
    (tmp_path / "facts.jsonl").write_text("\n".join(map(json.dumps, DEGENERATE[case])), "utf-8")
    (tmp_path / "policy.yaml").write_text(yaml.safe_dump(page()), "utf-8")
    outcome = emtiaz(
        command, "--facts", tmp_path / "facts.jsonl", "--policy", tmp_path / "policy.yaml"
    )
    assert outcome.code == 1
    sentences = ("of the 100", "nobody has bought", "nothing lies between")
    assert any(why in outcome.out + outcome.err for why in sentences)


@pytest.mark.parametrize("day", ["9999-12-31", "0001-01-01"])
def test_a_day_beyond_reason_is_usage(emtiaz, files, day):
    assert emtiaz("train", "--facts", files / "facts.jsonl", "--at", day).code == 2


def test_a_trial_needs_a_whole_horizon_after_its_day(emtiaz, asked):
    outcome = emtiaz("backtest", *asked, "--cut-off", "2025-12-01")
    assert outcome.code == 1
    assert "propensity: the 60 days after 2025-12-01 are not over by 2025-12-30" in outcome.err


@pytest.mark.parametrize("command", ["train", "predict", "backtest"])
def test_a_policy_that_foretells_nothing_is_a_finding(emtiaz, files, command):
    outcome = emtiaz(command, "--facts", files / "facts.jsonl", "--policy", "starter")
    assert outcome.code == 1
    assert outcome.err.strip() == "starter: has no section prediction, which says what is foretold"


@pytest.mark.parametrize("command", ["train", "predict", "backtest"])
def test_a_table_tells_of_purchases_alone(emtiaz, tmp_path, command):
    options = ("--transactions", tmp_path / "sales.csv", "--policy", "online_shop")
    assert emtiaz(command, *options).code == 2


def test_a_policy_belongs_to_a_file(emtiaz):
    assert emtiaz("train", "--policy", "online_shop").code == 2
