"""The JSON Schema of a policy, with what the code knows filled in.

The file says what a page looks like; models bring the schema of their own parameters,
conditions the table of operators, and the outputs their names. So a model that is dropped in
needs no edit here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from chalicelib.core.model import ACTIVITY_KINDS, Json
from chalicelib.core.outputs import OUTPUTS, RFM_SEGMENTS
from chalicelib.policy import announcements, loyalty
from chalicelib.policy.grammar import condition_properties, happening_schema, where_schema
from chalicelib.policy.schema_words import add_words
from chalicelib.scoring import models
from chalicelib.scoring.machine_traffic import CHECKS

_FILE = Path(__file__).with_name("schema.json")


def policy_schema() -> dict[str, Any]:
    """Draft 2020-12; composed anew at every call."""
    schema: dict[str, Any] = json.loads(_FILE.read_text(encoding="utf-8"))
    definitions = schema["$defs"]
    definitions["activity"]["anyOf"] = [
        {"enum": list(ACTIVITY_KINDS)},
        {"pattern": r"^x\.[a-z0-9_.]+$"},
    ]
    schema["properties"]["machine_traffic"]["properties"]["off"]["items"]["enum"] = [*CHECKS]
    definitions["action_when"]["properties"] = _action_names()
    loyal = loyalty.schemas()
    schema["properties"]["loyalty"] = loyal.pop("section")
    definitions |= loyal
    schema["properties"]["announcements"] = announcements.schema()
    definitions["happening"] = happening_schema()
    definitions["where"] = where_schema()
    definitions["condition"]["properties"] |= condition_properties()
    definitions["group"] = _group(definitions["group"])
    # Parts of it belong to models and operators, which it must not change.
    own: dict[str, Any] = json.loads(json.dumps(schema))
    add_words(own)
    return own


def _action_names() -> dict[str, Json]:
    choices = {row.name: [choice.value for choice in row.choices] for row in OUTPUTS}
    names = {name: choices[name] for name in ("class", "grade", "temperature")}
    names |= {"stage": choices["stage_segment"], "churn": choices["churn_risk"]}
    properties: dict[str, Json] = {
        name: {"type": "array", "minItems": 1, "items": {"enum": [*values]}}
        for name, values in names.items()
    }
    return properties | {"segment": _segments(), "tier": _tiers()}


def _segments() -> Json:
    """Which of the page's own there are is left to the checks."""
    description = f"one of {', '.join(RFM_SEGMENTS)}, or of the section segments"
    return {
        "type": "array",
        "minItems": 1,
        "items": {"allOf": [{"$ref": "#/$defs/id"}], "description": description},
    }


def _tiers() -> Json:
    description = "the id of a level of loyalty.tiers"
    return {
        "type": "array",
        "minItems": 1,
        "items": {"allOf": [{"$ref": "#/$defs/id"}], "description": description},
    }


def _group(common: Mapping[str, Any]) -> dict[str, Any]:
    """A group is one closed form per model, so that a misspelt parameter is found."""
    names = models.names()
    forms = [
        {
            "if": {"required": ["model"], "properties": {"model": {"const": name}}},
            "then": _group_of(common, models.load(name).SCHEMA),
        }
        for name in names
    ]
    return {
        "type": "object",
        "required": common["required"],
        "properties": {"model": {"enum": list(names)}},
        "allOf": forms,
    }


def _group_of(common: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "required": own["required"],
        "properties": common["properties"] | own["properties"],
        "additionalProperties": False,
    }
