"""Patience with a CRM, over real sockets. Waits are recorded instead of slept."""

import time
from dataclasses import replace
from types import SimpleNamespace

import pytest
import urllib3.util.retry

from chalicelib.core.errors import CredentialsInvalid, CrmUnavailable, RateLimited
from connectors import _http
from connectors._http import Dialect, Http, Refused
from tests.connectors.scripted_server import HANG_UP, SILENCE, Reply, free_port, serving

DIALECT = Dialect(
    busy=frozenset({423, 429, 502, 503, 504}),
    in_doubt=frozenset({502, 504}),
    write_timeout_s=10,
    message=lambda body: str((body or {}).get("why", "no reason")),
    pause_s=lambda body: (body or {}).get("pause"),
)


@pytest.fixture(autouse=True)
def waits(monkeypatch):
    recorded = []
    clock = SimpleNamespace(sleep=recorded.append, time=time.time)
    monkeypatch.setattr(urllib3.util.retry, "time", clock)
    return recorded


@pytest.fixture
def brisk(monkeypatch):
    """A dialect for servers that never answer."""
    monkeypatch.setattr(_http, "READ_TIMEOUT_S", 1)
    return replace(DIALECT, write_timeout_s=1)


def http(server, dialect=DIALECT):
    return Http(server.url, "Bearer a-token", dialect)


def test_a_request_carries_the_token_the_query_and_the_body():
    with serving(Reply(body={"ok": 1})) as server:
        answer = http(server).read("POST", "/path", query={"a": "b c"}, body={"é": [1]})
    [(method, path, headers, body)] = server.requests
    assert answer == {"ok": 1}
    assert (method, path, body) == ("POST", "/path?a=b+c", b'{"\\u00e9": [1]}')
    assert (headers["Authorization"], headers["User-Agent"]) == ("Bearer a-token", "emtiaz")


def test_every_write_opens_a_connection_of_its_own():
    with serving(Reply()) as server:
        one = http(server)
        one.write("POST", "/", body={})
        one.read("POST", "/", body={})
    assert [headers["Connection"] for _, _, headers, _ in server.requests] == [
        "close",
        "keep-alive",
    ]


def test_a_netrc_file_does_not_replace_the_token(tmp_path, monkeypatch):
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login someone password else")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with serving(Reply()) as server:
        http(server).read("GET", "/")
    assert server.requests[0][2]["Authorization"] == "Bearer a-token"


@pytest.mark.parametrize("status", sorted(DIALECT.busy))
def test_a_busy_crm_is_asked_to_read_again_after_a_random_wait(status, waits):
    with serving(Reply(status), Reply(status), Reply(body={"ok": 1})) as server:
        assert http(server).read("POST", "/") == {"ok": 1}
    assert len(server.requests) == 3
    assert 0 < waits[0] <= 1
    assert 2 <= waits[1] <= 3


@pytest.mark.parametrize("status", sorted(DIALECT.busy - DIALECT.in_doubt))
def test_a_busy_crm_is_asked_to_write_again(status):
    with serving(Reply(status), Reply(body={"ok": 1})) as server:
        assert http(server).write("POST", "/", body={}) == {"ok": 1}
    assert len(server.requests) == 2


@pytest.mark.parametrize("status", sorted(DIALECT.in_doubt))
def test_a_write_whose_answer_a_gateway_lost_is_in_doubt_and_not_sent_again(status):
    with serving(Reply(status)) as server, pytest.raises(CrmUnavailable) as caught:
        http(server).write("POST", "/", body={})
    assert caught.value.in_doubt
    assert caught.value.retry_after >= DIALECT.write_timeout_s
    assert len(server.requests) == 1


@pytest.mark.parametrize("breakage", [SILENCE, HANG_UP])
def test_a_write_that_broke_after_it_was_sent_is_in_doubt_and_not_sent_again(breakage, brisk):
    with serving(breakage) as server, pytest.raises(CrmUnavailable) as caught:
        http(server, brisk).write("POST", "/", body={})
    assert caught.value.in_doubt
    assert len(server.requests) == 1


@pytest.mark.parametrize("breakage", [SILENCE, HANG_UP])
def test_a_read_that_broke_is_sent_again(breakage, brisk):
    with serving(breakage, Reply(body={"ok": 1})) as server:
        assert http(server, brisk).read("POST", "/") == {"ok": 1}
    assert len(server.requests) == 2


