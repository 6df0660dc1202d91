"""The handlers of ``app.py`` as API Gateway and SQS call them, with fakes behind the ports."""

import hashlib
import io
import json
import logging
import shutil
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
from chalice.test import Client

import app
from chalicelib.core.connector import Secret
from chalicelib.core.errors import ConfigurationError, RateLimited, Retryable
from chalicelib.pipeline.services import Edge
from connectors.salesforce.outbound import ACKNOWLEDGEMENT
from connectors.salesforce.signature import path_token
from infra.sandbox.hubspot.signature import signed_headers
from tests.fakes import events
from tests.fakes.points import Shop
from tests.fakes.queue import InMemoryQueue
from tests.fakes.secrets import InMemorySecrets
from tests.pipeline.conftest import CONNECTION, Installation

URL = "https://emtiaz.example/v1/hooks/hubspot-main"
SECRET = Secret(URL, ("the-secret",), "token", signatures=("v2",), events_secrets=(events.SECRET,))
BODY = '[{"eventId":1,"portalId":62515,"objectId":512,"name":"مینا"}]'.encode()


@pytest.fixture
def queue(monkeypatch):
    intake = InMemoryQueue()
    edge = Edge(app.connectors.load, InMemorySecrets({"hubspot-main": SECRET}), intake)
    monkeypatch.setattr(app, "edge", lambda: edge)
    return intake


@pytest.fixture
def http():
    with Client(app.app) as client:
        yield client.http


def signed(body, at=None):
    from datetime import UTC, datetime

    moment = at or datetime.now(UTC)
    return signed_headers("the-secret", URL, body, int(moment.timestamp() * 1000))


def test_a_good_delivery_is_answered_202_with_its_id(queue, http):
    answer = http.post("/hooks/hubspot-main", headers=signed(BODY), body=BODY)
    assert answer.status_code == 202
    (message,) = queue.messages
    assert answer.json_body == {"delivery": message["delivery"]}


def signed_by_a_workflow(body, channel):
    signed = f"the-secretPOST{URL}/{channel}".encode() + body
    return {
        "Content-Type": "application/json",
        "X-HubSpot-Signature": hashlib.sha256(signed).hexdigest(),
        "X-HubSpot-Signature-Version": "v2",
    }


def test_a_record_that_a_workflow_sends_is_taken_on_its_channel(queue, http):
    body = b'{"id":"512"}'
    headers = signed_by_a_workflow(body, "contacts")
    answer = http.post("/hooks/hubspot-main/contacts", headers=headers, body=body)
    assert answer.status_code == 202
    (message,) = queue.messages
    assert message["channel"] == "contacts"


@pytest.mark.parametrize(
    ("sent_to", "status"), [("companies", 401), ("weather", 404), ("Contacts", 404)]
)
def test_on_any_other_channel_it_is_refused(queue, http, sent_to, status):
    body = b'{"id":"512"}'
    headers = signed_by_a_workflow(body, "contacts")
    answer = http.post(f"/hooks/hubspot-main/{sent_to}", headers=headers, body=body)
    assert answer.status_code == status
    assert queue.messages == []


def test_a_refusal_says_why_and_never_repeats_the_body(queue, http):
    answer = http.post("/hooks/hubspot-main", headers=signed(b"[]"), body=BODY)
    assert answer.status_code == 401
    assert "مینا" not in answer.body.decode()
    assert queue.messages == []


def test_what_cannot_be_queued_is_answered_503(queue, http):
    queue.fail_next_send(Retryable("the queue is down"))
    answer = http.post("/hooks/hubspot-main", headers=signed(BODY), body=BODY)
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "5"


def tell(http, told, secret=events.SECRET, *, to="hubspot-main", media="application/json"):
    body = events.encoded(told)
    headers = {**events.signed(body, secret), "Content-Type": media}
    return http.post(f"/events/{to}", headers=headers, body=body)


