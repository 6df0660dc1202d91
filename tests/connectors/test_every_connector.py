"""The contract that every connector keeps, asked of each by the cases in its folder."""

import json
import re
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import responses
from hypothesis import given
from hypothesis import strategies as st

import connectors
from chalicelib.core.connector import Event, EventType, Reading, Request, Update
from chalicelib.core.errors import (
    CredentialsInvalid,
    CrmUnavailable,
    DeliveryUnreadable,
    EmtiazError,
    PayloadInvalid,
    RateLimited,
    RecordBusy,
    SignatureInvalid,
    UnknownConnection,
)
from chalicelib.core.facts import FactSet
from chalicelib.core.outputs import OUTPUTS
from chalicelib.pipeline.messages import delivered_request, delivery_message
from chalicelib.pipeline.places import placed
from tests.connectors import cases
from tests.fakes.access import FakeAccess

CRMS = connectors.names()

every_connector = pytest.mark.parametrize("crm", CRMS)


def deliveries(chosen):
    """Those recorded deliveries that a function of CRM and delivery takes."""
    found = [
        (crm, case)
        for crm, case in cases.payloads(CRMS)
        if chosen(connectors.load(crm), cases.Delivery(crm, case))
    ]
    return pytest.mark.parametrize(("crm", "case"), found)


every_delivery = deliveries(lambda _crm, _delivery: True)
every_signed_delivery = deliveries(lambda crm, _: crm.signs)
every_unsigned_delivery = deliveries(lambda crm, _: not crm.signs)
every_dated_delivery = deliveries(lambda crm, one: crm.signs and not one.secret.signatures)
every_weaker_delivery = deliveries(lambda _, one: one.secret.signatures)
every_reading = pytest.mark.parametrize(("crm", "case"), cases.records(CRMS))


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    monkeypatch.setattr("connectors._http.sleep", lambda _: None)


@pytest.fixture
def the_crm():
    with responses.RequestsMock() as double:
        yield double


def client_for(crm, attributes=()):
    secret = cases.secret_of(crm)
    access = FakeAccess(secret.token)
    return connectors.load(crm).connect(cases.connection_of(crm), secret, attributes, access)


def a_reading(crm):
    return cases.Reading(*cases.records([crm])[0])


def fetch_something(crm):
    reading = a_reading(crm)
    return client_for(crm, reading.attributes).fetch(reading.subjects, reading.now)


def look_at_what_is_shown(crm):
    outputs = placed(OUTPUTS, connectors.load(crm))
    return client_for(crm).shown(a_reading(crm).subjects, outputs)


def look_for_changes(crm):
    return client_for(crm).changed_since(a_reading(crm).now, None)


def list_somebody(crm):
    return client_for(crm).list_subjects(None)


every_question = pytest.mark.parametrize(
    "ask", [fetch_something, look_at_what_is_shown, look_for_changes, list_somebody]
)


@every_connector
def test_comes_with_recorded_deliveries_and_readings(crm):
    assert cases.payloads([crm])
    assert cases.records([crm])


@every_connector
def test_has_a_readme_and_a_schema_of_what_it_relies_on(crm):
    folder = Path(connectors.__file__).parent / crm
    assert (folder / "README.md").read_text(encoding="utf-8")
    assert json.loads((folder / "payload.schema.json").read_text(encoding="utf-8"))


@every_delivery
def test_a_recorded_delivery_verifies_at_its_time_with_its_secret(crm, case):
    delivery = cases.Delivery(crm, case)
    connectors.load(crm).verify(delivery.request, delivery.secret, delivery.at)


@every_delivery
def test_either_of_two_live_secrets_will_do(crm, case):
    delivery = cases.Delivery(crm, case)
    old = delivery.secret.webhook_secrets[0]
    for live in (("another-secret", old), (old, "another-secret")):
        secret = replace(delivery.secret, webhook_secrets=live)
        connectors.load(crm).verify(delivery.request, secret, delivery.at)


