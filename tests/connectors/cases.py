"""Recorded cases of a connector, read from its folder: ``payloads``, ``records``, ``writes``."""

import base64
import json
from collections.abc import Iterable
from pathlib import Path

import responses
from responses import matchers

from chalicelib.core.connector import Connection, Event, EventType, Request, Secret, Update
from chalicelib.core.facts import parse_instant
from chalicelib.core.model import Ref
from chalicelib.core.policy import Attribute

HERE = Path(__file__).parent


def read(path):
    return json.loads(path.read_text(encoding="utf-8"))


def connection_of(crm):
    return Connection(**read(HERE / crm / "connection.json"))


def secret_of(crm):
    return Secret("https://hooks.example.com/", ("webhook-secret",), token=f"{crm}-token")


def payloads(crms: Iterable[str]):
    """``(crm, case)`` of every recorded delivery."""
    return [
        (crm, path.name.removesuffix(".request.json"))
        for crm in crms
        for path in sorted((HERE / crm / "payloads").glob("*.request.json"))
    ]


def records(crms: Iterable[str]):
    """``(crm, case)`` of every recorded reading of records."""
    return [
        (crm, path.name.removesuffix(".expected.json"))
        for crm in crms
        for path in sorted((HERE / crm / "records").glob("*.expected.json"))
    ]


class Delivery:
    """A recorded request, its time, the secret of its connection, and the events it means.

    ``signatures`` stands in the record of a request that is signed by a weaker scheme, ``proofs``
    in that of one which is not signed at all: the texts that show who sent it.
    """

    def __init__(self, crm, case):
        row = read(HERE / crm / "payloads" / f"{case}.request.json")
        channel = row.get("channel", "")
        self.request = Request(
            row["method"], row["url"], row["headers"], base64.b64decode(row["body_b64"]), channel
        )
        self.at = parse_instant(row["at"])
        self.proofs = row.get("proofs", ())
        self.secret = Secret(
            url=row["url"].removesuffix(f"/{channel}") if channel else row["url"],
            webhook_secrets=(row["secret"],),
            token="",
            signatures=tuple(row.get("signatures", ())),
        )
        self.events = tuple(
            _event(one) for one in read(HERE / crm / "payloads" / f"{case}.events.json")
        )


def _event(row):
    return Event(
        EventType(row["type"]),
        Ref.parse(row["ref"]) if row["ref"] else None,
        parse_instant(row["occurred_at"]) if row["occurred_at"] else None,
        row["name"],
        row["ours"],
        Ref.parse(row["into"]) if "into" in row else None,
        row["key"],
    )


class Reading:
    """What was asked of the CRM for some subjects, what it answered, and what that says."""

    def __init__(self, crm, case):
        row = read(HERE / crm / "records" / f"{case}.json")
        self.base_url = connection_of(crm).base_url
        self.now = parse_instant(row["now"])
        self.attributes = tuple(Attribute(**one) for one in row["attributes"])
        self.history = row.get("history", False)
        self.subjects = [Ref.parse(one) for one in row["subjects"]]
        self.exchanges = row["exchanges"]
        self.expected = read(HERE / crm / "records" / f"{case}.expected.json")

    def fetch(self, client):
        """The reading, as ``expected`` spells it."""
        reading = client.fetch(self.subjects, self.now, history=self.history)
        return {
            "facts": {
                str(ref): [fact.to_json() for fact in facts] for ref, facts in reading.facts.items()
            },
            "gone": sorted(map(str, reading.gone)),
            "moved": {str(ref): str(into) for ref, into in reading.moved.items()},
        }

    def play(self, crm_double: responses.RequestsMock) -> None:
        play(self.exchanges, self.base_url, crm_double)


class Writing:
    """What was to be written, what the CRM answered, and which records it had no time for."""

    def __init__(self, crm, case):
        row = read(HERE / crm / "writes" / f"{case}.json")
        self.base_url = connection_of(crm).base_url
        self.updates = [Update(Ref.parse(one["ref"]), one["fields"]) for one in row["updates"]]
        self.busy = {Ref.parse(one) for one in row["busy"]}
        self.exchanges = row["exchanges"]

    def play(self, crm_double: responses.RequestsMock) -> None:
        play(self.exchanges, self.base_url, crm_double)


def play(exchanges, base_url: str, crm_double: responses.RequestsMock) -> None:
    for one in exchanges:
        same_body = [matchers.json_params_matcher(one["request"])] if one["request"] else []
        answer = {} if one["answer"] is None else {"json": one["answer"]}
        crm_double.add(
            one["method"], base_url + one["path"], status=one["status"], match=same_body, **answer
        )
