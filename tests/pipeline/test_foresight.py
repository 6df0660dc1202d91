"""What is learned of deals and of leads, when it is learned anew, and what the cards say of it."""

import itertools
import json
import math
from datetime import timedelta
from random import Random

import pytest

from chalicelib.core.facts import Fact, iso, parse_instant
from chalicelib.core.model import Ref, Text
from chalicelib.core.policy import FittedModels
from chalicelib.core.stored import Collection, StoredCard
from chalicelib.pipeline.foresight import drifting, foreseen
from chalicelib.pipeline.lessons import DealLesson, Lessons, lessons_of
from chalicelib.pipeline.snapshots import LeadSnapshot
from chalicelib.pipeline.train import train
from chalicelib.policy import compile_policy, version_of
from chalicelib.prediction.propensity import Propensity
from chalicelib.scoring import score_card
from tests.fakes.clock import NOON
from tests.pipeline.conftest import CONNECTION, Installation
from tests.pipeline.test_backfill import complete
from tests.pipeline.test_refresh import models, rescored
from tests.scoring.examples import NOW, SUBJECT, ago, fact_set, row, starter
from tests.scoring.whole_facts import all_seen
from tests.training.examples import cases

DAY = timedelta(days=1)
FUNNEL = {"stages": {"intro": ["s1"], "offer": ["s3"], "contract": ["s5"]}}
POLICY = compile_policy(starter(funnel=FUNNEL, prediction={"deals": {}}))


def leading(**more):
    target = {"count": "purchase", "at_least": 1}
    return compile_policy(starter(prediction={"leads": {"target": target, **more}}))


def card(parameters, name):
    return parameters["model_cards"][name]


def said(parameters, name):
    return " ".join(one["en"] for one in card(parameters, name)["sentences"])


# --- deals -----------------------------------------------------------------------------------


def deal(identity, moves, ended=None, won=False, pipeline="default", subject=SUBJECT):
    """All readings of one: pairs of days ago and a stage, and days ago of its end."""
    rows = []
    for days, stage in moves:
        told = {"status": "open", "stage": stage, "pipeline": pipeline}
        told |= {"amount": {"amount": 1000, "currency": "USD"}}
        rows.append(row("deal", identity, told, ago(days=days), ago(days=days)))
    if ended is not None:
        end = {"status": "won" if won else "lost", "stage": "closed", "pipeline": pipeline}
        end |= {"closed_at": iso(ago(days=ended))}
        rows.append(row("deal", identity, end, ago(days=ended), ago(days=ended)))
    return [one | {"subject": str(subject)} for one in rows]


def collection(rows, subject=SUBJECT):
    return Collection(StoredCard.unsaved(subject), all_seen(rows))


def test_a_deal_that_ended_teaches_its_way_and_an_open_one_its_age():
    rows = deal("1", [(40, "s1"), (30, "s3")], ended=10, won=True, pipeline="b")
    rows += deal("2", [(25, "s1"), (5, "s3")])
    found = lessons_of([collection(rows)], POLICY, NOW)
    closed = DealLesson({"intro": 30.0, "offer": 20.0}, True, iso(ago(days=10)), {"pipeline": "b"})
    assert found.deals == {"1": closed}
    way = DealLesson({"intro": 25.0, "offer": 5.0}, False, iso(NOW), {"pipeline": "default"})
    assert found.still_open == {"2": way}
    assert Lessons.from_json(found.to_json()) == found


def test_a_company_teaches_of_its_deals_and_a_shared_one_is_one():
    firm = Ref(SUBJECT.connection, "account", "7")
    whole = deal("1", [(40, "s1"), (30, "s3")], ended=10)
    part = deal("1", [(30, "s3")], ended=10, subject=firm)
    parts = [collection(whole), collection(part, firm)]
    orders = [lessons_of(one, POLICY, NOW) for one in (parts, parts[::-1])]
    assert orders[0] == orders[1]
    assert orders[0].deals["1"].days_left == {"intro": 30.0, "offer": 20.0}
    assert lessons_of(parts[1:], POLICY, NOW).deals["1"].days_left == {"offer": 20.0}