@every_delivery
@pytest.mark.parametrize("live", [(), ("another-secret",), ("another-secret", "a-third")])
def test_no_other_secret_will_do(crm, case, live):
    delivery = cases.Delivery(crm, case)
    secret = replace(delivery.secret, webhook_secrets=live)
    with pytest.raises(SignatureInvalid):
        connectors.load(crm).verify(delivery.request, secret, delivery.at)


@every_signed_delivery
def test_a_changed_byte_is_refused(crm, case):
    delivery = cases.Delivery(crm, case)
    body = delivery.request.body
    for at in range(0, len(body), 29):
        changed = body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :]
        with pytest.raises(SignatureInvalid):
            connectors.load(crm).verify(
                replace(delivery.request, body=changed), delivery.secret, delivery.at
            )


@every_unsigned_delivery
def test_each_of_the_texts_that_prove_its_sender_is_needed_whole(crm, case):
    delivery = cases.Delivery(crm, case)
    forgeries = list(forged(delivery))
    assert len(forgeries) > 1
    for request in forgeries:
        with pytest.raises(SignatureInvalid):
            connectors.load(crm).verify(request, delivery.secret, delivery.at)


def forged(delivery):
    """The request with another text for one that proves its sender, in each place that has it."""
    request = delivery.request
    for proof in delivery.proofs:
        for false in ("", proof[:-1], f"{proof}0", proof[:-1] + chr(ord(proof[-1]) ^ 1)):
            if request.channel == proof:
                yield replace(request, channel=false)
            if proof.encode() in request.body:
                yield replace(request, body=request.body.replace(proof.encode(), false.encode()))
            if proof in request.headers.values():
                headers = {
                    name: false if text == proof else text for name, text in request.headers.items()
                }
                yield replace(request, headers=headers)


@every_unsigned_delivery
def test_no_secret_stands_in_what_it_sends(crm, case):
    delivery = cases.Delivery(crm, case)
    sent = str(delivery.request).encode()
    assert not [one for one in delivery.secret.webhook_secrets if one.encode() in sent]


@every_unsigned_delivery
def test_what_only_a_secret_vouches_for_leads_to_a_look_and_no_further(crm, case):
    """Nobody is moved, erased or taken for gone on the word of whoever knows a secret."""
    for event in cases.Delivery(crm, case).events:
        assert event.type not in (EventType.ERASED, EventType.MERGED)
        assert (event.into, event.occurred_at) == (None, None)


def takes(crm, request, delivery):
    try:
        connectors.load(crm).verify(request, delivery.secret, delivery.at)
    except SignatureInvalid:
        return False
    return True


@every_delivery
@pytest.mark.parametrize("alike", [True, False])
def test_a_comparison_in_constant_time_judges_a_signature_and_nothing_beside_it(
    crm, case, alike, monkeypatch
):
    """Whatever else compared, as ``==`` before, after or instead, would contradict it here."""
    delivery = cases.Delivery(crm, case)
    other = replace(delivery.request, body=delivery.request.body + b" ")
    monkeypatch.setattr("hmac.compare_digest", lambda _given, _right: alike)
    assert takes(crm, delivery.request, delivery) is alike
    assert takes(crm, other, delivery) is alike


@every_dated_delivery
def test_it_is_refused_a_day_early_and_a_day_late(crm, case):
    delivery = cases.Delivery(crm, case)
    for away in (timedelta(days=-1), timedelta(days=1)):
        with pytest.raises(SignatureInvalid):
            connectors.load(crm).verify(delivery.request, delivery.secret, delivery.at + away)


@every_signed_delivery
def test_it_is_refused_without_its_headers(crm, case):
    delivery = cases.Delivery(crm, case)
    with pytest.raises(SignatureInvalid):
        connectors.load(crm).verify(
            replace(delivery.request, headers={}), delivery.secret, delivery.at
        )


@every_weaker_delivery
def test_a_weaker_signature_is_refused_unless_the_connection_takes_it(crm, case):
    delivery = cases.Delivery(crm, case)
    with pytest.raises(SignatureInvalid):
        connectors.load(crm).verify(
            delivery.request, replace(delivery.secret, signatures=()), delivery.at
        )