def test_a_read_that_keeps_breaking_is_given_up(brisk):
    with serving(SILENCE) as server, pytest.raises(CrmUnavailable) as caught:
        http(server, brisk).read("POST", "/")
    assert not caught.value.in_doubt
    assert len(server.requests) == 2


@pytest.mark.parametrize("name", ["read", "write"])
def test_a_crm_that_was_never_reached_leaves_nothing_in_doubt(name):
    nobody = Http(f"http://127.0.0.1:{free_port()}", "Bearer a-token", DIALECT)
    with pytest.raises(CrmUnavailable) as caught:
        getattr(nobody, name)("POST", "/", body={})
    assert not caught.value.in_doubt


def test_a_short_retry_after_is_waited_for(waits):
    with serving(Reply(429, {"Retry-After": "7"}), Reply()) as server:
        http(server).read("GET", "/")
    assert waits == [7]


@pytest.mark.parametrize("name", ["read", "write"])
def test_a_long_retry_after_is_left_to_the_queue(name, waits):
    with (
        serving(Reply(429, {"Retry-After": "3600"})) as server,
        pytest.raises(RateLimited) as caught,
    ):
        getattr(http(server), name)("POST", "/", body={})
    assert caught.value.retry_after == 3600
    assert len(server.requests) == 1
    assert waits == []


def test_retry_after_may_be_a_date(monkeypatch):
    monkeypatch.setattr(_http, "RETRIES", 0)
    headers = {"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}
    with serving(Reply(503, headers)) as server, pytest.raises(CrmUnavailable) as caught:
        http(server).read("GET", "/")
    assert caught.value.retry_after == 0


@pytest.mark.parametrize("nonsense", ["soon", "-1", ""])
def test_a_retry_after_that_makes_no_sense_does_not_hide_the_outcome(nonsense):
    with serving(Reply(429, {"Retry-After": nonsense})) as server, pytest.raises(RateLimited):
        http(server).read("GET", "/")


def test_a_rate_limit_without_retry_after_asks_for_what_its_body_says():
    with serving(Reply(429, body={"pause": 12.5})) as server, pytest.raises(RateLimited) as caught:
        http(server).read("GET", "/")
    assert caught.value.retry_after == 12.5
    assert len(server.requests) == 1 + _http.RETRIES


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_token_is_said_with_the_crms_words(status):
    with (
        serving(Reply(status, body={"why": "scope x is missing"})) as server,
        pytest.raises(CredentialsInvalid, match="scope x is missing"),
    ):
        http(server).read("GET", "/")
    assert len(server.requests) == 1


def test_any_other_refusal_carries_status_and_body():
    with (
        serving(Reply(409, body={"why": "exists"})) as server,
        pytest.raises(Refused, match="answered 409: exists") as caught,
    ):
        http(server).write("POST", "/", body={})
    assert (caught.value.status, caught.value.body) == (409, {"why": "exists"})
    assert len(server.requests) == 1


def test_a_redirect_is_not_followed_with_the_token():
    with serving(Reply(302, {"Location": "/elsewhere"})) as server, pytest.raises(CrmUnavailable):
        http(server).read("GET", "/")
    assert len(server.requests) == 1


def test_an_internal_error_of_the_crm_is_an_answer_so_a_write_is_not_in_doubt():
    with serving(Reply(500)) as server, pytest.raises(CrmUnavailable) as caught:
        http(server).write("POST", "/", body={})
    assert not caught.value.in_doubt


def test_an_answer_cut_short_puts_a_write_in_doubt():
    with (
        serving(Reply(headers={"Content-Length": 50, "Connection": "close"})) as server,
        pytest.raises(CrmUnavailable) as caught,
    ):
        http(server).write("POST", "/", body={})
    assert caught.value.in_doubt


def test_an_empty_answer_is_none():
    with serving(Reply(204, body=b"")) as server:
        assert http(server).write("POST", "/", body={}) is None


def test_no_message_names_the_token():
    with (
        serving(Reply(401, body={"why": "bad"})) as server,
        pytest.raises(CredentialsInvalid) as no,
    ):
        http(server, replace(DIALECT)).read("GET", "/")
    assert "a-token" not in str(no.value)
