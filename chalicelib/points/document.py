"""The OpenAPI document of the Points API, which is also what requests are checked by."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, cast

from chalicelib.core.api_keys import Scope

_FILE = Path(__file__).with_name("openapi.json")


@dataclass(frozen=True, slots=True)
class Operation:
    """``body`` names the schema of what is sent, empty where nothing is."""

    name: str
    method: str
    scope: Scope
    parameters: Mapping[str, Mapping[str, Any]]
    body: str

    @property
    def query(self) -> list[str]:
        return [name for name, one in self.parameters.items() if one["in"] == "query"]

    @property
    def is_keyed(self) -> bool:
        """Whether it wants an idempotency key."""
        return any(one["in"] == "header" for one in self.parameters.values())


@cache
def document() -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", json.loads(_FILE.read_text("utf-8")))


@cache
def operations() -> Mapping[str, Operation]:
    """By the last part of their path."""
    found = {}
    for path, methods in document()["paths"].items():
        for method, told in methods.items():
            name = path.rpartition("/")[2]
            found[name] = _operation(name, method, told)
    return found


def _operation(name: str, method: str, told: Mapping[str, Any]) -> Operation:
    parameters = [_resolved(one) for one in told["parameters"]]
    content = told.get("requestBody", {}).get("content", {}).get("application/json", {})
    return Operation(
        name=name,
        method=method.upper(),
        scope=told["x-scope"],
        parameters={one["name"]: one for one in parameters},
        body=str(content.get("schema", {}).get("$ref", "")).rpartition("/")[2],
    )


def _resolved(part: Mapping[str, str]) -> Mapping[str, Any]:
    place: Any = document()
    for name in part["$ref"].removeprefix("#/").split("/"):
        place = place[name]
    return cast("Mapping[str, Any]", place)
