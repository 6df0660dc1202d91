from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
import requests

from infra.sandbox.stand_in import Deal, Person
from infra.sandbox.zoho import StandIn, start
from infra.sandbox.zoho.scopes import EVERYTHING

Body = dict[str, Any]


@pytest.fixture
def zoho() -> Iterator[StandIn]:
    with start() as running:
        yield running


@pytest.fixture
def api(zoho: StandIn) -> Iterator[Api]:
    with requests.Session() as session:
        session.headers["Authorization"] = f"Zoho-oauthtoken {token(zoho)}"
        yield Api(zoho.url, session)


@pytest.fixture
def ann(zoho: StandIn) -> str:
    company = zoho.people.load_company("Blue Harbour", 50)
    person = Person("ann@example.com", "Buyer", ("Ann", "Lee"), "Iran")
    return zoho.people.load_person(person, company)


@pytest.fixture
def deal(zoho: StandIn, ann: str) -> str:
    return zoho.people.load_deal(ann, Deal("10.00", "EUR", "won", zoho.people.now()))


def people(zoho: StandIn, number: int) -> list[str]:
    load = zoho.people.load_person
    return [load(Person(f"n{one}@example.com", name=("No", f"{one:04}"))) for one in range(number)]


def token(zoho: StandIn, scopes: Sequence[str] = EVERYTHING) -> str:
    found: str = tokens(
        zoho, grant_type="refresh_token", refresh_token=refresh_token(zoho, scopes)
    )["access_token"]
    return found


def refresh_token(zoho: StandIn, scopes: Sequence[str] = EVERYTHING) -> str:
    return zoho.grant(scopes).refresh_token


def tokens(zoho: StandIn, **form: str) -> Body:
    app = zoho.org.settings.app
    known = {"client_id": app.client_id, "client_secret": app.client_secret}
    found: Body = requests.post(f"{zoho.url}/oauth/v2/token", data=known | form, timeout=5).json()
    return found


@dataclass
class Api:
    """The API as an app calls it."""

    url: str
    session: requests.Session

    def get(self, path: str, since: str = "", **query: Any) -> requests.Response:
        headers = {"If-Modified-Since": since} if since else {}
        return self.session.get(self._address(path), params=query, headers=headers, timeout=5)

    def post(self, path: str, body: Any = None, **query: Any) -> requests.Response:
        return self.session.post(self._address(path), json=body, params=query, timeout=5)

    def put(self, path: str, body: Any) -> requests.Response:
        return self.session.put(self._address(path), json=body, timeout=5)

    def delete(self, path: str, **query: Any) -> requests.Response:
        return self.session.delete(self._address(path), params=query, timeout=5)

    def write(self, module: str, *records: Body, **more: Any) -> requests.Response:
        return self.put(module, {"data": list(records), "trigger": [], **more})

    def field(self, module: str, name: str) -> Body:
        found = self.get("settings/fields", module=module).json()["fields"]
        return next(one for one in found if one["api_name"] == name)

    def query(self, text: str) -> requests.Response:
        return self.post("coql", {"select_query": text})

    def _address(self, path: str) -> str:
        return f"{self.url}{path}" if path.startswith("/") else f"{self.url}/crm/v8/{path}"


def code(answer: requests.Response) -> tuple[int, str]:
    """Status, and the code of a flat error or of the first item."""
    body = answer.json()
    if "code" not in body:
        body = next(one for one in body.values() if isinstance(one, list))[0]
    return answer.status_code, body["code"]
