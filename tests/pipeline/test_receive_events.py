import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from chalicelib.core.connector import Request
from chalicelib.core.errors import (
    BodyTooLarge,
    NothingAccepted,
    PayloadInvalid,
    Retryable,
    SignatureInvalid,
    UnknownConnection,
    UnsupportedMedia,
)
from chalicelib.pipeline.messages import EVENT_BYTES
from chalicelib.pipeline.receive import BODY_LIMIT
from chalicelib.pipeline.receive_events import receive_events
from tests.fakes.events import OLD_SECRET, SECRET, encoded, item, order, signed
from tests.pipeline.conftest import CONNECTION

NOW = datetime.now(UTC)
GOOD = encoded(item())


@pytest.fixture
def shop(installation):
    secret = installation.secrets.secrets[CONNECTION]
    kept = replace(secret, events_secrets=(SECRET, OLD_SECRET))
    installation.secrets.secrets[CONNECTION] = kept
    return installation


def send(shop, body, *, connection=CONNECTION, secret=SECRET, **headers):
    request = Request("POST", "", {**signed(body, secret), **headers}, body)
    return receive_events("01", connection, request, shop.edge, NOW)


@pytest.mark.parametrize("secret", [SECRET, OLD_SECRET])
def test_what_is_sound_is_queued_in_one_message(shop, secret):
    receipt = send(shop, encoded([order(1), item(2)]), secret=secret)
    assert receipt.to_json() == {"delivery": "01", "accepted": 2, "refused": []}
    (message,) = shop.intake.messages
    assert (message["connection"], message["delivery"]) == (CONNECTION, "01")
    assert [row["type"] for row in message["events"]] == ["purchase", "activity"]


def test_each_item_is_accepted_or_refused_by_itself(shop):
    receipt = send(shop, encoded({"events": [item(1), order(2, amount="x"), 3, item(4)]}))
    assert receipt.accepted == 2
    assert [(row["index"], row["pointer"]) for row in receipt.to_json()["refused"]] == [
        (1, "/data/amount/amount"),
        (2, ""),
    ]
    (message,) = shop.intake.messages
    assert [row["id"] for row in message["events"]] == ["e1", "e4"]


def test_where_nothing_is_accepted_every_reason_is_told_and_nothing_queued(shop):
    with pytest.raises(NothingAccepted) as refusal:
        send(shop, encoded([{}, 5]))
    assert [row["index"] for row in refusal.value.refused] == [0, 1]
    assert shop.intake.messages == []


@pytest.mark.parametrize(
    ("body", "given", "error"),
    [
        (GOOD, {"connection": "toy-none"}, UnknownConnection),
        (GOOD, {"connection": "../etc"}, UnknownConnection),
        (GOOD, {"webhook-signature": "v1,AAAA"}, SignatureInvalid),
        (GOOD, {"content-type": "text/plain"}, UnsupportedMedia),
        (GOOD, {"content-type": ""}, UnsupportedMedia),
        (b"[" + b" " * BODY_LIMIT, {}, BodyTooLarge),
        (b"[]", {}, PayloadInvalid),
        (b"{", {}, PayloadInvalid),
        (("[" * 50 + "]" * 50).encode(), {}, PayloadInvalid),
    ],
)
def test_a_refused_request_stores_nothing(shop, body, given, error):
    with pytest.raises(error):
        send(shop, body, **given)
    assert shop.intake.messages == []
    assert shop.store.subjects == {}
    assert shop.settings.parked(CONNECTION) == ()


def test_what_is_no_text_is_refused_though_no_signature_can_cover_it(shop):
    request = Request("POST", "", signed(b"[]"), b"\xff\xfe")
    with pytest.raises(PayloadInvalid):
        receive_events("01", CONNECTION, request, shop.edge, NOW)


def test_a_connection_without_a_secret_for_events_takes_none(installation):
    with pytest.raises(SignatureInvalid, match="emtiaz events rotate"):
        send(installation, GOOD)


def test_a_media_type_may_have_parameters(shop):
    assert send(shop, GOOD, **{"content-type": "application/json; charset=utf-8"}).accepted == 1


def test_what_the_queue_does_not_take_is_not_acknowledged(shop):
    shop.intake.fail_next_send(Retryable("the queue is down"))
    with pytest.raises(Retryable):
        send(shop, GOOD)


def test_events_of_many_letters_travel_in_as_many_messages_as_they_need(shop):
    long = [item(number, data={"text": "م" * 4_900}) for number in range(50)]
    assert send(shop, encoded(long)).accepted == 50
    assert len(shop.intake.messages) > 1
    assert sum(len(message["events"]) for message in shop.intake.messages) == 50
    assert max(len(json.dumps(message)) for message in shop.intake.messages) < EVENT_BYTES * 1.05
