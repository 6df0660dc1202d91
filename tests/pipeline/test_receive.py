import json
from dataclasses import replace

import pytest

from chalicelib.core.connector import Secret
from chalicelib.core.errors import (
    BodyTooLarge,
    PayloadInvalid,
    Retryable,
    SignatureInvalid,
    UnknownConnection,
    UnsupportedMedia,
)
from chalicelib.core.model import Ref
from chalicelib.pipeline.doorbells import gather
from chalicelib.pipeline.messages import Envelope, Told, delivered_request
from chalicelib.pipeline.receive import BODY_LIMIT, receive
from chalicelib.pipeline.services import Edge
from tests.fakes import connector as toy
from tests.fakes.clock import NOON
from tests.fakes.secrets import InMemorySecrets
from tests.pipeline.conftest import CONNECTION

GOOD = toy.body("contact:1")


def test_a_good_delivery_is_queued_raw(installation):
    body = '[{"ref": "contact:1", "name": "مینا"}]'.encode()
    receive("01", CONNECTION, installation.request(body), installation.edge, NOON)
    (message,) = installation.intake.messages
    assert delivered_request(message).body == body
    assert message["received_at"] == "2026-03-21T12:00:00.000Z"


@pytest.mark.parametrize("certificate", ["", "CN=other", "cn=northwind", "CN=northwind,O=x"])
def test_where_a_client_certificate_is_expected_no_other_will_do(installation, certificate):
    expecting = replace(
        installation.secrets.get(CONNECTION), certificates=("CN=old", "CN=northwind")
    )
    edge = replace(installation.edge, secrets=InMemorySecrets({CONNECTION: expecting}))
    good = installation.request(GOOD)
    with pytest.raises(SignatureInvalid, match="client certificate"):
        receive("01", CONNECTION, replace(good, certificate=certificate), edge, NOON)
    assert not installation.intake.messages
    for right in expecting.certificates:
        receive("01", CONNECTION, replace(good, certificate=right), edge, NOON)
    assert len(installation.intake.messages) == 2


def test_a_certificate_proves_nothing_beyond_itself(installation):
    expecting = replace(installation.secrets.get(CONNECTION), certificates=("CN=northwind",))
    edge = replace(installation.edge, secrets=InMemorySecrets({CONNECTION: expecting}))
    request = replace(installation.request(GOOD, signature="none"), certificate="CN=northwind")
    with pytest.raises(SignatureInvalid, match="does not match"):
        receive("01", CONNECTION, request, edge, NOON)


@pytest.mark.parametrize(("channel", "body"), [("", GOOD), ("notes", b'"contact:1"')])
def test_the_channel_travels_with_the_delivery(installation, channel, body):
    request = installation.request(body, channel=channel)
    receive("01", CONNECTION, request, installation.edge, NOON)
    (message,) = installation.intake.messages
    assert delivered_request(message).channel == channel


def test_what_a_channel_sends_rings_and_claims_nothing_that_an_api_could_lag_behind(installation):
    request = installation.request(b'"contact:1"', channel="notes")
    receive("01", CONNECTION, request, installation.edge, NOON)
    (message,) = installation.intake.messages
    [work] = gather([Envelope("1", "receipt", 1, message)], installation.services, NOON)
    assert [ring.told for ring in work.rings] == [Told(Ref(CONNECTION, "contact", "1"))]


def test_a_delivery_queued_before_there_were_channels_has_none(installation):
    receive("01", CONNECTION, installation.request(GOOD), installation.edge, NOON)
    (message,) = installation.intake.messages
    del message["channel"]
    assert delivered_request(message).channel == ""


def test_a_channel_that_is_a_secret_does_not_travel_with_the_delivery(installation):
    request = installation.request(b'"contact:1"', channel="notes")
    edge = replace(installation.edge, load_connector=lambda _: toy.connector(None, signs=False))
    receive("01", CONNECTION, request, edge, NOON)
    [message] = installation.intake.messages
    assert message["channel"] == ""


def test_the_signature_does_not_travel_with_the_delivery(installation):
    receive("01", CONNECTION, installation.request(GOOD), installation.edge, NOON)
    assert "new" not in json.dumps(installation.intake.messages)


@pytest.mark.parametrize(
    ("connection", "given", "error"),
    [
        ("toy-none", {"body": GOOD}, UnknownConnection),
        ("crm-main", {"body": GOOD}, UnknownConnection),
        ("../etc", {"body": GOOD}, UnknownConnection),
        (CONNECTION, {"body": GOOD, "signature": "wrong"}, SignatureInvalid),
        (CONNECTION, {"body": GOOD, "media_type": "text/plain"}, UnsupportedMedia),
        (CONNECTION, {"body": GOOD, "media_type": ""}, UnsupportedMedia),
        (CONNECTION, {"body": b"{}"}, PayloadInvalid),
        (CONNECTION, {"body": GOOD, "channel": "elsewhere"}, UnknownConnection),
        (CONNECTION, {"body": GOOD, "channel": "notes"}, PayloadInvalid),
        (CONNECTION, {"body": b'"contact:1"'}, PayloadInvalid),
        (CONNECTION, {"body": b"[" + b" " * BODY_LIMIT}, BodyTooLarge),
    ],
)
def test_a_refused_delivery_stores_nothing(installation, connection, given, error):
    with pytest.raises(error):
        receive("01", connection, installation.request(**given), installation.edge, NOON)
    assert installation.intake.messages == []
    assert installation.store.subjects == {}
    assert installation.settings.parked(CONNECTION) == ()


def test_a_body_at_the_limit_is_taken(installation):
    body = b"[" + b" " * (BODY_LIMIT - 2) + b"]"
    receive("01", CONNECTION, installation.request(body), installation.edge, NOON)
    assert len(installation.intake.messages) == 1


@pytest.mark.parametrize("signature", ["new", "old"])
def test_both_live_secrets_are_good_during_a_rotation(installation, signature):
    request = installation.request(GOOD, signature=signature)
    receive("01", CONNECTION, request, installation.edge, NOON)
    assert len(installation.intake.messages) == 1


def test_a_secret_rotated_since_it_was_cached_is_fetched_anew(installation):
    rotated = Secret("https://emtiaz.example/hooks/toy-main", ("newest",), "token")
    cached = installation.secrets.get

    def get(connection, *, fresh=False):
        return rotated if fresh else cached(connection)

    installation.secrets.get = get
    request = installation.request(GOOD, signature="newest")
    receive("01", CONNECTION, request, installation.edge, NOON)
    assert len(installation.intake.messages) == 1


def test_what_the_queue_does_not_take_is_not_acknowledged(installation):
    installation.intake.fail_next_send(Retryable("the queue is down"))
    with pytest.raises(Retryable):
        receive("01", CONNECTION, installation.request(GOOD), installation.edge, NOON)


def test_no_address_leads_to_the_bus(installation):
    request = installation.request(GOOD, channel="bus")
    with pytest.raises(UnknownConnection):
        receive("01", CONNECTION, request, installation.edge, NOON)
    assert not installation.intake.messages


@pytest.mark.parametrize("awaited", [None, ("text/plain", "got it")])
def test_what_a_crm_waits_for_is_answered_once_it_is_queued(installation, awaited):
    connector = toy.connector(installation.crm, acknowledge=lambda _request: awaited)
    edge = Edge(lambda _name: connector, installation.secrets, installation.intake)
    assert receive("01", CONNECTION, installation.request(GOOD), edge, NOON) == awaited
    assert len(installation.intake.messages) == 1