@every_delivery
def test_on_a_channel_that_nobody_told_of_it_is_refused(crm, case):
    delivery = cases.Delivery(crm, case)
    astray = replace(delivery.request, channel="no-such-channel")
    with pytest.raises((UnknownConnection, SignatureInvalid)):
        connectors.load(crm).verify(astray, delivery.secret, delivery.at)


@every_delivery
def test_a_recorded_delivery_has_the_right_shape_and_says_what_rang(crm, case):
    delivery = cases.Delivery(crm, case)
    connectors.load(crm).check_shape(delivery.request)
    assert connectors.load(crm).parse(delivery.request, cases.connection_of(crm)) == delivery.events


@every_delivery
def test_what_a_recorded_delivery_queues_means_the_same(crm, case):
    """An address that may be a secret is not kept."""
    delivery, connector = cases.Delivery(crm, case), connectors.load(crm)
    request = delivery.request if connector.signs else replace(delivery.request, channel="")
    queued = delivery_message("01", f"{crm}-main", request, delivery.at)
    arrived = delivered_request(json.loads(json.dumps(queued)))
    assert connector.parse(arrived, cases.connection_of(crm)) == delivery.events


@every_delivery
def test_ids_of_its_deliveries_are_spelled_as_they_are_kept(crm, case):
    connector, delivery = connectors.load(crm), cases.Delivery(crm, case)
    for ref in (event.ref for event in delivery.events if event.ref):
        assert connector.record_id(ref.id) == ref.id


@every_reading
def test_ids_of_its_subjects_are_spelled_as_they_are_kept(crm, case):
    connector = connectors.load(crm)
    for ref in cases.Reading(crm, case).subjects:
        assert connector.record_id(ref.id) == ref.id


@every_connector
@given(
    identity=st.text(min_size=1) | st.from_regex(r"[A-Za-z0-9]{15}([A-Z0-5]{3})?", fullmatch=True)
)
def test_an_id_is_spelled_once_and_for_all(crm, identity):
    record_id = connectors.load(crm).record_id
    assert record_id(record_id(identity)) == record_id(identity) != ""


@every_connector
def test_some_recorded_delivery_is_an_echo_of_our_own_write_alone(crm):
    deliveries = [cases.Delivery(*one) for one in cases.payloads([crm])]
    assert any(all(event.ours for event in one.events) for one in deliveries)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


def channels(crm):
    """Those that something was recorded on."""
    return sorted({cases.Delivery(*one).request.channel for one in cases.payloads([crm])})


every_channel = pytest.mark.parametrize(
    ("crm", "channel"), [(crm, channel) for crm in CRMS for channel in channels(crm)]
)