def test_events_are_answered_with_how_many_were_accepted(queue, http):
    answer = tell(http, [events.item(1), events.item(2, "nonsense")])
    assert answer.status_code == 202
    (message,) = queue.messages
    (refused,) = answer.json_body["refused"]
    assert (answer.json_body["delivery"], answer.json_body["accepted"]) == (message["delivery"], 1)
    assert (refused["index"], refused["pointer"]) == (1, "/type")


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ({"told": [{}]}, 400),
        ({"told": []}, 400),
        ({"told": [events.item()], "secret": events.OLD_SECRET}, 401),
        ({"told": [events.item()], "to": "hubspot-none"}, 404),
        ({"told": [events.item()], "to": "Events"}, 404),
        ({"told": [events.item(data={"text": "x" * 530_000})]}, 413),
    ],
)
def test_refused_events_are_answered_with_problem_details(queue, http, given, status):
    answer = tell(http, **given)
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem = json.loads(answer.body)
    assert problem["status"] == status
    assert problem["title"]
    assert problem["detail"]
    assert queue.messages == []


def test_events_refused_one_by_one_are_listed_among_the_problem_details(queue, http):
    problem = json.loads(tell(http, [{}, 5]).body)
    assert [row["index"] for row in problem["refused"]] == [0, 1]


def test_events_in_another_media_type_are_refused(queue, http):
    assert tell(http, [events.item()], media="text/plain").status_code == 415
    assert queue.messages == []


def test_events_that_cannot_be_queued_are_answered_503(queue, http):
    queue.fail_next_send(Retryable("the queue is down"))
    answer = tell(http, [events.item()])
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")


def test_a_cold_start_loads_nothing_that_only_events_need():
    code = "import sys, app; print(*{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) & {"jsonschema", "standardwebhooks", "pynamodb"} == set()


def test_health_answers(http):
    assert http.get("/health").json_body == {"status": "ok"}


def records_of(bodies):
    return [
        {
            "messageId": f"message-{number}",
            "receiptHandle": f"receipt-{number}",
            "body": json.dumps(body),
            "attributes": {"ApproximateReceiveCount": "1"},
        }
        for number, body in enumerate(bodies)
    ]


def test_a_message_that_failed_is_the_only_one_to_come_back_after_its_wait(monkeypatch):
    installation = Installation()
    monkeypatch.setattr(app, "services", lambda: installation.services)
    installation.contact(1)
    installation.deliver("contact:1")
    installation.process()
    envelopes = {"Records": records_of(installation.ring.take())}
    installation.crm.fail_next("write", RateLimited("slow down", retry_after=7))
    outcome = app.write_back(envelopes, None)
    assert outcome == {"batchItemFailures": [{"itemIdentifier": "message-0"}]}
    assert installation.ring.postponed == [("receipt-0", 7)]


def test_a_message_that_was_handled_does_not_come_back(monkeypatch):
    installation = Installation()
    monkeypatch.setattr(app, "services", lambda: installation.services)
    installation.contact(1)
    installation.deliver("contact:1")
    assert app.process({"Records": records_of(installation.intake.take())}, None) == {
        "batchItemFailures": []
    }
    assert len(installation.ring.messages) == 1


CONNECTOR = '''
    """A CRM that nobody had thought of."""

    from chalicelib.core.connector import Connector, Event, EventType
    from chalicelib.core.errors import SignatureInvalid

    def verify(request, secret, now):
        if request.headers.get("x-word") not in secret.webhook_secrets:
            raise SignatureInvalid("wrong word")

    CONNECTOR = Connector(
        name="fourth", base_url="https://fourth.example", api_version="1",
        content_types=("text/xml",), verify=verify, check_shape=lambda request: None,
        parse=lambda request, connection: (), connect=lambda *terms: None,
    )
'''

