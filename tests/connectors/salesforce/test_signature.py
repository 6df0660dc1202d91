from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.core.connector import Request
from chalicelib.core.errors import SignatureInvalid
from connectors.salesforce.signature import path_token, sign, verify
from tests.connectors.salesforce.conftest import SECRET

ORGANISATION = "00DWs000004ExA1MAK"
NOW = datetime(2026, 9, 30, 8, 14, 53, tzinfo=UTC)
SENT = str(int(NOW.timestamp()))


def message(organisation=ORGANISATION):
    return f"<OrganizationId>{organisation}</OrganizationId>".encode()


def outbound(body, token):
    return Request("POST", "", {}, body, token)


def callout(body=b"{}", sent=SENT, secret="a-secret", **headers):
    signed = {"x-emtiaz-timestamp": sent, "x-emtiaz-signature": sign(body, sent, secret)}
    return Request("POST", "", signed | headers, body, "flow")


@pytest.mark.parametrize("organisation", [ORGANISATION, ORGANISATION[:15]])
def test_an_address_is_good_for_its_organisation_in_either_form_of_its_id(organisation):
    verify(outbound(message(organisation), path_token("a-secret", ORGANISATION)), SECRET, NOW)


@pytest.mark.parametrize(
    "organisation",
    ["00DWs000009ZzZ1MAK", "00DWs000004ExA1MAQ", "00DWs000004ExA1M", "", "00DWs000004EXA1"],
)
def test_it_is_good_for_no_other_organisation(organisation):
    request = outbound(message(organisation), path_token("a-secret", ORGANISATION))
    with pytest.raises(SignatureInvalid):
        verify(request, SECRET, NOW)


@pytest.mark.parametrize("body", [b"", b"<OrganizationId>", b"<!--", b"\xff" * 100])
def test_a_body_that_names_no_organisation_is_refused(body):
    with pytest.raises(SignatureInvalid):
        verify(outbound(body, path_token("a-secret", ORGANISATION)), SECRET, NOW)


def test_the_first_organisation_that_is_named_decides():
    body = message("00DWs000009ZzZ1MAK") + message()
    with pytest.raises(SignatureInvalid):
        verify(outbound(body, path_token("a-secret", ORGANISATION)), SECRET, NOW)


def test_either_of_two_live_secrets_makes_an_address():
    secret = replace(SECRET, webhook_secrets=("another", "a-secret"))
    for key in secret.webhook_secrets:
        verify(outbound(message(), path_token(key, ORGANISATION)), secret, NOW)


@pytest.mark.parametrize("token", ["", "bus", "é", path_token("another", ORGANISATION)])
def test_no_other_address_is_taken(token):
    with pytest.raises(SignatureInvalid):
        verify(outbound(message(), token), SECRET, NOW)


def test_a_callout_is_signed_with_its_time():
    verify(callout(), SECRET, NOW)
    for changed in (
        replace(callout(), body=b"{ }"),
        callout(secret="another"),
        callout(**{"x-emtiaz-timestamp": str(int(SENT) + 1)}),
        callout(**{"x-emtiaz-signature": ""}),
        callout(**{"x-emtiaz-signature": callout().headers["x-emtiaz-signature"][3:]}),
    ):
        with pytest.raises(SignatureInvalid):
            verify(changed, SECRET, NOW)


@pytest.mark.parametrize("minutes", [-6, 6])
def test_a_callout_from_another_time_is_refused(minutes):
    with pytest.raises(SignatureInvalid):
        verify(callout(), SECRET, NOW + timedelta(minutes=minutes))


@pytest.mark.parametrize("sent", ["", "soon", "-1", "۱۷۹۰۷۵۶۰۹۳", "1" * 13, f" {SENT}"])
def test_a_callout_without_a_time_is_refused(sent):
    with pytest.raises(SignatureInvalid):
        verify(callout(sent=sent), SECRET, NOW)
