"""What somebody may send who is not Salesforce, or Salesforce in error.

An Outbound Message shows a secret in its address, made for one organisation; a callout is signed.
"""

import json
import time

from chalicelib.pipeline.receive import BODY_LIMIT
from connectors.salesforce.signature import FLOW, path_token, sign
from tests.e2e.forgeries.parcel import Parcel, deep

XML = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": '""'}
JSON = {"Content-Type": "application/json"}
ANOTHER = "00DWs000009ZzZ9MAK"
NOBODY = "003Ws00000A1b2CIAR"
MINUTE = 60

TAKEN = 200
"""With Salesforce's own acknowledgement."""


def good(stand_in, url, person=NOBODY):
    """A change of somebody, as the message of contacts tells it, to this address."""
    return message(stand_in, url, soap(stand_in, notification(person)))


def foreign(stand_in, url):
    """Another organisation has another address; a message of what is not read may be sent."""
    return message(stand_in, url, soap(stand_in, notification("0BKWs0000004CexOAE", "Solution")))


def message(stand_in, url, body, *, token="", **headers):
    channel = token or token_of(stand_in)
    return Parcel(f"{url}/{channel}", body.encode(), {**XML, **headers})


def token_of(stand_in, organisation=""):
    return path_token(stand_in.webhook_secret, organisation or stand_in.org.settings.org_id)


def notification(record, of="Contact"):
    return (
        f'<Notification><Id>04lWs00000A1b2CIAR</Id><sObject xsi:type="sf:{of}" '
        f'xmlns:sf="urn:sobject.enterprise.soap.sforce.com"><sf:Id>{record}</sf:Id></sObject>'
        "</Notification>"
    )


def soap(stand_in, content, *, organisation="", document_type=""):
    organisation = organisation or stand_in.org.settings.org_id
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>{document_type}'
        '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><e:Body>'
        '<notifications xmlns="http://soap.sforce.com/2005/09/outbound">'
        f"<OrganizationId>{organisation}</OrganizationId>{content}"
        "</notifications></e:Body></e:Envelope>"
    )


def callout(stand_in, url, body=b"", *, secret="", age=0, **headers):
    told = body or json.dumps(told_of(stand_in)).encode()
    sent = str(int(time.time()) - age)
    signature = sign(told, sent, secret or stand_in.webhook_secret)
    own = {"X-Emtiaz-Timestamp": sent, "X-Emtiaz-Signature": signature}
    return Parcel(f"{url}/{FLOW}", told, {**JSON, **own, **headers})


def told_of(stand_in):
    return {
        "schema": "emtiaz.salesforce.v1",
        "orgId": stand_in.org.settings.org_id,
        "requestId": "a0d0b4f6",
        "events": [{"object": "Contact", "id": NOBODY, "operation": "UPDATE"}],
    }


def with_a_bad_event(stand_in):
    told = told_of(stand_in)
    return json.dumps({**told, "events": [*told["events"], {"object": "Contact"}]}).encode()


def refused(stand_in, url):
    """Parcels by name, with the status that each has to get."""
    return of_messages(stand_in, url) | of_callouts(stand_in, url)


def of_messages(stand_in, url):
    one = notification(NOBODY)
    body = soap(stand_in, one)
    of_another = soap(stand_in, one, organisation=ANOTHER)
    token = token_of(stand_in)

    def sent(content, **given):
        return message(stand_in, url, content, **given)

    return {
        "a wrong address": (401, sent(body, token="0" * len(token))),
        "another organisation": (401, sent(of_another)),
        "the address of another organisation": (401, sent(body, token=token_of(stand_in, ANOTHER))),
        "the secret itself for an address": (401, sent(body, token=stand_in.webhook_secret)),
        "no secret in the address": (401, Parcel(url, body.encode(), XML)),
        "of no organisation": (401, sent(body.replace("OrganizationId", "Organisation"))),
        "oversized": (413, sent(soap(stand_in, one + " " * BODY_LIMIT))),
        "wrong type": (415, sent(body, **{"Content-Type": "text/csv"})),
        "a bomb": (400, sent(soap(stand_in, one + "<a>&b;</a>", document_type=bomb()))),
        "a file of ours": (400, sent(soap(stand_in, "<a>&b;</a>", document_type=file_of_ours()))),
        "very deep": (400, sent(soap(stand_in, "<a>" * 60_000 + "</a>" * 60_000))),
        "no notification": (400, sent(soap(stand_in, ""))),
        "101 notifications": (400, sent(soap(stand_in, one * 101))),
        "not XML": (400, sent(body.removesuffix("</e:Envelope>"))),
    }


def bomb():
    """Ten times itself, eight times over."""
    layers = "".join(f'<!ENTITY l{place} "{f"&l{place - 1};" * 10}">' for place in range(1, 9))
    return f'<!DOCTYPE a [<!ENTITY l0 "ha">{layers}<!ENTITY b "&l8;">]>'


def file_of_ours():
    return '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/hostname">]>'


def of_callouts(stand_in, url):
    def sent(body=b"", **given):
        return callout(stand_in, url, body, **given)

    return {
        "forged": (401, sent(secret="somebody-elses-secret")),
        "stale": (401, sent(age=6 * MINUTE)),
        "from the future": (401, sent(age=-6 * MINUTE)),
        "timestamp is no number": (401, sent(**{"X-Emtiaz-Timestamp": "yesterday"})),
        "unsigned": (401, sent(**{"X-Emtiaz-Signature": ""})),
        "a callout that is oversized": (413, sent(b"{" + b" " * BODY_LIMIT + b"}")),
        "a callout of a wrong type": (415, sent(**{"Content-Type": "text/csv"})),
        "a callout that is very deep": (400, sent(deep(100_000))),
        "of no form of ours": (400, sent(b'{"events": []}')),
        "one event of several is wrong": (400, sent(with_a_bad_event(stand_in))),
        "not JSON": (400, sent(b"{[")),
        "not a number": (400, sent(b'{"events": [NaN]}')),
    }
