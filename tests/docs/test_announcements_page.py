"""The receiver of ``docs/how-to/announcements.md`` verifies, and deals with everything once."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from http.server import HTTPServer
from pathlib import Path
from threading import Thread

import pytest
import yaml

from chalicelib.adapters.outgoing import SignedWebhooks
from chalicelib.adapters.webhook_line import WebhookLine
from chalicelib.core.connector import WebhookEndpoint
from chalicelib.pipeline.ways import webhook_body
from chalicelib.policy import validate
from tests.pipeline.test_announce import ONE
from tests.policy.test_announcements import ATTRIBUTES, page

PAGE = Path("docs/how-to/announcements.md").read_text("utf-8")
SECRET = "whsec_" + "a" * 32


def block(language):
    return re.search(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)[1]


@pytest.fixture
def program(monkeypatch):
    monkeypatch.setenv("EMTIAZ_SECRET", SECRET)
    names = {"__name__": "receiver"}
    exec(compile(block("python"), "announcements.md", "exec"), names)
    names["Receiver"].log_message = lambda *_: None
    server = HTTPServer(("127.0.0.1", 0), names["Receiver"])
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/", names
    server.shutdown()
    server.server_close()
    thread.join()


def send(url, one, secret=SECRET):
    endpoint = WebhookEndpoint("shop", url, (secret,))
    webhooks = SignedWebhooks(WebhookLine(loopback=True))
    return webhooks.send(endpoint, one.id, webhook_body(one), datetime.now(UTC)).status


def test_the_receiver_deals_with_each_announcement_once(program, capsys):
    url, names = program
    other = replace(ONE, id="ann_2")
    assert [send(url, one) for one in (ONE, ONE, other, ONE)] == [204] * 4
    assert names["dealt_with"] == {"ann_1", "ann_2"}
    assert capsys.readouterr().out == "tier_up You have reached Gold.\n" * 2


def test_the_receiver_refuses_what_somebody_else_signed(program):
    url, names = program
    assert send(url, ONE, "whsec_" + "b" * 32) == 401
    assert names["dealt_with"] == set()


def test_the_policy_of_the_page_is_one():
    rows = yaml.safe_load(block("yaml"))["announcements"]
    whole = page(*rows)
    whole["attributes"] = {**whole["attributes"], "email": ATTRIBUTES["mail"]}
    validate(whole)


def test_the_body_of_the_page_has_the_members_of_a_real_one():
    shown, real = json.loads(block("json")), json.loads(webhook_body(ONE))
    assert shown.keys() == real.keys()
    assert shown["data"].keys() == real["data"].keys()
    assert shown["data"]["text"].keys() == real["data"]["text"].keys()
