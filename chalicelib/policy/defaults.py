"""A page with all that it leaves out and that holds nevertheless, as the schema says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from chalicelib.core.model import Json
from chalicelib.policy.schema import policy_schema

Schema = Mapping[str, Any]


def filled(page: Mapping[str, Json]) -> dict[str, Json]:
    """Means the same as ``page``, which has passed validation, but has another version.

    >>> from chalicelib.policy.schema import policy_schema
    >>> filled({"publish": {"step": 5}, "machine_traffic": {"off": ["burst"]}})["machine_traffic"][
    ...     "burst_seconds"]
    2
    """
    schema = policy_schema()
    return _Filler(schema).filled(page, schema)  # type: ignore[no-any-return]


class _Filler:
    def __init__(self, root: Schema) -> None:
        self.root = root

    def filled(self, value: Any, schema: Schema) -> Any:
        if isinstance(value, Mapping):
            return self._mapping(value, schema)
        if isinstance(value, list):
            items = self._resolved(schema).get("items")
            return [self.filled(one, items) for one in value] if items else value
        return value

    def _mapping(self, value: Mapping[str, Any], schema: Schema) -> dict[str, Any]:
        known: dict[str, Schema] = {}
        for form in self._forms(schema, value):
            known |= form.get("properties", {})
        missing = {
            name: part["default"]
            for name, part in known.items()
            if name not in value and "default" in part
        }
        other = self._resolved(schema).get("additionalProperties")
        rest = other if isinstance(other, Mapping) else {}
        return {
            name: self.filled(inner, known.get(name, rest))
            for name, inner in {**value, **missing}.items()
        }

    def _forms(self, schema: Schema, value: Mapping[str, Any]) -> Iterator[Schema]:
        """The schema, and of a group that of its model."""
        resolved = self._resolved(schema)
        yield resolved
        for form in resolved.get("allOf", ()):
            wanted = form.get("if", {}).get("properties", {}).get("model", {}).get("const")
            if wanted is not None and wanted == value.get("model"):
                yield form["then"]

    def _resolved(self, schema: Schema) -> Schema:
        while "$ref" in schema:
            name = schema["$ref"].removeprefix("#/$defs/")
            own = {key: part for key, part in schema.items() if key != "$ref"}
            schema = {**self.root["$defs"][name], **own}
        return schema
