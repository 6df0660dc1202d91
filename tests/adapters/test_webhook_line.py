"""One POST, to where it may lead and not further."""

import socket
import ssl
import time
from http.client import HTTPResponse

import pytest

from chalicelib.adapters import webhook_line
from chalicelib.adapters.webhook_line import MOST_ADDRESSES, WebhookLine
from chalicelib.core.outgoing import Unreachable
from tests.adapters.test_addresses import REFUSED, WRONG
from tests.fakes.receiver import (
    certificate,
    chatter,
    dribble,
    dribble_status,
    nonsense,
    patience,
    receiver,
    redirect_to,
)

LOOSE = WebhookLine(loopback=True)


def leads_to(*answers):
    """A name server that gives these answers, one after the other."""
    waiting = list(answers)

    def resolve(_host, _port):
        found = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        return [(socket.AF_INET6 if ":" in one else socket.AF_INET, one) for one in found]

    return resolve


@pytest.fixture
def called(monkeypatch):
    """Every address that a socket is opened to; none of them answers."""
    addresses = []

    def connect(_self, address):
        addresses.append(address[0])
        raise ConnectionRefusedError

    monkeypatch.setattr(socket.socket, "connect", connect)
    return addresses


@pytest.mark.parametrize("address", REFUSED)
def test_a_name_that_leads_inside_is_never_called(address, called):
    line = WebhookLine(resolver=leads_to([address]))
    with pytest.raises(Unreachable) as refused:
        line.post("https://shop.example/", {}, b"")
    assert refused.value.hopeless
    assert called == []


@pytest.mark.parametrize("address", REFUSED)
def test_a_name_of_which_one_address_leads_inside_is_never_called(address, called):
    line = WebhookLine(resolver=leads_to(["93.184.216.34", address]))
    with pytest.raises(Unreachable):
        line.post("https://shop.example/", {}, b"")
    assert called == []


@pytest.mark.parametrize("url", WRONG)
def test_a_url_that_nobody_may_enter_is_never_called(url, called):
    with pytest.raises(Unreachable) as refused:
        WebhookLine(resolver=leads_to(["93.184.216.34"])).post(url, {}, b"")
    assert refused.value.hopeless
    assert called == []


@pytest.mark.parametrize(
    "host", ["2130706433", "0x7f000001", "0177.0.0.1", "127.1", "localhost", "[::ffff:7f00:1]"]
)
def test_other_spellings_of_this_machine_are_no_way_in(host, called):
    with pytest.raises(Unreachable):
        WebhookLine().post(f"https://{host}/", {}, b"")
    assert called == []


def test_an_answer_that_changes_after_it_was_judged_changes_nothing(called):
    line = WebhookLine(resolver=leads_to(["93.184.216.34"], ["127.0.0.1"]))
    with pytest.raises(Unreachable) as refused:
        line.post("https://shop.example/", {}, b"")
    assert called == ["93.184.216.34"]
    assert not refused.value.hopeless
    with pytest.raises(Unreachable):
        line.post("https://shop.example/", {}, b"")
    assert called == ["93.184.216.34"]


def test_all_public_addresses_are_tried(called):
    line = WebhookLine(resolver=leads_to(["93.184.216.34", "2606:4700::1"]))
    with pytest.raises(Unreachable, match="does not answer"):
        line.post("https://shop.example/", {}, b"")
    assert called == ["93.184.216.34", "2606:4700::1"]


def test_of_many_addresses_a_few_are_tried(called):
    line = WebhookLine(resolver=leads_to([f"93.184.216.{last}" for last in range(9)]))
    with pytest.raises(Unreachable, match="does not answer"):
        line.post("https://shop.example/", {}, b"")
    assert len(called) == MOST_ADDRESSES


def test_a_name_that_nobody_knows_may_be_known_tomorrow():
    def nobody(_host, _port):
        raise socket.gaierror("unknown")

    with pytest.raises(Unreachable) as refused:
        WebhookLine(resolver=nobody).post("https://shop.example/", {}, b"")
    assert not refused.value.hopeless


def test_a_proxy_of_the_environment_is_not_used(monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    with receiver() as there:
        assert LOOSE.post(there.url, {}, b"").status == 204


def test_headers_body_and_path_arrive():
    with receiver() as there:
        answer = LOOSE.post(there.url + "?a=b", {"webhook-id": "x"}, b'{"a":1}')
    assert answer.status == 204
    (delivery,) = there.deliveries
    assert (delivery.path, delivery.body) == ("/hooks?a=b", b'{"a":1}')
    assert delivery.headers["webhook-id"] == "x"
    assert delivery.headers["host"] == there.url.split("/")[2]


def test_a_redirect_is_an_answer_and_nowhere_to_go():
    with receiver() as inside, receiver() as there:
        there.answers = [redirect_to(inside.url)]
        assert LOOSE.post(there.url, {}, b"").status == 307
    assert inside.deliveries == []


def test_a_receiver_may_ask_for_patience():
    with receiver() as there:
        there.answers = [patience("120"), patience("tomorrow")]
        assert LOOSE.post(there.url, {}, b"").retry_after == 120
        assert LOOSE.post(there.url, {}, b"").retry_after is None


def test_of_a_long_answer_a_little_is_read():
    with receiver() as there:
        there.answers = [chatter]
        assert len(LOOSE.post(there.url, {}, b"").body) == webhook_line.READ_BYTES


def test_an_answer_that_never_ends_is_hung_up(monkeypatch):
    monkeypatch.setattr(webhook_line, "TOTAL_S", 0.3)
    began = time.monotonic()
    with receiver() as there:
        there.answers = [dribble_status, dribble]
        with pytest.raises(Unreachable):
            LOOSE.post(there.url, {}, b"")
        assert LOOSE.post(there.url, {}, b"").status == 200  # it said so before it dawdled
    assert time.monotonic() - began < 3


def test_whoever_breaks_off_after_the_status_has_answered(monkeypatch):
    def broken(_response, _size):
        raise ConnectionResetError

    monkeypatch.setattr(HTTPResponse, "read", broken)
    with receiver() as there:
        there.answers = [chatter]
        assert LOOSE.post(there.url, {}, b"").status == 200


def test_a_handshake_that_never_ends_is_hung_up(monkeypatch):
    monkeypatch.setattr(webhook_line, "TOTAL_S", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        began = time.monotonic()
        with pytest.raises(Unreachable):
            LOOSE.post(f"https://127.0.0.1:{silent.getsockname()[1]}/", {}, b"")
    assert time.monotonic() - began < 3


def test_what_is_no_answer_is_none():
    with receiver() as there:
        there.answers = [nonsense]
        with pytest.raises(Unreachable) as refused:
            LOOSE.post(there.url, {}, b"")
    assert not refused.value.hopeless


def test_tls_is_checked_against_the_name_of_the_url(tmp_path):
    both, cert = certificate(tmp_path)
    trust = ssl.create_default_context(cafile=str(cert))
    with receiver(both) as there:
        assert WebhookLine(loopback=True, trust=trust).post(there.url, {}, b"").status == 204
        with pytest.raises(Unreachable, match="CERTIFICATE_VERIFY_FAILED"):
            LOOSE.post(there.url, {}, b"")
        elsewhere = there.url.replace("127.0.0.1", "shop.example")
        other = WebhookLine(loopback=True, trust=trust, resolver=leads_to(["127.0.0.1"]))
        with pytest.raises(Unreachable, match=r"not valid for 'shop\.example'"):
            other.post(elsewhere, {}, b"")
    assert len(there.deliveries) == 1
