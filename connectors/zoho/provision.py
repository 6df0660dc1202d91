"""The fields that hold our outputs: what is missing, making it, and what Zoho called it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from chalicelib.core.connector import Change, Connection
from chalicelib.core.errors import WriteRefused
from chalicelib.core.model import Kind, Language
from chalicelib.core.outputs import Output, OutputType
from connectors._http import Refused
from connectors.zoho.answers import failed, message, outcomes
from connectors.zoho.api import NEW_FIELDS, ZohoApi, chunks
from connectors.zoho.owned import detail
from connectors.zoho.records import MODULES, Field, PickValue

LONGEST_LABEL = 25
LONGEST_TOOLTIP = 255

ROOM: Mapping[str, int] = {"free": 0, "standard": 10}
"""Custom fields that a module takes in small editions, everybody's together."""

OURS_IN_PERSIAN = "امتیاز"
"""Labels in English all begin with our name; one in Persian that does not is given it."""

TYPES: Mapping[OutputType, str] = {
    OutputType.SCORE: "integer",
    OutputType.NUMBER: "double",
    OutputType.CHOICE: "picklist",
    OutputType.TEXT: "textarea",
    OutputType.INSTANT: "datetime",
}
"""``data_type`` of the field for each type of output; tags are tags and need no field."""

_WRITABLE: Mapping[OutputType, frozenset[str]] = {
    OutputType.SCORE: frozenset({"integer", "double", "bigint"}),
    OutputType.NUMBER: frozenset({"double"}),
    OutputType.CHOICE: frozenset({"picklist"}),
    OutputType.TEXT: frozenset({"textarea"}),
    OutputType.INSTANT: frozenset({"datetime"}),
}
"""The types of field that take the output's values."""


@dataclass(frozen=True, slots=True)
class Extension:
    """A field of ours without some of the ``added`` choices."""

    field: Field
    added: tuple[Mapping[str, str], ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """Of one module; ``conflicts`` are fields that exist with a type we cannot write."""

    kind: Kind
    missing: tuple[tuple[Output, Mapping[str, Any]], ...]
    extensions: tuple[Extension, ...]
    conflicts: tuple[Change, ...]

    @property
    def steps(self) -> tuple[Change, ...]:
        """What ``carry_out`` does; conflicts are for a person."""
        return (
            *(
                Change("create", f"{self.kind} {one['field_label']}", one["data_type"])
                for _, one in self.missing
            ),
            *(
                Change("extend", f"{self.kind} {one.field['api_name']}", _values(one.added))
                for one in self.extensions
            ),
        )


def plan(
    connection: Connection,
    fields: Mapping[str, Field],
    outputs: Sequence[Output],
    language: Language,
    kind: Kind,
) -> Plan:
    """Compares types and choices alone: labels and places on a layout are the admin's."""
    wanted = [one for one in outputs if kind in one.kinds and one.type in TYPES]
    held = {one.name: found(connection, fields, one, kind) for one in wanted}
    there = [(one, field) for one in wanted if (field := held[one.name])]
    good = [(one, field) for one, field in there if field["data_type"] in _WRITABLE[one.type]]
    missing = tuple((one, definition(one, language)) for one in wanted if not held[one.name])
    crowded = _crowded(connection, fields, len(missing), kind)
    return Plan(
        kind=kind,
        missing=() if crowded else missing,  # some of them would be no use
        extensions=tuple(
            Extension(field, added)
            for one, field in good
            if (added := _added(one, field, language))
        ),
        conflicts=crowded
        + tuple(
            Change(
                "conflict",
                f"{kind} {field['api_name']}",
                f"is {field['data_type']}, should be {TYPES[one.type]}",
            )
            for one, field in there
            if (one, field) not in good
        ),
    )


def _crowded(
    connection: Connection, fields: Mapping[str, Field], missing: int, kind: Kind
) -> tuple[Change, ...]:
    """Told before anything is made, where the edition has no room for all."""
    edition = connection.details.get("edition", "")
    there = sum(bool(field.get("custom_field")) for field in fields.values())
    if edition not in ROOM or not missing or there + missing <= ROOM[edition]:
        return ()
    told = (
        f"{edition} takes {ROOM[edition]} custom fields, {there} are there and {missing} are to "
        "come: say publish: {profile: minimal} in the policy, or remove some that nobody needs"
    )
    return (Change("conflict", f"{kind} fields", told),)


def carry_out(api: ZohoApi, todo: Plan) -> None:
    """Raises WriteRefused if Zoho leaves out a field; what it made stays."""
    module = MODULES[todo.kind]
    for some in chunks([one for _, one in todo.missing], NEW_FIELDS):
        _check(_answer(partial(api.create_fields, module, some)))
    for one in todo.extensions:
        values: list[Mapping[str, Any]] = [*one.field.get("pick_list_values", ()), *one.added]
        _check(_answer(partial(api.replace_values, module, one.field["id"], values)))


def found(
    connection: Connection, fields: Mapping[str, Field], output: Output, kind: Kind
) -> Field | None:
    """The output's field: the one that we remember, or one of its label that an admin made."""
    remembered = connection.details.get(detail(kind, output.name), "")
    if remembered in fields:
        return fields[remembered]
    labels = {label(output, "en").lower(), label(output, "fa").lower()}
    own = (one for one in fields.values() if one.get("custom_field", True))
    return next((one for one in own if one["field_label"].lower() in labels), None)


def label(output: Output, language: Language) -> str:
    """What a field is called, at most 25 characters of it."""
    text = output.label.in_language(language)
    if language == "fa" and OURS_IN_PERSIAN not in text:
        text = f"{text} ({OURS_IN_PERSIAN})"
    return text[:LONGEST_LABEL].rstrip()


def definition(output: Output, language: Language) -> Mapping[str, Any]:
    """The field that Zoho is asked for; its API name is Zoho's to choose."""
    return {
        "field_label": label(output, language),
        "data_type": TYPES[output.type],
        "tooltip": {
            "name": "static_text",
            "value": output.description.in_language(language)[:LONGEST_TOOLTIP],
        },
        **_particulars(output, language),
    }


def _particulars(output: Output, language: Language) -> Mapping[str, Any]:
    match output.type:
        case OutputType.SCORE:
            return {"length": 9}
        case OutputType.NUMBER:
            return {"length": 16, "decimal_place": 2}
        case OutputType.CHOICE:
            return {"pick_list_values": _choices(output, language)}
        case OutputType.TEXT:
            return {"textarea": {"type": "small"}}
        case _:
            return {}


def _choices(output: Output, language: Language) -> list[Mapping[str, str]]:
    return [
        {"display_value": one.label.in_language(language), "actual_value": one.value}
        for one in output.choices
    ]


def _added(output: Output, field: Field, language: Language) -> tuple[Mapping[str, str], ...]:
    held: Sequence[PickValue] = field.get("pick_list_values") or ()
    known = {one["actual_value"] for one in held}
    return tuple(one for one in _choices(output, language) if one["actual_value"] not in known)


def _answer(ask: Callable[[], Any]) -> Any:
    """What was asked for, though Zoho may refuse all of it with an outcome for each."""
    try:
        return ask()
    except Refused as refused:
        if not outcomes(refused.body, "fields"):
            raise
        return refused.body


def _check(answer: Any) -> None:
    refused = [one for one in outcomes(answer, "fields") if failed(one)]
    if refused:
        raise WriteRefused("; ".join(dict.fromkeys(message(one) for one in refused)))


def _values(choices: Sequence[Mapping[str, str]]) -> str:
    return ", ".join(one["actual_value"] for one in choices)
