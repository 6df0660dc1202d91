"""Two texts prove a sender, and both are needed."""

from dataclasses import replace

import pytest

from chalicelib.core.connector import Request, Secret
from chalicelib.core.errors import SignatureInvalid
from connectors.zoho.signature import address, path_token, token, verify
from tests.connectors.zoho.api_double import NOW, SECRET, WEBHOOK_SECRET

PATH, TOKEN = path_token(WEBHOOK_SECRET), token(WEBHOOK_SECRET)
OTHER = "another-secret-of-the-connection"


def request(body=b"{}", channel=PATH, **headers):
    return Request("POST", "", {"content-type": "application/json", **headers}, body, channel)


def body_of(text):
    return f'{{"token": "{text}"}}'.encode()


def test_the_tokens_are_short_enough_and_tell_nothing_of_each_other():
    assert len(PATH) == len(TOKEN) == 40
    assert len({PATH, TOKEN, path_token(OTHER), token(OTHER)}) == 4
    assert WEBHOOK_SECRET not in address(SECRET)


def test_deliveries_go_to_the_address_of_the_first_live_secret():
    two = replace(SECRET, webhook_secrets=(OTHER, WEBHOOK_SECRET))
    assert address(two) == f"https://hooks.example.com/hooks/zoho-main/{path_token(OTHER)}"


@pytest.mark.parametrize("live", [(WEBHOOK_SECRET,), (OTHER, WEBHOOK_SECRET)])
def test_either_live_secret_serves_while_one_replaces_the_other(live):
    verify(request(body_of(TOKEN)), replace(SECRET, webhook_secrets=live), NOW)


def test_the_tokens_of_two_secrets_are_no_pair():
    both = replace(SECRET, webhook_secrets=(WEBHOOK_SECRET, OTHER))
    with pytest.raises(SignatureInvalid):
        verify(request(body_of(token(OTHER))), both, NOW)


@pytest.mark.parametrize(
    "body",
    [
        b"{}", b"[]", b"", b"\xff", b'{"token": null}', b'{"token": ["x"]}',
        b'{"token": {"a": 1}}', b'{"a":' * 40_000, body_of(""), body_of(PATH), body_of("é" * 40),
    ],
)  # fmt: skip
def test_a_body_without_the_token_is_refused(body):
    with pytest.raises(SignatureInvalid):
        verify(request(body), SECRET, NOW)


@pytest.mark.parametrize("channel", ["", TOKEN, PATH.upper(), PATH + "0", "é"])
def test_an_address_without_the_token_is_refused_before_the_body_is_read(channel, monkeypatch):
    monkeypatch.setattr("connectors.zoho.signature.content", lambda _: pytest.fail("read"))
    with pytest.raises(SignatureInvalid, match="address"):
        verify(request(body_of(TOKEN), channel), SECRET, NOW)


def test_a_header_will_do_for_a_workflow_and_decides_where_it_is_given():
    verify(request(**{"x-emtiaz-token": TOKEN}), SECRET, NOW)
    with pytest.raises(SignatureInvalid):
        verify(request(body_of(TOKEN), **{"x-emtiaz-token": "wrong"}), SECRET, NOW)


def test_nothing_proves_anything_to_a_connection_without_secrets():
    with pytest.raises(SignatureInvalid):
        verify(request(body_of(TOKEN)), Secret(SECRET.url, (), ""), NOW)
