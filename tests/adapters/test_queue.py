import json
import subprocess
import sys

import botocore.session
import pytest

from chalicelib.adapters.queue import SqsQueue
from chalicelib.core.errors import Retryable
from tests.adapters.wire import answer

pytestmark = pytest.mark.local_cloud


@pytest.fixture
def open_queue(cloud):
    sqs = botocore.session.get_session().create_client("sqs")
    sqs_urls = []

    def opened(name):
        attributes = {"FifoQueue": "true"} if name.endswith(".fifo") else {}
        sqs_urls.append(sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"])
        return SqsQueue(sqs_urls[-1])

    yield opened
    for url in sqs_urls:
        sqs.delete_queue(QueueUrl=url)


@pytest.fixture
def standard(open_queue):
    return open_queue("intake")


@pytest.fixture
def fifo(open_queue):
    return open_queue("write-back.fifo")


def ring(number, connection="hubspot-main", **more):
    return {"connection": connection, "refs": [f"{connection}:contact:{number}"], **more}


def received(queue):
    """All messages, in the order they come, with their groups."""
    found = []
    while batch := queue.client.receive_message(
        QueueUrl=queue.url, MaxNumberOfMessages=10, MessageSystemAttributeNames=["All"]
    ).get("Messages"):
        found += [(json.loads(m["Body"]), m["Attributes"].get("MessageGroupId")) for m in batch]
        for message in batch:
            queue.client.delete_message(QueueUrl=queue.url, ReceiptHandle=message["ReceiptHandle"])
    return found


def requests_of(queue):
    sent = []

    def on_send(request, event_name, **_):
        sent.append(event_name.rsplit(".", 1)[-1])

    queue.client.meta.events.register("before-send.sqs", on_send)
    return sent


def test_messages_arrive_as_they_were_sent_whatever_their_script(standard):
    messages = [ring(1, reason="بازگشت \u0000 \ufffe"), ring(2)]
    standard.send(messages)
    assert sorted(str(body) for body, _ in received(standard)) == sorted(map(str, messages))


def test_a_request_carries_ten_messages(standard):
    requests = requests_of(standard)
    standard.send([ring(number) for number in range(25)])
    assert requests == ["SendMessageBatch"] * 3
    assert len(received(standard)) == 25


def test_a_request_carries_a_mebibyte(standard):
    requests = requests_of(standard)
    standard.send([ring(number, body_b64="x" * 400_000) for number in range(5)])
    assert requests == ["SendMessageBatch"] * 3
    assert len(received(standard)) == 5


def test_nothing_to_send_is_no_request(standard):
    requests = requests_of(standard)
    standard.send([])
    assert requests == []


def test_the_group_of_a_message_is_its_connection(standard, fifo):
    for queue in (standard, fifo):
        queue.send([ring(1), ring(1, "zoho-second")])
        assert {group for _, group in received(queue)} == {"hubspot-main", "zoho-second"}


def test_the_same_ring_twice_is_two_messages_in_order(fifo):
    messages = [ring(1), ring(2), ring(1)]
    fifo.send(messages)
    fifo.send(messages)
    assert [body for body, _ in received(fifo)] == messages * 2


def test_the_backlog_counts_waiting_and_working(standard):
    assert standard.backlog() == 0
    standard.send([ring(number) for number in range(3)])
    assert standard.backlog() == 3
    standard.client.receive_message(QueueUrl=standard.url, MaxNumberOfMessages=1)
    assert standard.backlog() == 3


def test_a_batch_that_is_kept_in_part_is_not_kept(standard):
    failed = {"Id": "1", "Code": "InternalError", "SenderFault": False}
    kept = {"Id": "0", "MessageId": "m", "MD5OfMessageBody": "d"}

    def half(**_):
        return answer(200, {"Successful": [kept], "Failed": [failed]})

    standard.client.meta.events.register("before-send.sqs", half)
    with pytest.raises(Retryable, match="1 of 2 messages: InternalError"):
        standard.send([ring(1), ring(2)])


def test_a_queue_that_is_not_there_is_worth_trying_again(cloud):
    with pytest.raises(Retryable, match="NonExistentQueue"):
        SqsQueue(f"{cloud.endpoint}/000000000000/nowhere").send([ring(1)])


def test_a_queue_that_nobody_reaches_is_worth_trying_again(cloud, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    with pytest.raises(Retryable):
        SqsQueue("http://127.0.0.1:1/000000000000/intake").backlog()


def test_receive_does_not_wait_for_tables_or_resources_to_be_imported():
    program = (
        "import sys, chalicelib.adapters.queue, chalicelib.adapters.secrets;"
        "print([name for name in sys.modules"
        " if name.split('.')[0] in ('boto3', 'pynamodb', 'ulid', 'requests')])"
    )
    imported = subprocess.check_output([sys.executable, "-c", program], text=True)
    assert imported.strip() == "[]"