MODEL = '''
    """Points for whoever fits, of which the population tells how many; half of them a week on."""

    from dataclasses import dataclass
    from datetime import timedelta
    from chalicelib.core.card import Gap
    from chalicelib.core.policy import Measure, Term
    from chalicelib.localization.dates import date_name

    SCHEMA = {
        "required": ["gift", "when"],
        "properties": {"gift": {"type": "number"}, "when": {"$ref": "#/$defs/condition"}},
    }
    FITTED = "generosity"

    @dataclass(frozen=True)
    class Model:
        gift: float
        when: object
        context: object

        @classmethod
        def from_page(cls, parameters, context):
            return cls(parameters["gift"], context.condition(parameters["when"]), context)

        @property
        def maximum(self):
            return self.gift

        def measure(self, profile, fitted):
            if self.when.holds(profile) is None:
                gap = Gap("job_title", self.gift, self.context.label("job_title"))
                return Measure((), 0, 1, at_stake=self.gift, gaps=(gap,))
            today = profile.now.astimezone(self.context.time_zone).date()
            text = date_name(today, self.context.calendar)
            term = Term("gift", self.gift * fitted["mean"], text, half_life_days=7)
            tomorrow = profile.now + timedelta(days=1)
            flags = (self.context.currency,)
            return Measure((term,), 1, 1, tomorrow, flags, at_stake=self.gift)
'''

PROOF = """
    import json, sys
    from datetime import UTC, datetime
    import yaml
    from chalice.test import Client
    import app
    from chalicelib.core.connector import Secret
    from chalicelib.core.facts import Fact, FactSet
    from chalicelib.core.model import Ref
    from chalicelib.core.policy import FittedModels
    from chalicelib.pipeline.services import Edge
    from chalicelib.policy import compile_policy, validate
    from chalicelib.scoring import Written, next_change_at, publish, score_card

    class Secrets:
        def get(self, connection, *, fresh=False):
            return Secret("https://emtiaz.example", ("word",), "token")

    class Queue:
        messages = []
        def send(self, messages):
            self.messages += messages

    app.edge = lambda: Edge(app.connectors.load, Secrets(), Queue())
    with Client(app.app) as client:
        headers = {"Content-Type": "text/xml", "X-Word": "word"}
        answer = client.http.post("/hooks/fourth-main", headers=headers, body=b"<event/>")

    page = yaml.safe_load(open("chalicelib/policy/shipped/starter.yaml", encoding="utf-8"))
    page |= {"calendar": "jalali", "time_zone": "Asia/Tehran", "currency": "IRR"}
    when = {"attribute": "job_title", "has_word": "ceo"}
    page["lead"]["groups"].append({"id": "kind", "model": "kindness", "gift": 18, "when": when})
    validate(page)
    subject = Ref("fourth-main", "contact", "1")
    moment = datetime(2026, 3, 20, 22, tzinfo=UTC)
    record = Fact(subject, "contact", "1", moment, {"job_title": "CEO"}, moment)
    policy = compile_policy(page)
    models = FittedModels("m", {"generosity": {"mean": 0.5}})
    facts = FactSet.of([record])
    card = score_card(subject, facts, policy, models, moment)
    (gift,) = [line for line in card.lead.contributions if line.id == "kind.gift"]
    stranger = score_card(subject, FactSet(), policy, models, moment)
    shown = publish(card, Written({}, certain=True), policy)
    change = next_change_at(subject, facts, policy, models, moment, shown)
    print(json.dumps({
        "answer": [answer.status_code, len(Queue.messages)],
        "gift": [gift.points, gift.text.en, gift.half_life_days],
        "flags": card.flags,
        "unknown": stranger.unknown[0].text.en,
        "complete": card.completeness > stranger.completeness,
        "wakes": change is not None,
    }))
"""


