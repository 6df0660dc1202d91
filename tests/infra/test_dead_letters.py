import json

import boto3
import pytest

from infra.dead_letters import DeadLetters, move_back, peek
from infra.sandbox.local_cloud import LocalCloud

pytestmark = pytest.mark.local_cloud


@pytest.fixture(scope="module")
def sqs():
    with LocalCloud() as cloud, pytest.MonkeyPatch.context() as environment:
        for name, value in cloud.environment.items():
            environment.setenv(name, value)
        yield boto3.client("sqs")


def letter(number):
    return json.dumps({"connection": "toy-main", "refs": [f"toy-main:contact:{number}"]})


def bare(body):
    return body.replace(" ", "")


@pytest.fixture(params=["standard", "fifo"])
def letters(sqs, request):
    """Eleven letters: more than one call of SQS brings."""
    fifo = request.param == "fifo"
    suffix, attributes = (".fifo", {"FifoQueue": "true"}) if fifo else ("", {})
    home, dead = (
        sqs.create_queue(QueueName=f"{name}{suffix}", Attributes=attributes)["QueueUrl"]
        for name in ("home", "dead")
    )
    for number in range(11):
        extra = {"MessageGroupId": "toy", "MessageDeduplicationId": str(number)} if fifo else {}
        sqs.send_message(QueueUrl=dead, MessageBody=letter(number), **extra)
    yield DeadLetters("intake", dead, home)
    for url in (home, dead):
        sqs.delete_queue(QueueUrl=url)


def bodies(sqs, url):
    found = []
    while received := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        for message in received:
            found.append(bare(message["Body"]))
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return sorted(found)


ELEVEN = sorted(bare(letter(number)) for number in range(11))


def test_moving_back_moves_every_letter_once(sqs, letters):
    assert move_back(letters) == 11
    assert bodies(sqs, letters.home) == ELEVEN
    assert letters.count() == 0


def test_a_letter_that_fails_twice_can_be_moved_back_twice(sqs, letters):
    move_back(letters)
    for number, body in enumerate(bodies(sqs, letters.home)):
        extra = {}
        if letters.url.endswith(".fifo"):
            extra = {"MessageGroupId": "toy", "MessageDeduplicationId": f"again {number}"}
        sqs.send_message(QueueUrl=letters.url, MessageBody=body, **extra)
    assert move_back(letters) == 11
    assert bodies(sqs, letters.home) == ELEVEN


def test_looking_at_letters_leaves_them_there(sqs, letters, monkeypatch):
    monkeypatch.setattr("infra.dead_letters.PEEK_SECONDS", 1)
    seen = peek(letters)
    assert {bare(one.body) for one in seen} <= set(ELEVEN)
    assert seen[0].queue == "intake"
    assert seen[0].sent_at.year >= 2026
    assert letters.count() + len(seen) >= 11