def test_nothing_is_learned_of_deals_where_nobody_asks():
    silent = compile_policy(starter(funnel=FUNNEL, prediction={"purchases": {}}))
    found = lessons_of([collection(deal("1", [(40, "s1")], ended=10))], silent, NOW)
    assert (found.deals, found.still_open) == ({}, {})


def slow_ones_are_lost(count=900, seed=6):
    """Who is won is so within weeks; who is lost stays in the first stage for months."""
    chance, deals = Random(seed), {}
    for n in range(count):
        won = chance.random() < 0.5
        days = chance.uniform(10, 40) if won else chance.uniform(35, 160)
        stages = {"intro": days, "offer": 0.3 * days} if won else {"intro": days}
        deals[f"d{n}"] = DealLesson(stages, won, iso(NOW - n * DAY / 4), {"pipeline": "default"})
    return Lessons(deals=deals, still_open=met(chance.uniform(1, 120) for _ in range(200)))


def met(ages):
    return {
        f"o{n}": DealLesson({"intro": age}, False, iso(NOW), {"pipeline": "default"})
        for n, age in enumerate(ages)
    }


@pytest.fixture(scope="module")
def of_deals():
    return foreseen(slow_ones_are_lost(), POLICY, {}, NOW)


def test_a_model_of_deals_is_learned_judged_against_stages_and_put_into_force(of_deals):
    assert card(of_deals, "deals")["passed"]
    figures = card(of_deals, "deals")["figures"]
    assert figures["log_loss"] < min(figures["base_log_loss"], figures["running_log_loss"])
    model = Propensity.from_json(of_deals["deals"])
    assert {"stage", "days_in_stage"} <= {field.name for field in model.fields}


def open_one(days):
    return fact_set(deal("9", [(days, "s1")]))


def scored(facts, parameters, at=NOW):
    stages = {"stages": {"p": {"intro": 0.5, "offer": 0.6, "contract": 0.8}, "n": 90}}
    return score_card(SUBJECT, facts, POLICY, FittedModels("m", {**parameters, **stages}), at)


def test_the_forecast_goes_by_the_model_and_else_by_stages(of_deals):
    fresh, old = (scored(open_one(days), of_deals).forecast for days in (6, 100))
    assert fresh.by_model
    assert fresh.expected.amount > 500 > old.expected.amount
    for days in (6, 100):
        found = scored(open_one(days), {}).forecast
        assert (found.expected.amount, found.by_model) == (500, False)


def test_a_chance_of_a_deal_moves_at_the_start_of_a_week_or_not_at_all(of_deals):
    start = NOW.replace(hour=0, minute=0) - NOW.weekday() * DAY
    times = [start + n * DAY / 2 for n in range(140)]
    told = [scored(open_one(40), of_deals, at).forecast.expected.amount for at in times if at > NOW]
    days = [at for at in times if at > NOW]
    moves = [at for at, (one, other) in zip(days[1:], itertools.pairwise(told), strict=True)
             if one != other]  # fmt: skip
    assert moves
    assert all((at.weekday(), at.hour) == (0, 0) for at in moves)


def test_a_model_no_better_than_stages_is_not_used_and_says_so():
    chance, deals = Random(3), {}
    for n in range(400):
        won = chance.random() < 0.5
        stages = {"intro": 30.0, "contract": 20.0} if won or n % 5 == 0 else {"intro": 30.0}
        deals[f"d{n}"] = DealLesson(stages, won, iso(NOW - n * DAY), {"pipeline": f"p{n % 3}"})
    found = foreseen(Lessons(deals=deals, still_open=met([5.0])), POLICY, {}, NOW)
    assert "deals" not in found
    assert "No better than the share that was won of each stage" in said(found, "deals")
    assert scored(open_one(6), found).forecast.by_model is False


def test_few_deals_leave_stages_in_force_and_the_card_says_how_many_are_needed():
    found = foreseen(slow_ones_are_lost(40), POLICY, {}, NOW)
    assert "deals" not in found
    assert said(found, "deals").startswith("Not enough outcomes (")


# --- upkeep ----------------------------------------------------------------------------------

LEADS = leading(segment="source", known=["visits", "demo", "size"])


