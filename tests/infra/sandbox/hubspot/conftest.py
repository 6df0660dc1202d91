from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import requests

from infra.sandbox.hubspot import StandIn


@pytest.fixture
def stand_in() -> Iterator[StandIn]:
    with StandIn.start() as running:
        yield running


@pytest.fixture
def api(stand_in: StandIn) -> Iterator[Api]:
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {stand_in.token}"
        yield Api(stand_in.url, session)


@dataclass
class Api:
    """The API as an app calls it, and ``control`` as a person does."""

    url: str
    session: requests.Session
    version: str = "2026-09"

    def get(self, path: str, **query: Any) -> requests.Response:
        return self.session.get(self._address(path), params=query, timeout=5)

    def post(self, path: str, body: Any) -> requests.Response:
        return self.session.post(self._address(path), json=body, timeout=5)

    def patch(self, path: str, body: Any) -> requests.Response:
        return self.session.patch(self._address(path), json=body, timeout=5)

    def delete(self, path: str) -> requests.Response:
        return self.session.delete(self._address(path), timeout=5)

    def control(self, method: str, path: str, body: Any = None) -> Any:
        answer = requests.request(method, f"{self.url}/_control/{path}", json=body, timeout=40)
        assert answer.ok, answer.text
        return answer.json()

    def load(self, **records: list[dict[str, str]]) -> dict[str, list[str]]:
        rows = {kind: [{"properties": one} for one in many] for kind, many in records.items()}
        return self.control("POST", "load", rows)

    def _address(self, path: str) -> str:
        return f"{self.url}{path.replace('{v}', self.version)}"
