"""The reference of the policy: prose from a template, tables from the schema.

Examples stand in the shipped policies, which are valid, so that none has to be thought out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from chalicelib.localization.announcements import WORDS
from chalicelib.policy.schema import policy_schema
from chalicelib.policy.schema_words import Key, keys, of_model
from infra.cli.policy_page import SHIPPED, read_page
from infra.cli.policy_words import compact

Schema = Mapping[str, Any]

TEMPLATE_PATH = Path(__file__).parents[2] / "docs" / "templates" / "policy.md.j2"
_LONGEST_EXAMPLE = 60

_NAMED = {
    "text": "`en` and `fa`",
    "condition": "condition",
    "id": "short name",
    "score": "0 to 100",
    "part": "0 to 1",
    "clock": "time of day",
    "activity": "kind of activity",
    "happening": "what happened",
    "where": "mapping",
    "stage": "stage",
    "group": "group",
    "grade": "grade",
    "action_when": "whom it fits",
    "attribute": "attribute",
}

_WHEN: Mapping[str, str] = {
    "tier_up": "a higher tier is reached",
    "tier_down": "the tier falls",
    "tier_grace": "a review was missed, and the tier is kept for a while",
    "points_earned": "points are granted, once for each purchase or other event",
    "points_expiring": "`notify_days` before points expire",
    "reward_redeemed": "a reward is taken",
    "score_crossing": "`score` reaches the `threshold`, or with `direction: down` falls below it",
    "stage_entered": "the most advanced open deal is in `stage` from now on",
    "stage_left": "it is no longer in `stage`",
    "days_in_stage": "it has been in `stage` for `days` days",
    "trial_ending": "`days` days before the day that `attribute` holds, at its local midnight",
    "satisfaction_drop": "the mean of the answers is `points` below its best since the last time",
}

_PLAIN = {
    "string": "text",
    "number": "number",
    "integer": "whole number",
    "boolean": "true or false",
    "object": "mapping",
    "null": "nothing",
}


def text() -> str:
    loader = FileSystemLoader(TEMPLATE_PATH.parent)
    drawing = Environment(  # noqa: S701  # Markdown of our own words, not HTML of others
        loader=loader, undefined=StrictUndefined, keep_trailing_newline=True, trim_blocks=True
    )
    schema = policy_schema()
    return drawing.get_template(TEMPLATE_PATH.name).render(
        top=_top(schema),
        sections=list(_sections(schema)),
        models=list(_models(schema)),
        occasions=_occasions(),
    )


def _occasions() -> str:
    """What may be announced, when, and what a text about it may name."""
    rows = (
        f"| `{name}` | {_WHEN[name]} | {', '.join(f'`{{{place}}}`' for place in words.places)} |"
        for name, words in WORDS.items()
    )
    return "\n".join(rows)


def _top(schema: Schema) -> str:
    """The keys of the page itself."""
    rows = [key for key in keys({**schema}) if key.place in schema["properties"]]
    return _table(rows, schema, {})


def _sections(schema: Schema) -> Iterator[tuple[str, str]]:
    """All keys by what they stand under; those of models have their own."""
    examples = _examples()
    models = _model_names(schema)
    rows = [key for key in keys({**schema}) if "." in key.place]
    for name, found in groupby(rows, key=lambda key: key.place.split(".")[0].split("[")[0]):
        if name not in models:
            yield name, _table(found, schema, examples)


def _models(schema: Schema) -> Iterator[tuple[str, str]]:
    examples = _examples()
    models = _model_names(schema)
    rows = [key for key in keys({**schema}) if key.place.split(".")[0] in models]
    for name, found in groupby(rows, key=lambda key: key.place.split(".")[0]):
        yield name.removesuffix(" model"), _table(found, schema, examples)


def _model_names(schema: Schema) -> Sequence[str]:
    forms = schema["$defs"]["group"]["allOf"]
    return [of_model(form["if"]["properties"]["model"]["const"]) for form in forms]


def _table(rows: Iterable[Key], schema: Schema, examples: Mapping[str, str]) -> str:
    lines = ["| key | type | if left out | what | example |", "|---|---|---|---|---|"]
    for key in rows:
        cells = (
            f"`{key.place}`",
            kind(key.schema, schema),
            _left_out(key),
            _resolved(key.schema, schema).get("description", ""),
            f"`{examples[key.place]}`" if key.place in examples else "",
        )
        lines.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")
    return "\n".join(lines)


def _left_out(key: Key) -> str:
    if "default" in key.schema:
        return f"`{compact(key.schema['default'])}`"
    return "is needed" if key.is_needed else ""


def _resolved(key: Schema, schema: Schema) -> Schema:
    if "$ref" not in key:
        return key
    return {**schema["$defs"][key["$ref"].removeprefix("#/$defs/")], **key}


def kind(key: Schema, schema: Schema) -> str:
    """What may stand there, in a few words.

    >>> kind({"type": "array", "items": {"type": "string"}}, {}), kind({"enum": ["a", "b"]}, {})
    ('list of text', '`a`, `b`')
    >>> kind({"type": "number", "exclusiveMinimum": 0, "maximum": 1}, {})
    'number > 0, ≤ 1'
    """
    if "$ref" in key:
        name = key["$ref"].removeprefix("#/$defs/")
        return _NAMED.get(name) or kind(schema["$defs"][name], schema)
    if "enum" in key:
        return ", ".join(f"`{compact(one)}`" for one in key["enum"])
    if "const" in key:
        return f"`{compact(key['const'])}`"
    if "allOf" in key and key["allOf"] and "$ref" in key["allOf"][0]:
        return kind(key["allOf"][0], schema)
    if "anyOf" in key and "type" not in key:
        return " or ".join(dict.fromkeys(kind(form, schema) for form in key["anyOf"]))
    return _of_type(key, schema)


def _of_type(key: Schema, schema: Schema) -> str:
    types = key.get("type", "object")
    if types == "array":
        items = kind(key["items"], schema) if "items" in key else "anything"
        fixed = key.get("minItems") if key.get("minItems") == key.get("maxItems") else None
        return f"{fixed} of: {items}" if fixed else f"list of {items}"
    names = types if isinstance(types, list) else [types]
    return " or ".join(_PLAIN[name] for name in names) + _bounds(key)


def _bounds(key: Schema) -> str:
    signs = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
    told = [f"{sign} {key[name]:g}" for name, sign in signs.items() if name in key]
    return f" {', '.join(told)}" if told else ""


def _examples() -> dict[str, str]:
    """By place, the first short one of the shipped policies."""
    found: dict[str, str] = {}
    for path in sorted(SHIPPED.parent.glob("*.yaml"), key=lambda path: path != SHIPPED):
        for place, value in _placed(read_page(path), ""):
            told = compact(value)
            if 0 < len(told) <= _LONGEST_EXAMPLE:
                found.setdefault(place, told)
    return found


def _placed(value: Any, place: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            own = f"{place}.{name}" if place else name
            yield own, inner
            yield from _placed(inner, _below(own, name, inner))
    elif isinstance(value, list):
        for one in value:
            yield from _placed(one, _entry(one, place))


def _entry(one: Any, place: str) -> str:
    if place in ("lead.groups", "customer.components"):
        return of_model(one["model"])
    return "condition" if place == "condition" else f"{place}[]"


def _below(place: str, name: str, inner: Any) -> str:
    if place in ("lead.grade.fit", "lead.grade.engagement"):
        return "grade"
    if place.startswith("attributes."):
        return "attribute"
    if name == "when" and place.startswith(("actions", "tags")):
        return "action_when"
    if name in ("all", "any", "not", "opted_out") or (name == "when" and _is_condition(inner)):
        return "condition"
    return place


def _is_condition(inner: Any) -> bool:
    return isinstance(inner, Mapping) and not {"activity", "deal"} & set(inner)