def lessons(rows, outcomes, times):
    told = zip(map(iso, times), outcomes, rows, strict=True)
    looks = [LeadSnapshot(*one) for one in sorted(told, key=lambda one: one[0])]
    return Lessons(snapshots=tuple(looks))


def dated(count, **more):
    """The newest a horizon ago."""
    rows, outcomes, _ = cases(count, **more)
    return rows, outcomes, [NOW - timedelta(days=100, hours=n) for n in range(count)]


@pytest.fixture(scope="module")
def in_force():
    return foreseen(lessons(*dated(1500)), LEADS, {}, NOW)


def with_newcomers(count, change=None, **more):
    """Beside those of ``dated`` so many others, of whom it is known within the month after."""
    rows, outcomes, times = dated(1500)
    later, came, _ = cases(count, **{"seed": 3} | more)
    since = [NOW - 90 * DAY + (n + 1) * 28 * DAY / count for n in range(count)]
    changed = [one | change(n) if change else one for n, one in enumerate(later)]
    return lessons(rows + changed, outcomes + came, times + since)


LATE = NOW + 29 * DAY
"""When models are not yet a month old."""


def test_people_like_those_before_leave_a_model_as_it_is(in_force):
    assert foreseen(with_newcomers(400), LEADS, in_force, LATE) == in_force


def from_fairs(_):
    return {"source": "expo"}


def test_newcomers_of_another_kind_make_a_model_be_learned_anew_and_the_card_says_so(in_force):
    found = foreseen(with_newcomers(300, from_fairs), LEADS, in_force, LATE)
    assert found["propensity"]["n"] == 1800
    assert "source is no longer spread as in training" in said(found, "propensity")
    assert card(found, "propensity")["trained_at"] == LATE.isoformat()
    assert drifting(with_newcomers(300, from_fairs), LEADS, in_force, LATE)


def test_of_few_newcomers_nobody_knows_whether_they_are_others(in_force):
    assert foreseen(with_newcomers(150, from_fairs), LEADS, in_force, LATE) == in_force


def test_whom_a_model_has_learned_of_already_does_not_make_it_be_learned_anew(in_force):
    newcomers = with_newcomers(300, from_fairs)
    found = foreseen(newcomers, LEADS, in_force, LATE)
    assert foreseen(newcomers, LEADS, found, LATE + 7 * DAY) == found


def off():
    """Newcomers are as those before were, and succeed far more often."""
    return with_newcomers(2000, base=1.2)


def test_too_many_successes_lately_set_the_odds_anew_and_the_card_says_so(in_force):
    found = foreseen(off(), LEADS, in_force, LATE)
    before, after = (Propensity.from_json(one["propensity"]) for one in (in_force, found))
    assert [one.edges for one in after.fields] == [one.edges for one in before.fields]
    assert after.n == before.n
    assert "Its odds were set anew on 19 April 2026" in said(found, "propensity")
    assert "succeeded lately where" in said(found, "propensity")
    assert card(found, "propensity")["trained_at"] == NOW.isoformat()


def test_odds_that_were_set_anew_are_those_of_late_and_are_let_be(in_force):
    found = foreseen(off(), LEADS, in_force, LATE)
    model = Propensity.from_json(found["propensity"])
    late = [(one.did, one.row) for one in off().snapshots
            if parse_instant(one.at) >= LATE - 180 * DAY]  # fmt: skip
    foretold = math.fsum(model.probability(row) for _, row in late)
    assert foretold == pytest.approx(sum(did for did, _ in late), rel=0.01)
    assert foreseen(off(), LEADS, found, LATE + timedelta(hours=9)) == found


def test_of_few_cases_no_odds_are_set_anew_but_the_model_is_learned_anew(in_force, monkeypatch):
    monkeypatch.setattr("chalicelib.training.calibration.FEWEST_HELD_OUT", 10_000)
    found = foreseen(off(), LEADS, in_force, LATE)
    assert found["propensity"]["n"] == 3500
    assert "succeeded lately where" in said(found, "propensity")


def test_what_stays_as_another_was_refused_has_its_odds_set_anew(in_force, monkeypatch):
    worthless(monkeypatch)
    month = NOW + 31 * DAY
    found = foreseen(off(), LEADS, in_force, month)
    assert not card(found, "propensity")["passed"]
    assert found["propensity"] != in_force["propensity"]
    stays = card(found, "propensity")["stays"]
    assert stays["figures"]["odds_set_anew_at"] == month.isoformat()
    assert stays["trained_at"] == NOW.isoformat()


