from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import requests

from infra.sandbox.salesforce import StandIn
from infra.sandbox.salesforce.records import PERSON

ROOT = "/services/data/v66.0"


@pytest.fixture
def stand_in() -> Iterator[StandIn]:
    with StandIn.start() as running:
        yield running


@pytest.fixture
def api(stand_in: StandIn) -> Iterator[Api]:
    with requests.Session() as session:
        found = Api(stand_in.url, session)
        found.log_in()
        yield found


@dataclass
class Api:
    """The API as an app calls it, and ``control`` as a person does."""

    url: str
    session: requests.Session

    def log_in(self, **form: str) -> requests.Response:
        client = {"client_id": "stand-in-consumer-key", "client_secret": "stand-in-consumer-secret"}
        body = {"grant_type": "client_credentials", **client, **form}
        answer = requests.post(f"{self.url}/services/oauth2/token", data=body, timeout=5)
        if answer.ok:
            self.session.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        return answer

    def call(self, method: str, path: str, **more: Any) -> requests.Response:
        return self.session.request(method, f"{self.url}{ROOT}{path}", timeout=20, **more)

    def query(self, text: str, resource: str = "query", **headers: str) -> requests.Response:
        return self.call("GET", f"/{resource}", params={"q": text}, headers=headers)

    def rows(self, text: str, resource: str = "query") -> list[dict[str, Any]]:
        answer = self.query(text, resource)
        assert answer.ok, answer.text
        return answer.json()["records"]

    def update(self, *records: dict[str, Any], **more: Any) -> requests.Response:
        """Each record has its kind under ``type``."""
        body = {"allOrNone": False, "records": [typed(one) for one in records]}
        headers = more.pop("headers", {})
        return self.call("PATCH", "/composite/sobjects", json=body | more, headers=headers)

    def control(self, method: str, path: str, body: Any = None) -> Any:
        answer = requests.request(method, f"{self.url}/_control/{path}", json=body, timeout=40)
        assert answer.ok, answer.text
        return answer.json()


def typed(record: dict[str, Any]) -> dict[str, Any]:
    kind = record.get("type", "Contact")
    rest = {name: value for name, value in record.items() if name != "type"}
    return {"attributes": {"type": kind}, **rest}


def made(stand_in: StandIn, kind: str, **fields: Any) -> str:
    """By a person, as everybody hears."""
    with stand_in.org.transaction(PERSON) as work:
        return work.create(kind, fields).id


def changed(stand_in: StandIn, kind: str, record_id: str, **fields: Any) -> None:
    with stand_in.org.transaction(PERSON) as work:
        work.update(kind, record_id, fields)


def deleted(stand_in: StandIn, kind: str, record_id: str) -> None:
    with stand_in.org.transaction(PERSON) as work:
        work.delete(kind, record_id)


def person(stand_in: StandIn, name: str = "Bergmann", **fields: Any) -> str:
    return made(stand_in, "Contact", LastName=name, **fields)
