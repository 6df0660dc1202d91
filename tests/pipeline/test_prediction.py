"""From what everybody did to models of the future, and from these to what the CRM shows."""

from dataclasses import replace
from datetime import timedelta
from itertools import cycle, islice
from random import Random

import pytest

from chalicelib.core.facts import iso
from chalicelib.core.ports import SHARDS
from chalicelib.pipeline import refresh as runs_refresh
from chalicelib.pipeline.foresight import OLDEST, foreseen
from chalicelib.pipeline.kept_shares import kept
from chalicelib.pipeline.lessons import Lessons, lessons_of
from chalicelib.pipeline.refresh import refresh
from chalicelib.pipeline.runs import CHECKPOINT
from chalicelib.pipeline.shares import Share, share_of
from chalicelib.pipeline.train import Memory, in_use, premises_of, train
from chalicelib.policy import compile_policy, validate, version_of
from tests.fakes.clock import NOON
from tests.pipeline.conftest import CONNECTION
from tests.pipeline.test_backfill import complete
from tests.pipeline.test_refresh import a_day_later, look, models, rescored

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
BUYERS, LEADS = 160, 320
SECTION = {
    "purchases": {"horizon_months": 6},
    "leads": {"target": {"count": "purchase", "at_least": 1}, "horizon_days": 60},
    "clusters": {},
}


def foreseeing(installation, section=SECTION):
    page = {**installation.settings.live(CONNECTION).policy, "prediction": section}
    installation.settings.publish_policy(CONNECTION, version_of(page), page, NOON)
    return installation


@pytest.fixture(scope="module")
def people():
    """Of each buyer the days ago of purchases, of each lead those of visits; drawn once."""
    chance = Random(3)
    return [*_buyers(chance)], [*_leads(chance)]


def _buyers(chance):
    """By the story of the model: at a rate of their own, until they drop out."""
    for _ in range(BUYERS):
        rate, drops = chance.gammavariate(1.2, 1 / 20), chance.betavariate(1, 6)
        day, found = chance.uniform(30, 680), []
        while day > 0:
            found.append(day)
            if chance.random() < drops:
                break
            day -= max(chance.expovariate(rate), 1)
        yield found, chance.randint(10, 90)


def _leads(chance):
    """Who visits often buys within the month."""
    for _ in range(LEADS):
        first = chance.uniform(70, 700)
        keen = chance.random() < 0.45
        visits = [first - k * 0.7 for k in range(chance.randint(5, 9) if keen else 1)]
        visits += [chance.uniform(1, 60)] if chance.random() < 0.5 else []
        buys = chance.random() < (0.85 if keen else 0.1)
        yield visits, first - chance.uniform(20, 35) if buys else None


def populated(installation, people):
    buyers, leads = people
    now = installation.clock.now()
    for number, (days, amount) in enumerate(buyers):
        installation.contact(number, deals=[(now - day * DAY, amount) for day in days])
    for number, (visits, bought) in enumerate(leads, BUYERS):
        deals = [(now - bought * DAY, 40)] if bought else []
        times = sorted(now - ago * DAY for ago in visits)
        installation.contact(number, deals=deals, visits=times)
    return installation


@pytest.fixture
def known(installation, people):
    """All are in the CRM and scored, and nothing is to be predicted yet."""
    complete(populated(installation, people))
    rescored(installation)
    return installation


def test_training_puts_models_into_force_and_the_crm_shows_what_they_say(known):
    foreseeing(known)
    rescored(known)
    assert look(known)
    parameters = models(known).parameters
    assert parameters["purchases"]["method"] == "model"
    assert {"spend", "clusters", "propensity", "model_cards"} <= parameters.keys()
    rescored(known)
    shown = list(known.crm.fields.values())
    assert {"low", "high"} <= {one.get("churn_risk") for one in shown}
    told = [one["purchase_probability"] for one in shown if one.get("purchase_probability")]
    assert len(told) > BUYERS
    assert {one["cluster"] for one in shown if one.get("cluster")}
    assert any(one.get("expected_value") for one in shown)


def test_whoever_visits_often_has_the_better_chance(known):
    foreseeing(known)
    rescored(known)
    look(known)
    fields = {one["name"]: one for one in models(known).parameters["propensity"]["fields"]}
    _, *ranges, _, missing = fields["did:page.viewed"]["weights"]
    assert max(ranges) > 0 > min(ranges[0], missing) or max(ranges) > missing


def test_pages_teach_what_one_process_would_learn(known):
    foreseeing(known)
    policy = compile_policy(known.settings.live(CONNECTION).policy)
    now = known.clock.now()

    def share(**which):
        return share_of(known.store.population(CONNECTION, **which), policy, known.store, now)

    parts = [Share.from_json(share(shard=n).to_json()) for n in range(SHARDS)]
    together = Lessons.of(part.lessons for part in parts)
    assert together == Lessons.of([share().lessons])
    assert foreseen(together, policy, {}, now) == foreseen(share().lessons, policy, {}, now)


def test_a_model_that_fails_its_gate_leaves_the_old_one_in_force_and_says_why(known):
    foreseeing(known)
    rescored(known)
    look(known)
    live, memory = known.settings.live(CONNECTION), Memory.of(CONNECTION, known.services)
    policy = compile_policy(live.policy)
    later = known.clock.now() + OLDEST
    found = foreseen(Lessons(), policy, in_use(live, memory), later)
    for name in ("purchases", "propensity", "clusters"):
        assert found[name] == live.models.parameters[name]
        card = found["model_cards"][name]
        assert card["passed"] is False
        assert card["sentences"][0]["fa"]