def test_a_connector_folder_and_a_model_file_work_with_no_other_edit(tmp_path):
    for name in ("app.py", "chalicelib", "connectors"):
        copy = shutil.copytree if Path(name).is_dir() else shutil.copy
        copy(name, tmp_path / name)
    (tmp_path / "connectors" / "fourth").mkdir()
    write(tmp_path / "connectors" / "fourth" / "__init__.py", CONNECTOR)
    write(tmp_path / "chalicelib" / "scoring" / "models" / "kindness.py", MODEL)
    write(tmp_path / "proof.py", PROOF)
    done = subprocess.run(
        [sys.executable, "proof.py"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == {
        "answer": [202, 1],
        "gift": [9, "1 Farvardin 1405", 7],
        "flags": ["IRR"],
        "unknown": "Job title unknown",
        "complete": True,
        "wakes": True,
    }


def write(path, source):
    path.write_text(textwrap.dedent(source), encoding="utf-8")


@pytest.fixture
def shop(monkeypatch):
    shop = Shop()
    monkeypatch.setattr(app, "services", lambda: shop.services)
    return shop


def at_the_till(http, name, body, shop, **headers):
    given = {"Authorization": f"Bearer {shop.key}", "Content-Type": "application/json"}
    given |= {"Idempotency-Key": "order-7", **headers}
    return http.post(f"/points/{CONNECTION}/{name}", headers=given, body=body)


def test_points_are_looked_at_and_spent_by_key(shop, http):
    address = f"/points/{CONNECTION}/balance?id=1"
    headers = {"Authorization": f"Bearer {shop.key}"}
    assert http.get(address, headers=headers).json_body["points"] == 100
    body = json.dumps({"who": {"id": "1"}, "points": 30}).encode()
    spent = at_the_till(http, "redeem", body, shop)
    assert (spent.status_code, spent.json_body["balance"]) == (200, 70)
    assert spent.headers["Cache-Control"] == "no-store"
    assert at_the_till(http, "redeem", body, shop).body == spent.body


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"{", {}, 400),
        (b"[]", {}, 400),
        (b'{"who": {"id": "1"}, "points": NaN}', {}, 400),
        (b'{"who": {"id": "1"}, "points": 1, "reason": "\\ud800"}', {}, 400),
        (b'{"who": {"id": "1"}, "points": 1}', {"Idempotency-Key": "a/b"}, 400),
        (b'{"who": {"id": "1"}, "points": 1, "reward": "cup"}', {}, 400),
        (b'{"who": {"id": "1"}, "points": 1}', {"Content-Type": "text/plain"}, 415),
        (b"[" * 70_000, {}, 413),
        (b'{"who": {"id": "2"}, "points": 1}', {}, 404),
        (b'{"who": {"id": "1"}, "points": 101}', {}, 409),
        (b'{"who": {"id": "1"}, "points": 1}', {"Authorization": "Bearer x"}, 401),
    ],
)
def test_what_is_wrong_at_the_till_is_told_as_problem_details(shop, http, body, headers, status):
    answer = at_the_till(http, "redeem", body, shop, **headers)
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert json.loads(answer.body)["status"] == status
    assert shop.points() == 100


@pytest.fixture
def lines(monkeypatch):
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(app.logs.JsonLines())
    monkeypatch.setattr(logging.getLogger("emtiaz"), "handlers", [handler])
    monkeypatch.setattr(logging.getLogger("emtiaz"), "level", logging.INFO)
    return stream


def test_no_log_line_holds_a_key_a_body_or_a_reason(shop, http, lines):
    body = json.dumps({"who": {"id": "1"}, "points": 30, "reason": "پنهان"}).encode()
    at_the_till(http, "redeem", body, shop)
    at_the_till(http, "redeem", body, shop, Authorization="Bearer emk_wrong_secret")
    told = lines.getvalue()
    assert '"operation": "redeem"' in told
    for hidden in (shop.key.rpartition("_")[2], "wrong_secret", "پنهان"):
        assert hidden not in told


def test_an_installation_without_a_policy_is_told_without_details(shop, http, monkeypatch):
    def unset(_connection):
        raise ConfigurationError("toy-main has no policy; publish one first")

    monkeypatch.setattr(shop.settings, "live", unset)
    answer = at_the_till(http, "redeem", b'{"who": {"id": "1"}, "points": 1}', shop)
    assert answer.status_code == 500
    assert "policy" not in answer.body.decode()


ORGANISATION = "00DWs000004ExA1MAK"
SALESFORCE = Secret("https://emtiaz.example/v1/hooks/salesforce-main", ("the-secret",), "token")


@pytest.fixture
def salesforce_queue(monkeypatch):
    intake = InMemoryQueue()
    edge = Edge(app.connectors.load, InMemorySecrets({"salesforce-main": SALESFORCE}), intake)
    monkeypatch.setattr(app, "edge", lambda: edge)
    return intake