def months_of(count, seed=3):
    """A month after those of ``dated`` what becomes of so many more is known."""
    rows, outcomes, times = dated(1500)
    later, came, _ = cases(count, seed=seed)
    since = [NOW - 89 * DAY + timedelta(minutes=10 * n) for n in range(count)]
    return lessons(rows + later, outcomes + came, times + since)


def test_a_month_later_a_model_of_more_people_takes_the_place_of_what_is_in_force(in_force):
    found = foreseen(months_of(100), LEADS, in_force, NOW + 31 * DAY)
    assert card(found, "propensity")["passed"]
    assert found["propensity"]["n"] == 1600
    assert "Not held against the model in force: " in said(found, "propensity")


def worthless(monkeypatch):
    """Whatever is fitted from now on foretells the same of everybody."""
    why = Text("No field tells cases apart", "هیچ فیلدی")
    monkeypatch.setattr("chalicelib.training.propensity.fit", lambda *_: why)


def test_of_a_model_that_is_refused_the_card_says_which_one_stays(in_force, monkeypatch):
    worthless(monkeypatch)
    later = foreseen(months_of(100), LEADS, in_force, NOW + 31 * DAY)
    assert later["propensity"] == in_force["propensity"]
    assert not card(later, "propensity")["passed"]
    assert card(later, "propensity")["stays"] == card(in_force, "propensity")
    again = foreseen(months_of(100), LEADS, later, NOW + 70 * DAY)
    assert card(again, "propensity")["stays"] == card(in_force, "propensity")


def test_a_model_is_held_against_the_one_in_force_by_when_that_was_trained(in_force, monkeypatch):
    """And not by when another was refused."""
    with monkeypatch.context() as patch:
        worthless(patch)
        refused = foreseen(months_of(300), LEADS, in_force, NOW + 31 * DAY)
    found = foreseen(months_of(300), LEADS, refused, NOW + 32 * DAY)
    assert card(found, "propensity")["figures"]["compared"] == 150


def test_where_nothing_is_in_force_nothing_stays():
    rows, outcomes, times = dated(1500, informative=False)
    found = foreseen(lessons(rows, outcomes, times), LEADS, {}, NOW)
    assert not card(found, "propensity")["passed"]
    assert "stays" not in card(found, "propensity")


def test_what_was_off_long_ago_is_let_be(in_force):
    rows, outcomes, times = dated(1500, seed=2, base=1.2)
    long_ago = [at - 400 * DAY for at in times]
    assert foreseen(lessons(rows, outcomes, long_ago), LEADS, in_force, NOW + DAY) == in_force


def test_a_segment_that_is_foretold_better_by_itself_has_its_own_model_in_force():
    """Who comes from the web is won the other way round than the others."""
    rows, _, times = dated(3000)
    split = [one | {"source": "web" if n % 2 else "cold"} for n, one in enumerate(rows)]
    chance, came = Random(8), []
    for one in split:
        likely = one["demo"] or (one["visits"] > 5) == (one["source"] == "web")
        came.append(chance.random() < (0.85 if likely else 0.1))
    found = foreseen(lessons(split, came, times), LEADS, {}, NOW)
    assert list(found["propensity"]["segments"]) == ["cold", "web"]
    assert "web has a model of its own" in said(found, "propensity")
    alike = leading(known=["visits", "demo", "size", "source"])
    common = foreseen(lessons(split, came, times), alike, {}, NOW)
    assert common["propensity"]["segments"] == {}


# --- of very many ----------------------------------------------------------------------------


@pytest.fixture
def sampling(monkeypatch):
    for module in ("lessons", "foresight"):
        monkeypatch.setattr(f"chalicelib.pipeline.{module}.MOST", 400)


def test_of_very_many_a_sample_teaches_however_shares_are_put_together(sampling):
    rows, outcomes, times = dated(3000)
    parts = [lessons(rows[n::7], outcomes[n::7], times[n::7]) for n in range(7)]
    whole = Lessons.of([lessons(rows, outcomes, times)])
    assert len(whole.snapshots) == 400
    assert whole.left_out == {"snapshots": 2600}
    folded = Lessons()
    for part in parts:
        folded = Lessons.of([folded, part])
    assert folded == Lessons.of(reversed(parts)) == whole