def test_in_between_models_stay_as_they_are_and_after_a_month_they_are_fitted_anew(known):
    foreseeing(known)
    rescored(known)
    look(known)
    before = models(known)
    a_day_later(known)
    assert not look(known)
    assert models(known) == before
    known.clock.advance(days=30)
    known.sweep()
    known.run()
    look(known)
    trained = Memory.of(CONNECTION, known.services).seen["model_cards"]["purchases"]["trained_at"]
    assert trained > before.parameters["model_cards"]["purchases"]["trained_at"]


def with_others(shares, now):
    """Beside them 300 leads of whom it became known an hour ago, who visited as nobody did before."""
    horizon = SECTION["leads"]["horizon_days"] * DAY
    known = [one for share in shares for one in share.lessons.snapshots]
    others = tuple(
        one._replace(at=iso(now - horizon - HOUR), row={**one.row, "did:page.viewed": 99.0})
        for one in islice(cycle(known), 300)
    )
    return [*shares, Share(lessons=Lessons(snapshots=others))]


@pytest.mark.parametrize(("days", "is_anew"), [(3, False), (8, True)])
def test_where_people_have_changed_chances_are_learned_anew_within_a_week(
    known, monkeypatch, days, is_anew
):
    foreseeing(known)
    rescored(known)
    look(known)
    before = Memory.of(CONNECTION, known.services).seen["model_cards"]
    known.clock.advance(days=days)
    known.sweep()
    known.run()
    rescored(known)
    now = known.clock.now()
    monkeypatch.setattr(runs_refresh, "kept", lambda *which: with_others(kept(*which), now))
    look(known)
    after = Memory.of(CONNECTION, known.services).seen["model_cards"]
    assert (after["propensity"]["trained_at"] > before["propensity"]["trained_at"]) is is_anew
    told = " ".join(one["en"] for one in after["propensity"]["sentences"])
    assert ("is no longer spread as in training" in told) is is_anew
    assert after["purchases"] == before["purchases"]


def test_of_a_model_refused_before_cards_told_of_it_the_published_card_says_which_one_stays(known):
    foreseeing(known)
    rescored(known)
    look(known)
    live, memory = known.settings.live(CONNECTION), Memory.of(CONNECTION, known.services)
    cards = memory.seen["model_cards"]
    later = (known.clock.now() + DAY).isoformat()
    refused = {**cards["propensity"], "passed": False, "trained_at": later}
    seen = {**memory.seen, "model_cards": {**cards, "propensity": refused}}
    told = in_use(live, replace(memory, seen=seen))["model_cards"]
    assert told["propensity"]["stays"] == live.models.parameters["model_cards"]["propensity"]
    assert "stays" not in told["clusters"]


@pytest.mark.parametrize(
    ("changed", "is_anew"),
    [
        ({"attributes": {"town": {"type": "text", "of": "contact", "hubspot": "city"}}}, True),
        ({"machine_traffic": {"burst_seconds": 7}}, True),
        ({"attributes": {"job_title": {"label": {"en": "Position", "fa": "سمت"}}}}, False),
    ],
    ids=["attribute", "machines", "label"],
)
def test_whatever_decides_what_rows_tell_makes_models_be_learned_anew(known, changed, is_anew):
    """A model in force would take what is no longer there for missing."""
    foreseeing(known)
    before = premises_of(known.settings.live(CONNECTION))
    page = dict(known.settings.live(CONNECTION).policy)
    for section, content in changed.items():
        held = page.get(section, {})
        page[section] = {**held, **{name: {**held.get(name, {}), **one} if isinstance(one, dict)
                                    else one for name, one in content.items()}}  # fmt: skip
    validate(page)
    known.settings.publish_policy(CONNECTION, version_of(page), page, NOON)
    assert (premises_of(known.settings.live(CONNECTION)) != before) is is_anew


def test_without_enough_people_nothing_is_shown_and_the_card_says_how_many_are_needed(installation):
    installation.contact(1, deals=[(NOON - 40 * DAY, 10), (NOON - 9 * DAY, 30)])
    foreseeing(installation)
    complete(installation)
    rescored(installation)
    found = train(CONNECTION, installation.services, dry_run=True)
    assert "purchases" not in found.parameters
    assert "100" in found.cards["purchases"]["sentences"][0]["en"]
    (shown,) = installation.crm.fields.values()
    assert shown.get("churn_risk") is None
    assert shown.get("purchase_probability") is None


def test_nothing_is_read_or_learned_where_nothing_is_predicted(known):
    policy = compile_policy(known.settings.live(CONNECTION).policy)
    shares = share_of(known.store.population(CONNECTION), policy, None, NOON)
    assert shares.lessons == Lessons()
    assert lessons_of([], replace(policy, prediction=None), NOON) == Lessons()
    assert known.settings.checkpoint(CONNECTION, CHECKPOINT) is None
    refresh(CONNECTION, known.services)
    known.run()
    refresh(CONNECTION, known.services)
    assert "model_cards" not in models(known).parameters