def outbound_message(organisation=ORGANISATION, company="Olmec Freight"):
    return (
        '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body>'
        '<notifications xmlns="http://soap.sforce.com/2005/09/outbound">'
        f"<OrganizationId>{organisation}</OrganizationId><ActionId>04kWs00000001ZpIAI</ActionId>"
        '<SessionId xsi:nil="true"/><Notification><Id>04lWs00000A1b2CIAR</Id>'
        '<sObject xsi:type="sf:Lead" xmlns:sf="urn:sobject.enterprise.soap.sforce.com">'
        f"<sf:Id>00QWs00000Kp3QdMAJ</sf:Id><sf:Company>{company}</sf:Company></sObject>"
        "</Notification></notifications></soapenv:Body></soapenv:Envelope>"
    ).encode()


def send_outbound(http, body, token=None):
    made = path_token("the-secret", ORGANISATION) if token is None else token
    headers = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": '""'}
    return http.post(f"/hooks/salesforce-main/{made}", headers=headers, body=body)


@pytest.mark.parametrize(
    ("context", "subject"),
    [
        ({"identity": {"clientCert": {"subjectDN": "CN=northwind", "issuerDN": "CN=x"}}}, "CN=northwind"),
        ({"identity": {"clientCert": None, "sourceIp": "192.0.2.1"}}, ""),
        ({"identity": None}, ""),
        ({}, ""),
    ],
)  # fmt: skip
def test_a_client_certificate_is_what_the_gateway_checked(context, subject):
    assert app._certificate(context) == subject


def test_a_header_is_no_client_certificate(salesforce_queue, http, monkeypatch):
    secret = Secret(URL, ("the-secret",), "token", certificates=("CN=northwind",))
    vault = InMemorySecrets({"salesforce-main": secret})
    edge = Edge(app.connectors.load, vault, salesforce_queue)
    monkeypatch.setattr(app, "edge", lambda: edge)
    made = path_token("the-secret", ORGANISATION)
    headers = {"Content-Type": "text/xml", "X-Amzn-Mtls-Clientcert-Subject": "CN=northwind"}
    answer = http.post(f"/hooks/salesforce-main/{made}", headers=headers, body=outbound_message())
    assert answer.status_code == 401
    assert "Ack" not in answer.body.decode()
    assert not salesforce_queue.messages


def test_an_outbound_message_is_acknowledged_once_it_is_queued(salesforce_queue, http):
    answer = send_outbound(http, outbound_message())
    assert (answer.status_code, answer.body.decode()) == (200, ACKNOWLEDGEMENT[1])
    assert answer.headers["Content-Type"] == ACKNOWLEDGEMENT[0]
    assert len(salesforce_queue.messages) == 1


BOMB = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>'
FILE = b'<!DOCTYPE x [<!ENTITY b SYSTEM "file:///etc/passwd">]>'


@pytest.mark.parametrize(
    ("body", "token", "status"),
    [
        (BOMB + outbound_message(company="&b;"), None, 400),
        (FILE + outbound_message(company="&b;"), None, 400),
        (outbound_message(company="<a>" * 100_000), None, 400),
        (outbound_message(company="a" * 2 * 1024 * 1024), None, 413),
        (outbound_message("00DWs000009ZzZ1MAK"), None, 401),
        (outbound_message(), path_token("another", ORGANISATION), 401),
        (outbound_message(), "bus", 404),
    ],
    ids=["bomb", "file", "depth", "size", "organisation", "address", "bus"],
)
def test_what_means_harm_is_refused_quickly_and_nothing_of_it_is_kept(
    salesforce_queue, http, body, token, status
):
    began = time.perf_counter()
    answer = send_outbound(http, body, token)
    assert time.perf_counter() - began < 1
    assert answer.status_code == status
    assert b"Ack" not in answer.body
    assert not salesforce_queue.messages


def test_a_message_that_cannot_be_queued_is_not_acknowledged(salesforce_queue, http, monkeypatch):
    def full(_messages, **_):
        raise Retryable("the queue is down")

    monkeypatch.setattr(salesforce_queue, "send", full)
    answer = send_outbound(http, outbound_message())
    assert answer.status_code == 503
    assert b"Ack" not in answer.body
