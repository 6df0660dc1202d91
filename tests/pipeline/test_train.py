"""Borders that are learned anew move where two refreshes in a row agree."""

import json

import pytest

from chalicelib.core.model import Ref
from chalicelib.pipeline.train import train
from chalicelib.policy import version_of
from tests.fakes.clock import NOON
from tests.pipeline.conftest import CONNECTION
from tests.pipeline.test_backfill import CUSTOMERS, DAY, complete, crowd


@pytest.fixture
def trained(installation):
    """Sixty customers, ranked by a backfill."""
    complete(crowd(installation))
    return installation


def borders(installation):
    return installation.settings.live(CONNECTION).models.parameters["rfm"]


def everybody_buys(installation):
    """So often that the borders of frequency are others from then on."""
    for number in range(CUSTOMERS):
        bought = [(NOON - (number + k) * DAY, 10 + number) for k in range(6 + number % 7)]
        installation.contact(number, deals=bought)
        installation.deliver(f"contact:{number}")
    installation.run()


def test_nothing_moves_where_nothing_is_new(trained):
    before = trained.settings.live(CONNECTION).models
    assert train(CONNECTION, trained.services).moved == ()
    assert trained.settings.live(CONNECTION).models == before
    assert trained.intake.messages == []


def test_borders_move_at_the_second_refresh_that_says_so_and_everybody_is_scored(trained):
    before = borders(trained)
    everybody_buys(trained)
    assert train(CONNECTION, trained.services).moved == ()
    assert borders(trained) == before
    found = train(CONNECTION, trained.services)
    assert found.moved == ("rfm",)
    assert borders(trained)["f"] == found.fresh["rfm"]["f"] != before["f"]
    trained.run()
    models = trained.settings.live(CONNECTION).models
    cards = [subject.card for subject in trained.store.subjects.values()]
    assert {card.body["models"] for card in cards} == {models.version}


def test_after_a_change_of_the_policy_borders_are_taken_as_they_are_found(trained):
    everybody_buys(trained)
    page = json.loads(json.dumps(trained.settings.live(CONNECTION).policy)) | {"name": "Another"}
    trained.settings.publish_policy(CONNECTION, version_of(page), page, NOON)
    found = train(CONNECTION, trained.services)
    assert found.moved == ("rfm",)
    assert borders(trained) == found.fresh["rfm"]


def test_a_dry_run_counts_as_no_refresh(trained):
    everybody_buys(trained)
    for _ in range(3):
        assert train(CONNECTION, trained.services, dry_run=True).moved == ()
    assert train(CONNECTION, trained.services).moved == ()


def test_who_has_spent_beyond_all_measure_is_named(installation):
    for number in range(110):
        installation.contact(number, deals=[(NOON, 100)])
        installation.deliver(f"contact:{number}")
    installation.contact(110, deals=[(NOON, 1_000_000)])
    installation.deliver("contact:110")
    installation.run()
    found = train(CONNECTION, installation.services, dry_run=True)
    assert found.doubtful == (Ref(CONNECTION, "contact", "110"),)
