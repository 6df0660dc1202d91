"""Receivers of webhooks: named, shown, tried, removed, and none that is inside."""

from dataclasses import replace

import pytest
from standardwebhooks import Webhook

from chalicelib.adapters.secrets import from_text, to_text
from infra.cli import announce
from tests.adapters.test_addresses import REFUSED, WRONG
from tests.fakes.receiver import receiver
from tests.pipeline.conftest import CONNECTION

TOY = ("--connection", CONNECTION)
SHOP = "https://shop.example/hooks"


@pytest.fixture(autouse=True)
def out_in_the_world(monkeypatch):
    leads_to(monkeypatch, "93.184.216.34")


def leads_to(monkeypatch, *addresses):
    monkeypatch.setattr(announce, "resolve", lambda _host, _port: [(2, one) for one in addresses])


def held(installation):
    return installation.fakes.secrets.secrets[CONNECTION].outgoing


def put(emtiaz, *options, url=SHOP):
    return emtiaz("announce", "webhook", "set", *TOY, "--url", url, *options)


def test_a_receiver_is_set_with_a_secret_and_listed_without_it(emtiaz, installation):
    made = put(emtiaz, "--json").json
    assert (made["name"], made["url"]) == ("main", SHOP)
    (secret,) = made["secrets"]
    assert Webhook(secret)
    listed = emtiaz("announce", "webhook", "list", *TOY)
    assert listed.cells == [["main", SHOP]]
    assert secret not in listed.out
    assert secret in emtiaz("announce", "webhook", "list", *TOY, "--secrets").out
    assert emtiaz("announce", "webhook", "list", *TOY, "--json").json == [
        {"name": "main", "url": SHOP}
    ]


def test_a_new_url_keeps_the_secret_and_a_rotation_keeps_both_until_it_is_finished(
    emtiaz, installation
):
    (first,) = put(emtiaz, "--json").json["secrets"]
    assert put(emtiaz, "--json", url=SHOP + "/new").json["secrets"] == [first]
    second, old = put(emtiaz, "--rotate", "--json").json["secrets"]
    assert old == first
    assert put(emtiaz, "--finish", "--json").json["secrets"] == [second]


def test_several_receivers_have_names(emtiaz, installation):
    for name in ("main", "chat"):
        put(emtiaz, "--name", name)
    assert [one.id for one in held(installation)] == ["main", "chat"]
    assert emtiaz("announce", "webhook", "remove", *TOY, "--name", "shop", "--yes").code == 2
    assert emtiaz("announce", "webhook", "remove", *TOY, "--yes").code == 0
    assert [one.id for one in held(installation)] == ["chat"]


def test_there_are_not_too_many(emtiaz, installation):
    for number in range(announce.MOST_RECEIVERS):
        assert put(emtiaz, "--name", f"r{number}").code == 0
    assert put(emtiaz, "--name", "one-more").code == 1
    assert put(emtiaz, "--name", "r0", url=SHOP + "/new").code == 0


def test_a_dry_run_changes_nothing(emtiaz, installation):
    assert put(emtiaz, "--dry-run").code == 0
    assert held(installation) == ()
    put(emtiaz)
    assert emtiaz("announce", "webhook", "remove", *TOY, "--dry-run").code == 0
    assert emtiaz("announce", "webhook", "test", *TOY, "--dry-run").code == 0
    assert len(held(installation)) == 1


@pytest.mark.parametrize("url", WRONG)
def test_a_url_that_is_never_called_is_refused_when_it_is_entered(emtiaz, installation, url):
    assert put(emtiaz, url=url).code == 2
    assert held(installation) == ()


@pytest.mark.parametrize("address", REFUSED)
def test_a_name_that_leads_inside_is_refused_when_it_is_entered(
    emtiaz, installation, monkeypatch, address
):
    leads_to(monkeypatch, "93.184.216.34", address)
    assert put(emtiaz).code == 2
    assert held(installation) == ()


def test_a_test_is_signed_and_its_answer_shown(emtiaz, installation, monkeypatch):
    leads_to(monkeypatch, "127.0.0.1")
    with receiver() as there:
        (secret,) = put(emtiaz, "--loopback", "--json", url=there.url).json["secrets"]
        told = emtiaz("announce", "webhook", "test", *TOY, "--loopback")
        assert (told.code, told.out) == (0, "main answered 204\n")
        there.answers = [500]
        assert emtiaz("announce", "webhook", "test", *TOY, "--loopback").code == 1
        assert emtiaz("announce", "webhook", "test", *TOY).code == 1, "it is no rehearsal"
    assert len(there.deliveries) == 2
    delivery = there.deliveries[0]
    assert Webhook(secret).verify(delivery.body, delivery.headers)["type"] == "test"


def test_receivers_survive_their_way_to_the_secrets_manager(emtiaz, installation):
    put(emtiaz)
    kept = installation.fakes.secrets.secrets[CONNECTION]
    assert from_text(to_text(kept)) == kept
    assert from_text(to_text(replace(kept, outgoing=()))).outgoing == ()