def test_a_sample_is_chosen_whatever_came_of_people(sampling):
    rows, outcomes, times = dated(3000)
    one = Lessons.of([lessons(rows, outcomes, times)])
    other = Lessons.of([lessons(rows, [not did for did in outcomes], times)])
    looks = [[(each.at, each.row) for each in found.snapshots] for found in (one, other)]
    assert looks[0] == looks[1]
    seen = [each.at for each in one.snapshots]
    middle = sorted(map(iso, times))[1500]
    assert sum(at < middle for at in seen) == pytest.approx(200, abs=40)


def test_the_card_says_of_how_many_a_sample_is(sampling):
    found = foreseen(Lessons.of([lessons(*dated(3000))]), LEADS, {}, NOW)
    assert "Learned of a sample: 400 of 3,000, whatever came of them" in said(found, "propensity")
    points = tuple((n % 90, 1 + n % 7, 100 * n) for n in range(1000))
    policy = compile_policy(starter(prediction={"clusters": {}}))
    found = foreseen(Lessons(points=points), policy, {}, NOW)
    assert card(found, "clusters")["figures"]["n"] == 400
    assert "Learned of a sample: 400 of 1,000" in said(found, "clusters")


# --- from the CRM and back -------------------------------------------------------------------


def deal_in_crm(installation, number, ended=None, won=False):
    """The only deal of a contact."""
    now = installation.clock.now()
    ref, name = Ref(CONNECTION, "contact", str(number)), f"{number}-0"
    told = {"stage": "s1", "pipeline": "p", "status": "open",
            "amount": {"amount": 100_000, "currency": "USD"}}  # fmt: skip
    if ended is not None:
        closed = (now - ended * DAY).isoformat()
        told |= {"stage": "end", "status": "won" if won else "lost", "closed_at": closed}
    record = Fact(ref, "contact", ref.id, now, {"job_title": "CEO"}, NOON)
    linked = Fact(ref, "links", "links", now, {"deal": [name], "account": []})
    at = now - ended * DAY if ended is not None else now
    installation.crm.put(ref, record, linked, Fact(ref, "deal", name, at, told, at))
    return ref


def seen_earlier(installation, ref, days):
    """The deal had been read while it was in its first stage."""
    subject, name = installation.store.subjects[ref], f"{ref.id}-0"
    at = installation.clock.now() - days * DAY
    told = {"deal": name, "stage": "s1", "pipeline": "p", "status": "open"}
    fact = Fact(ref, "stage", f"{name}@{iso(at)}", at, told)
    subject.facts[fact.key] = json.dumps(fact.to_json())


def test_what_is_learned_of_deals_in_the_crm_is_told_there_of_those_that_are_open():
    installation, chance, ways = Installation(), Random(4), {}
    for number in range(260):
        won, ended = chance.random() < 0.5, 1 + number
        days = chance.uniform(10, 40) if won else chance.uniform(35, 160)
        ways[deal_in_crm(installation, number, ended, won)] = ended + days
    ways |= {deal_in_crm(installation, 900 + days): days for days in (6, 20, 50, 100)}
    page = {**installation.settings.live(CONNECTION).policy, "funnel": FUNNEL}
    page |= {"prediction": {"deals": {}}}
    installation.settings.publish_policy(CONNECTION, version_of(page), page, NOON)
    complete(installation)
    rescored(installation)
    assert "deals" not in models(installation).parameters
    for ref, days in ways.items():
        seen_earlier(installation, ref, days)
    found = train(CONNECTION, installation.services)
    assert said(found.fresh, "deals").startswith("Learned of 152 closed cases, of which 41")
    assert "deals" in models(installation).parameters
    rescored(installation)
    open_ones = list(ways)[-4:]
    forecasts = [installation.card(ref).body["forecast"] for ref in open_ones]
    assert all(one["by_model"] for one in forecasts)
    told = [installation.crm.fields[ref]["expected_value"] for ref in open_ones]
    assert told[0] > 2 * told[-1]
