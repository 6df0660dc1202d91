"""What leaves by webhook, event bus and mail, and what their refusals mean."""

import json
from datetime import UTC, datetime

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError
from standardwebhooks import Webhook, WebhookVerificationError

from chalicelib.adapters.outgoing import EventBridgeBus, SesMailer, SignedWebhooks
from chalicelib.adapters.webhook_line import WebhookLine
from chalicelib.core.connector import WebhookEndpoint
from chalicelib.core.errors import InDoubt, Parked, Retryable
from tests.fakes.receiver import receiver

NEW, OLD, OTHER = (f"whsec_{letter * 32}" for letter in "abc")
BODY = '{"text":"به سطح طلایی رسید"}'.encode()


def sent(secrets=(NEW,)):
    with receiver() as there:
        endpoint = WebhookEndpoint("shop", there.url, secrets)
        webhooks = SignedWebhooks(WebhookLine(loopback=True))
        assert webhooks.send(endpoint, "ann_1", BODY, datetime.now(UTC)).status == 204
    (delivery,) = there.deliveries
    return delivery


def test_the_public_library_verifies_what_was_sent():
    delivery = sent()
    assert Webhook(NEW).verify(delivery.body, delivery.headers) == json.loads(BODY)
    assert delivery.headers["webhook-id"] == "ann_1"
    assert delivery.headers["content-type"] == "application/json"


def test_during_a_rotation_both_secrets_verify():
    delivery = sent((NEW, OLD))
    for secret in (NEW, OLD):
        Webhook(secret).verify(delivery.body, delivery.headers)


@pytest.mark.parametrize("change", ["body", "id", "secret"])
def test_a_change_is_noticed(change):
    delivery = sent()
    body = delivery.body + b" " if change == "body" else delivery.body
    headers = delivery.headers | ({"webhook-id": "ann_2"} if change == "id" else {})
    with pytest.raises(WebhookVerificationError):
        Webhook(OTHER if change == "secret" else NEW).verify(body, headers)


class Answering:
    """A client of the SDK with one answer, which may be an error; remembers what it was asked."""

    def __init__(self, answer):
        self.answer = answer
        self.asked = []

    def put_events(self, **asked):
        self.asked.append(asked)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    send_email = put_events


def refusal(code, operation="SendEmail"):
    return ClientError({"Error": {"Code": code, "Message": "no"}}, operation)


def bus(answer):
    made = EventBridgeBus("loud")
    made.client = Answering(answer)
    return made


def test_an_event_names_its_source_kind_and_bus():
    made = bus({"FailedEntryCount": 0, "Entries": [{"EventId": "1"}]})
    made.put("tier_up", {"text": "طلایی"})
    ((entry,),) = [asked["Entries"] for asked in made.client.asked]
    assert (entry["Source"], entry["DetailType"], entry["EventBusName"]) == (
        "emtiaz",
        "tier_up",
        "loud",
    )
    assert json.loads(entry["Detail"]) == {"text": "طلایی"}


@pytest.mark.parametrize(
    "answer",
    [
        {"FailedEntryCount": 1, "Entries": [{"ErrorCode": "InternalFailure", "ErrorMessage": "x"}]},
        refusal("ThrottlingException", "PutEvents"),
        EndpointConnectionError(endpoint_url="x"),
    ],
)
def test_an_event_that_was_not_taken_is_worth_another_try(answer):
    with pytest.raises(Retryable):
        bus(answer).put("tier_up", {})


def mailer(answer):
    made = SesMailer("shop@example.com")
    made.client = Answering(answer)
    return made


def test_a_mail_has_one_line_as_its_subject():
    made = mailer({"MessageId": "1"})
    made.send("anna@example.com", "One\r\nBcc: all@example.com " + "x" * 100, "One\nTwo")
    (asked,) = made.client.asked
    subject = asked["Content"]["Simple"]["Subject"]["Data"]
    assert subject.startswith("One Bcc: all@example.com x")
    assert len(subject) == 78
    assert asked["Destination"] == {"ToAddresses": ["anna@example.com"]}
    assert asked["FromEmailAddress"] == "shop@example.com"


@pytest.mark.parametrize(
    ("error", "meaning"),
    [
        (refusal("TooManyRequestsException"), Retryable),
        (EndpointConnectionError(endpoint_url="x"), Retryable),
        (refusal("MessageRejected"), Parked),
        (refusal("MailFromDomainNotVerifiedException"), Parked),
        (ReadTimeoutError(endpoint_url="x"), InDoubt),
    ],
)
def test_what_a_refusal_of_a_mail_means(error, meaning):
    with pytest.raises(meaning) as raised:
        mailer(error).send("anna@example.com", "One", "Two")
    assert type(raised.value) is meaning


def test_the_sdk_itself_sends_no_mail_twice(monkeypatch):
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    assert SesMailer("a@example.com").client.meta.config.retries["total_max_attempts"] == 1
