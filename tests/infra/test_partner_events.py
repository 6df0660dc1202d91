"""The rule that brings a partner's events into the intake queue, on the local cloud."""

import json
import time

import boto3
import pytest

from chalicelib.core.connector import Connection
from chalicelib.pipeline.messages import delivered_request, is_delivery
from connectors.salesforce import CONNECTOR
from infra import stack_template
from infra.sandbox.local_cloud import LocalCloud

pytestmark = pytest.mark.local_cloud

SOURCE = "aws.partner/salesforce.com/00DWs000004ExA1MAK/0YLWs0000000GsvOAE"
SENT_AS = "partner.test"
"""Nobody but a partner may send as ``aws.partner/…``."""

NUMBER = 1745500706683617281
DETAIL = {
    "payload": {
        "ChangeEventHeader": {
            "entityName": "Contact",
            "recordIds": ["003Ws00000A1b2CIAR"],
            "changeType": "UPDATE",
            "changedFields": ["Title"],
            "commitNumber": NUMBER,
        }
    }
}
PATIENCE_S = 20


@pytest.fixture(scope="module")
def resources():
    return stack_template.fragments()["Resources"]


@pytest.fixture
def queue(resources, monkeypatch):
    """Of a bus with the rule as the template has it."""
    with LocalCloud() as cloud:
        for name, value in cloud.environment.items():
            monkeypatch.setenv(name, value)
        sqs, events = boto3.client("sqs"), boto3.client("events")
        url = sqs.create_queue(QueueName="intake")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]  # fmt: skip
        events.create_event_bus(Name=SOURCE)
        pattern = json.dumps({"source": [SENT_AS]})
        events.put_rule(Name="rule", EventBusName=SOURCE, EventPattern=pattern)
        target = {"Id": "intake", "Arn": arn, "InputTransformer": {"InputTemplate": template_of(resources)}}  # fmt: skip
        events.put_targets(Rule="rule", EventBusName=SOURCE, Targets=[target])
        yield sqs, events, url


def template_of(resources):
    (target,) = resources["PartnerEventRule"]["Properties"]["Targets"]
    text = target["InputTransformer"]["InputTemplate"]["Fn::Sub"]
    return text.replace("${PartnerEventConnection}", "salesforce-main")


def test_an_event_of_the_bus_is_queued_with_its_connection_and_parsed(queue):
    sqs, events, url = queue
    entry = {"Source": SENT_AS, "DetailType": "ContactChangeEvent", "Detail": json.dumps(DETAIL), "EventBusName": SOURCE}  # fmt: skip
    events.put_events(Entries=[entry])
    body = json.loads(received(sqs, url))
    assert is_delivery(body)
    assert body["connection"] == "salesforce-main"
    header = body["event"]["detail"]["payload"]["ChangeEventHeader"]
    assert header["commitNumber"] == NUMBER
    body["event"]["source"] = SOURCE
    connection = Connection("salesforce-main", "salesforce", "00DWs000004ExA1MAK", "", "", "", "")
    [event] = CONNECTOR.parse(delivered_request(body), connection)
    assert str(event.ref) == "salesforce-main:contact:003Ws00000A1b2CIAR"


def received(sqs, url):
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        for message in sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1).get("Messages", ()):
            return message["Body"]
    raise AssertionError("nothing arrived")


def test_nothing_of_it_is_made_unless_a_source_is_named(resources):
    ours = {name for name in resources if name.startswith("PartnerEvent")}
    assert len(ours) == 6
    assert {resources[name]["Condition"] for name in ours} == {"HasPartnerEvents"}


def test_the_rule_alone_may_send_into_the_queues(resources):
    for statement in statements(resources).values():
        assert statement["Principal"] == {"Service": "events.amazonaws.com"}
        assert statement["Action"] == "sqs:SendMessage"
        source = statement["Condition"]["ArnEquals"]["aws:SourceArn"]
        assert source == {"Fn::GetAtt": ["PartnerEventRule", "Arn"]}


def test_each_queue_has_a_policy_that_speaks_of_itself_alone(resources):
    """SQS refuses any other, and with it the whole stack; the local cloud takes it."""
    found = {queue: one["Resource"] for queue, one in statements(resources).items()}
    queues = ("IntakeQueue", "PartnerEventDeadLetters")
    assert found == {name: {"Fn::GetAtt": [name, "Arn"]} for name in queues}


def statements(resources):
    """By queue."""
    found = {}
    for one in resources.values():
        if one.get("Type") == "AWS::SQS::QueuePolicy":
            (queue,) = one["Properties"]["Queues"]
            (statement,) = one["Properties"]["PolicyDocument"]["Statement"]
            found[queue["Ref"]] = statement
    return found
