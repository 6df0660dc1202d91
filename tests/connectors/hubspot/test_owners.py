"""Owners, written to the stand-in HubSpot only where there is none."""

from dataclasses import replace

import pytest

from chalicelib.core.connector import Secret
from chalicelib.core.errors import RecordGone
from connectors.hubspot.client import HubSpotClient
from infra.sandbox.hubspot import StandIn
from infra.sandbox.hubspot.records import CONTACTS, Actor
from tests.connectors.hubspot.api_double import CONNECTION, contact
from tests.fakes.access import FakeAccess


@pytest.fixture
def hubspot():
    with StandIn.start() as running:
        yield running


@pytest.fixture(params=["2026-03", "2026-09"])
def client(request, hubspot):
    connection = replace(CONNECTION, base_url=hubspot.url, api_version=request.param)
    return HubSpotClient(connection, Secret("", (), hubspot.token), (), FakeAccess(hubspot.token))


def load(hubspot, *numbers, **properties):
    for number in numbers:
        hubspot.portal.load(CONTACTS, properties, record_id=str(number))


def owner(hubspot, number):
    return hubspot.portal.get(CONTACTS, str(number)).value("hubspot_owner_id")


def test_only_who_has_none_gets_an_owner(client, hubspot):
    load(hubspot, 1)
    load(hubspot, 2, hubspot_owner_id="79")
    refusals = client.assign({contact(1): "77", contact(2): "77"})
    assert (owner(hubspot, 1), owner(hubspot, 2)) == ("77", "79")
    assert {ref: str(error) for ref, error in refusals.items()} == {
        contact(2): "owner 79 has them already"
    }


def test_an_owner_whom_hubspot_does_not_know_is_refused_alone(client, hubspot):
    load(hubspot, 1, 2)
    refusals = client.assign({contact(1): "404", contact(2): "78"})
    assert set(refusals) == {contact(1)}
    assert (owner(hubspot, 1), owner(hubspot, 2)) == ("", "78")


def test_who_is_gone_gets_no_owner(client, hubspot):
    load(hubspot, 1)
    hubspot.portal.archive(CONTACTS, "1", Actor.user(77))
    refusals = client.assign({contact(1): "77", contact(404): "77"})
    assert {ref: type(error) for ref, error in refusals.items()} == {
        contact(1): RecordGone,
        contact(404): RecordGone,
    }


def test_nothing_is_written_where_nobody_is_free(client, hubspot):
    load(hubspot, 1, hubspot_owner_id="79")
    hubspot.requests.reset()
    client.assign({contact(1): "77"})
    assert not any("update" in route for route in hubspot.requests.counts())
