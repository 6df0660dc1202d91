"""The secrets of whoever sends events: shown, made anew, taken back."""

from dataclasses import replace

import pytest
from standardwebhooks import Webhook

from tests.fakes.events import SECRET
from tests.pipeline.conftest import CONNECTION

TOY = ("--connection", CONNECTION)


@pytest.fixture(autouse=True)
def one_secret(installation):
    secrets = installation.fakes.secrets.secrets
    secrets[CONNECTION] = replace(secrets[CONNECTION], events_secrets=(SECRET,))


def live(installation):
    return installation.fakes.secrets.secrets[CONNECTION].events_secrets


def test_address_and_secrets_are_shown(emtiaz, installation):
    address = f"https://emtiaz.example/v1/events/{CONNECTION}"
    assert emtiaz("events", "secret", *TOY, "--json").json == {
        "connection": CONNECTION,
        "address": address,
        "secrets": [SECRET],
    }
    assert emtiaz("events", "secret", *TOY).cells == [["address", address], ["secret", SECRET]]


def test_a_new_secret_stands_before_the_old_one_until_that_is_taken_back(emtiaz, installation):
    assert emtiaz("events", "rotate", *TOY).code == 0
    new, old = live(installation)
    assert old == SECRET
    assert Webhook(new)
    assert emtiaz("events", "rotate", *TOY, "--finish").code == 4, "nobody can be asked"
    assert emtiaz("events", "rotate", *TOY, "--finish", "--yes").code == 0
    assert live(installation) == (new,)


def test_never_more_than_two_are_live(emtiaz, installation):
    emtiaz("events", "rotate", *TOY)
    newer = live(installation)[0]
    emtiaz("events", "rotate", *TOY, "--yes")
    assert live(installation)[1:] == (newer,)


def test_a_dry_run_changes_nothing_and_shows_no_secret(emtiaz, installation):
    outcome = emtiaz("events", "rotate", *TOY, "--dry-run")
    assert (outcome.code, outcome.err) == (0, "a new secret; 2 live from then on, 0 taken back\n")
    assert live(installation) == (SECRET,)


def test_the_other_secrets_of_the_connection_stay(emtiaz, installation):
    emtiaz("events", "rotate", *TOY)
    assert installation.fakes.secrets.secrets[CONNECTION].webhook_secrets == ("new", "old")


def test_an_unknown_connection_is_refused(emtiaz):
    assert emtiaz("events", "secret", "--connection", "toy-none").code == 4
