"""``status``, ``train``, ``explain`` and ``score`` tell what is foretold, and what is not."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from chalicelib.core.facts import iso
from infra.cli.model_cards import verdict
from tests.infra.cli.test_train import TOY
from tests.pipeline.test_backfill import complete, crowd
from tests.pipeline.test_prediction import foreseeing
from tests.scoring import foretold
from tests.scoring.chapters.test_chapter_09_forecast import FUNNEL, ODDS, deal
from tests.scoring.examples import NOW, SUBJECT, ago, bought, starter

EARLIER = Path(__file__).parent / "prediction_of_an_earlier_version.json"


@pytest.fixture
def foreseen(installation):
    fakes = crowd(foreseeing(installation.fakes))
    complete(fakes)
    return fakes


def test_training_says_of_every_model_whether_it_is_used_and_why(emtiaz, foreseen):
    out = emtiaz("train", *TOY).out
    assert "purchases: not used. 60 of the 100 customers that a model of purchases needs" in out
    assert "propensity: not used." in out
    assert emtiaz("train", *TOY, "--json").json["model_cards"]["purchases"]["passed"] is False


def test_a_model_that_stays_in_use_is_not_told_as_one_that_is_not_used():
    before = {"passed": True, "sentences": [], "trained_at": "2026-03-21T08:00:00+00:00"}
    why = {"en": "No better than the model in force", "fa": "بهتر نیست"}
    card = {"passed": False, "sentences": [why], "trained_at": "2026-04-20T08:00:00+00:00"}
    told = verdict("propensity", card | {"stays": before})
    assert told == (
        "propensity: the one of 21 March 2026 stays in use. No better than the model in force."
    )
    told = verdict("propensity", card | {"stays": before}, "fa")
    assert (
        told
        == "propensity: مدل \u2068۱\u2069 فروردین \u2068۱۴۰۵\u2069 همچنان به کار می‌رود. بهتر نیست."
    )
    assert verdict("propensity", card).startswith("propensity: not used. No better")
    assert verdict("propensity", before, "fa") == "propensity: به کار می‌رود."


def test_status_says_which_models_are_in_force_and_why_others_are_not(emtiaz, foreseen):
    emtiaz("train", *TOY)
    assert "toy-main: purchases: not used. 60 of the 100 customers" in emtiaz("status").out
    cards = emtiaz("status", "--json").json["model_cards"]["toy-main"]
    assert {"purchases", "spend", "propensity", "clusters"} == cards.keys()


@pytest.fixture
def files(tmp_path):
    prediction = {"purchases": {}, "deals": {}, "clusters": {}}
    page = starter(funnel=FUNNEL, prediction=prediction)
    rows = [bought(f"p{n}", ago(days=30 * n), 2_000) for n in range(1, 5)]
    rows.append(deal("9", "s3", 8_000))
    models = {"version": "t", "parameters": {**foretold.LEARNED, "stages": {"p": ODDS, "n": 90}}}
    contents = {
        "policy.yaml": yaml.safe_dump(page),
        "facts.jsonl": "\n".join(map(json.dumps, rows)),
        "models.json": json.dumps(models),
    }
    for name, text in contents.items():
        (tmp_path / name).write_text(text, "utf-8")
    options = [f"--{name.partition('.')[0]}={tmp_path / name}" for name in contents]
    return [*options, "--at", iso(NOW)]


def test_a_card_is_explained_with_what_will_become_of_somebody(emtiaz, files):
    out = emtiaz("explain", str(SUBJECT), *files).out
    for told in ("churn risk", "purchase within 90 days", "value to come", "cluster"):
        assert told in out
    assert "How often they bought raises the odds" in out
    assert "open deals will bring" in out
    assert "as a model of deals tells" in out


def test_a_table_of_cards_has_a_column_for_it(emtiaz, files):
    assert "churn risk" in emtiaz("score", *files).out
    without = [one for one in files if "models" not in one]
    assert "to come" not in emtiaz("score", *without).out


def test_a_card_that_an_earlier_version_stored_is_explained_too(emtiaz, foreseen):
    ref, held = next(iter(foreseen.store.subjects.items()))
    earlier = json.loads(EARLIER.read_text("utf-8"))
    held.card = replace(held.card, body={**held.card.body, "prediction": earlier})
    told = emtiaz("explain", str(ref)).out.splitlines()
    assert any("value to come" in line and line.rstrip("│ ").endswith("90.00 USD") for line in told)
    assert not any("altogether" in line or "known costs" in line for line in told)