@every_channel
@given(body=st.binary() | JSON_VALUES.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_have_the_shape_of_a_delivery_or_are_refused(crm, channel, body):
    connector = connectors.load(crm)
    request = Request("POST", "", {}, body, channel)
    try:
        connector.check_shape(request)
        events = connector.parse(request, cases.connection_of(crm))
    except (PayloadInvalid, DeliveryUnreadable):
        return
    assert all(isinstance(event, Event) for event in events)
    if not connector.signs:
        assert not {EventType.ERASED, EventType.MERGED} & {event.type for event in events}


@every_channel
@pytest.mark.parametrize(
    "body",
    [b"\xff\xfe[]", b"[" * 100_000, b'[{"a":' * 40_000, b'{"a":' * 40_000, b"[NaN]",
     b'{"a": NaN}', b"null", b""],
)  # fmt: skip
def test_a_body_made_to_break_a_parser_is_refused(crm, channel, body):
    with pytest.raises(PayloadInvalid):
        connectors.load(crm).check_shape(Request("POST", "", {}, body, channel))


@every_reading
def test_recorded_records_become_the_expected_facts_by_exactly_the_recorded_calls(
    crm, case, the_crm
):
    reading = cases.Reading(crm, case)
    reading.play(the_crm)
    assert reading.fetch(client_for(crm, reading.attributes)) == reading.expected
    assert len(the_crm.calls) == len(reading.exchanges)


@every_reading
def test_the_facts_of_a_reading_have_keys_of_their_own(crm, case, the_crm):
    reading = cases.Reading(crm, case)
    reading.play(the_crm)
    client = client_for(crm, reading.attributes)
    found = client.fetch(reading.subjects, reading.now, history=reading.history)
    assert all(len(FactSet.of(one)) == len(one) for one in found.facts.values())
    assert all(fact.subject == ref for ref, facts in found.facts.items() for fact in facts)


@every_reading
def test_a_subject_is_read_gone_or_moved_and_only_one_of_them(crm, case):
    expected = cases.Reading(crm, case).expected
    facts, gone, moved = expected["facts"].keys(), set(expected["gone"]), expected["moved"]
    assert not gone & facts
    assert not moved.keys() & (facts | gone)
    assert set(moved.values()) <= facts


@every_connector
@pytest.mark.parametrize("fate", ["gone", "moved", "unknown"])
def test_some_recorded_reading_is_of_a_subject_that_is_not_there(crm, fate):
    readings = [cases.Reading(*one) for one in cases.records([crm])]
    if fate == "unknown":
        assert any(
            {str(one) for one in some.subjects}
            - some.expected["facts"].keys()
            - set(some.expected["gone"])
            - some.expected["moved"].keys()
            for some in readings
        )
    else:
        assert any(some.expected[fate] for some in readings)


@every_connector
def test_some_recorded_reading_is_of_history(crm):
    assert any(cases.Reading(*one).history for one in cases.records([crm]))


@every_connector
@pytest.mark.parametrize(
    ("status", "error"),
    [
        (429, RateLimited),
        (401, CredentialsInvalid),
        (403, CredentialsInvalid),
        (503, CrmUnavailable),
    ],
)
@every_question
def test_a_crm_that_says_no_is_sorted_by_what_to_do_next(crm, ask, status, error, the_crm):
    for method in ("GET", "POST"):
        the_crm.add(method, re.compile(".*"), status=status, json={}, headers={"Retry-After": "7"})
    the_crm.assert_all_requests_are_fired = False
    with pytest.raises(error) as caught:
        ask(crm)
    if status in (429, 503):
        assert caught.value.retry_after == 7


@every_connector
@every_question
def test_a_page_that_is_not_json_means_that_the_crm_is_unavailable(crm, ask, the_crm):
    for method in ("GET", "POST"):
        the_crm.add(method, re.compile(".*"), status=200, body="<html>maintenance</html>")
    the_crm.assert_all_requests_are_fired = False
    with pytest.raises(CrmUnavailable):
        ask(crm)


@every_connector
def test_nothing_to_do_asks_nothing_of_the_crm(crm, the_crm):
    client = client_for(crm)
    now = a_reading(crm).now
    assert client.fetch([], now) == Reading({})
    assert (client.subjects([]), client.write([]), client.shown([], OUTPUTS)) == ({}, {}, {})


@every_connector
def test_a_broken_write_is_in_doubt(crm, the_crm):
    the_crm.assert_all_requests_are_fired = False
    for method in ("POST", "PATCH", "PUT"):
        the_crm.add(method, re.compile(".*"), body=responses.ConnectionError("cut off"))
    subject = a_reading(crm).subjects[0]
    with pytest.raises(CrmUnavailable) as caught:
        client_for(crm).write([Update(subject, {OUTPUTS[0].name: 50})])
    assert caught.value.in_doubt
    assert isinstance(caught.value, EmtiazError)


@every_connector
def test_a_record_that_the_crm_has_no_time_for_keeps_no_other_from_being_written(
    crm, the_crm, monkeypatch
):
    writing = cases.Writing(crm, "busy")
    writing.play(the_crm)
    client = client_for(crm)
    for name, module in list(sys.modules.items()):
        if name.startswith(f"connectors.{crm}.") and hasattr(module, "sleep"):
            monkeypatch.setattr(module, "sleep", lambda _: None)
    found = client.write(writing.updates)
    assert found.keys() == writing.busy < {one.ref for one in writing.updates}
    assert all(isinstance(one, RecordBusy) for one in found.values())
