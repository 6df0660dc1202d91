import json
from datetime import timedelta

import pytest

from chalicelib.pipeline.backfill import CHECKPOINT, backfill
from chalicelib.pipeline.rescore import rescore
from chalicelib.policy import version_of
from tests.fakes.clock import NOON
from tests.pipeline.conftest import CONNECTION, Installation

DAY = timedelta(days=1)
CUSTOMERS, LEADS = 60, 15


@pytest.fixture
def crowded(installation):
    return crowd(installation)


def crowd(installation):
    installation.crm.page_size = 20
    for number in range(CUSTOMERS):
        bought = [(NOON - (number + k) * DAY, 10 + number) for k in range(1 + number % 5)]
        installation.contact(number, deals=bought)
    for number in range(CUSTOMERS, CUSTOMERS + LEADS):
        installation.contact(number)
    return installation


def complete(installation):
    """Run a backfill; every look at a queue delivers what waits in it."""

    def deliver():
        assert not installation.process()
        assert not installation.write()

    return list(backfill(CONNECTION, installation.services, deliver))


def test_everyone_in_the_crm_is_scored_with_the_cuts_of_all(crowded):
    complete(crowded)
    assert len(crowded.crm.fields) == CUSTOMERS + LEADS
    models = crowded.settings.live(CONNECTION).models
    assert models.parameters["rfm"]["n"] == CUSTOMERS
    assert all(card.body["models"] == models.version for card in cards(crowded))
    assert {card.body["customer"]["class"] for card in cards(crowded) if card.body["customer"]}


def test_ranks_and_borders_of_value_are_learned_where_the_policy_wants_them(crowded):
    page = dict(crowded.settings.live(CONNECTION).policy)
    page = json.loads(json.dumps(page))
    page["customer"]["components"].append({"id": "worth", "model": "value", "weight": 50})
    page["customer"]["classes"]["value_shares"] = [0.8, 0.95]
    crowded.settings.publish_policy(CONNECTION, version_of(page), page, NOON)
    complete(crowded)
    learned = crowded.settings.live(CONNECTION).models.parameters
    assert len(learned["value"]["cuts"]) == 100
    bought = [card.body for card in cards(crowded) if card.body["value"]]
    worth = {body["value"]["total"]["amount"]: body["customer"]["class"] for body in bought}
    assert worth[max(worth)] == "A"
    assert all(
        (class_ == "A") == (sum_ >= learned["classes"]["A"]) for sum_, class_ in worth.items()
    )
    assert all(body["customer"]["class_certain"] for body in bought)
    assert all(body["class_founded_at"] == body["at"] for body in bought)


def test_each_record_is_read_once_and_written_once(crowded):
    complete(crowded)
    read = [ref for batch in crowded.crm.called("fetch_history") for ref in batch]
    written = [update.ref for update in crowded.writes()]
    assert len(read) == len(set(read)) == CUSTOMERS + LEADS
    assert len(written) == len(set(written)) == CUSTOMERS + LEADS


def test_nothing_is_published_before_the_cuts_are_known(crowded):
    steps = backfill(CONNECTION, crowded.services, crowded.process)
    for progress in steps:
        if progress.step == "fit":
            break
    assert crowded.ring.messages == []
    assert crowded.crm.fields == {}


@pytest.mark.parametrize("pages", [1, 2, 3])
def test_a_backfill_killed_while_listing_resumes_at_its_page(crowded, pages):
    steps = backfill(CONNECTION, crowded.services, lambda: None)
    for _ in range(pages):
        next(steps)
    steps.close()
    crowded.crm.calls.clear()
    complete(crowded)
    assert len(crowded.crm.called("list_subjects")) == 4 - pages
    untouched = crowd(Installation())
    complete(untouched)
    assert crowded.crm.fields == untouched.crm.fields


def test_progress_ends_at_its_total_in_every_step(crowded):
    last = {progress.step: progress for progress in complete(crowded)}
    assert list(last) == ["list", "collect", "fit", "score", "write"]
    assert all(progress.done == progress.total for progress in last.values())


def test_a_second_backfill_writes_nothing_new(crowded):
    complete(crowded)
    before = len(crowded.writes())
    complete(crowded)
    assert len(crowded.writes()) == before


def test_after_a_second_backfill_every_score_still_decays(crowded):
    lead = crowded.contact(999, visits=[NOON, NOON - DAY])
    complete(crowded)
    complete(crowded)
    before = crowded.crm.fields[lead]["score"]
    for _ in range(60):
        crowded.clock.advance(days=2)
        crowded.sweep()
        crowded.run()
    assert crowded.crm.fields[lead]["score"] < before


@pytest.fixture
def late(crowded, monkeypatch):
    """The index shows one card later than all others."""
    at_once = crowded.store.population
    hidden = str(next(iter(crowded.crm.facts)))

    def population(connection, **share):
        return (row for row in at_once(connection, **share) if row["ref"] != hidden)

    crowded.store.population = population
    complete(crowded)
    assert len(crowded.crm.fields) == CUSTOMERS + LEADS - 1
    crowded.store.population = at_once
    return crowded


def test_a_card_that_the_index_did_not_show_in_time_is_published_by_the_next_walk(late):
    late.clock.advance(minutes=6)
    rescore(late.services)
    late.run()
    assert len(late.crm.fields) == CUSTOMERS + LEADS


def test_without_any_further_walk_sweep_publishes_it(late):
    late.clock.advance(hours=2)
    late.sweep()
    late.run()
    assert len(late.crm.fields) == CUSTOMERS + LEADS


def test_a_finished_backfill_leaves_no_checkpoint(crowded):
    complete(crowded)
    assert crowded.settings.checkpoint(CONNECTION, CHECKPOINT) is None


def cards(installation):
    return [subject.card for subject in installation.store.subjects.values()]


def test_one_that_was_stopped_begins_anew_if_the_policy_asks_for_more_by_now(crowded):
    steps = backfill(CONNECTION, crowded.services, crowded.process)
    while next(steps).step == "list":
        pass
    crowded.run()
    page = json.loads(json.dumps(crowded.settings.live(CONNECTION).policy))
    page["attributes"]["budget"] = page["attributes"]["job_title"]
    crowded.settings.publish_policy(CONNECTION, version_of(page), page, NOON)
    crowded.crm.calls.clear()
    complete(crowded)
    assert len(crowded.crm.called("list_subjects")) == 4
