"""What may stand in a condition: the schema of each key, and which keys belong to which form.

``when_missing`` belongs to every form. A form of ``FORM_KEYS`` has what it needs, and what it may
have; of each set in ``ONE_OF`` exactly one is needed, of those in ``AT_MOST_ONE`` no more than one
makes sense.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from chalicelib.core.model import ACTIVITY_KINDS, Json
from chalicelib.policy.days import DAY_OPERATORS
from chalicelib.policy.occurrences import SOURCES
from chalicelib.policy.operators import OPERATORS

AMOUNTS = ("at_least", "at_most", "between", "equals")
"""How an amount is asked for; one is enough, several must all hold."""


@dataclass(frozen=True, slots=True)
class FormKeys:
    """``needs`` must all stand there, ``takes`` may; ``one_of`` are sets of which one member must.

    ``some_of`` is a set of which at least one member must.
    """

    needs: tuple[str, ...] = ()
    takes: tuple[str, ...] = ()
    one_of: tuple[str, ...] = ()
    some_of: tuple[str, ...] = ()
    at_most_one: tuple[str, ...] = ()

    @property
    def known(self) -> frozenset[str]:
        groups = (self.needs, self.takes, self.one_of, self.some_of, self.at_most_one)
        return frozenset(name for group in groups for name in group) | {"when_missing"}


_WINDOW = ("within_days", "this")

FORM_KEYS: Mapping[str, FormKeys] = {
    "attribute": FormKeys(some_of=(*OPERATORS, *DAY_OPERATORS)),
    "segment": FormKeys(),
    "count": FormKeys(takes=("where",), some_of=AMOUNTS, at_most_one=_WINDOW),
    "sum": FormKeys(takes=("of", "where"), some_of=AMOUNTS, at_most_one=_WINDOW),
    "average": FormKeys(takes=("of", "where", "fewest"), some_of=AMOUNTS, at_most_one=_WINDOW),
    "ratio": FormKeys(
        needs=("to",), takes=("where", "fewest"), some_of=AMOUNTS, at_most_one=_WINDOW
    ),
    "first": FormKeys(takes=("where",), one_of=("within_days", "longer_ago_days")),
    "last": FormKeys(takes=("where",), one_of=("within_days", "longer_ago_days")),
    "sequence": FormKeys(takes=("span_days",), at_most_one=_WINDOW),
    "all": FormKeys(),
    "any": FormKeys(),
    "not": FormKeys(),
}

_HAPPENING: Json = {"$ref": "#/$defs/happening"}
_WHERE: Json = {"$ref": "#/$defs/where"}
_DAYS: Json = {"type": "number", "exclusiveMinimum": 0, "maximum": 36500}


def happening_schema() -> dict[str, Json]:
    """An activity, or one of the other things that happen."""
    return {
        "type": "string",
        "description": "a kind of activity such as email.opened, one of your own that begins with "
        f"x., or {', '.join(SOURCES)}",
        "anyOf": [{"enum": [*ACTIVITY_KINDS, *SOURCES]}, {"pattern": r"^x\.[a-z0-9_.]+$"}],
    }


def where_schema() -> dict[str, Json]:
    """Attributes of what happened: a value, a list of which one is enough, or operators."""
    value: Json = {"type": ["string", "number", "boolean"]}
    operators: dict[str, Json] = {name: dict(one.operand) for name, one in OPERATORS.items()}
    return {
        "type": "object",
        "minProperties": 1,
        "description": "attributes of what happened: a value, a list of which one is enough, or "
        "operators such as {contains: /pricing}",
        "additionalProperties": {
            "if": {"type": "object"},
            "then": {
                "minProperties": 1,
                "additionalProperties": False,
                "properties": operators,
            },
            "else": {
                "if": {"type": "array"},
                "then": {"minItems": 1, "items": value},
                "else": value,
            },
        },
    }


def condition_properties() -> dict[str, Json]:
    """Of the keys that conditions have beside ``attribute``, ``all``, ``any`` and ``not``."""
    return {
        **{name: dict(operator.operand) for name, operator in OPERATORS.items()},
        **{name: dict(operator.operand) for name, operator in DAY_OPERATORS.items()},
        **_HAPPENED,
    }


def _said(schema: Json, description: str) -> Json:
    return {"allOf": [schema], "description": description}


_HAPPENED: dict[str, Json] = {
    "segment": _said({"$ref": "#/$defs/id"}, "a segment of the section segments, above this one"),
    "count": _said(_HAPPENING, "how often this happened"),
    "sum": _said(_HAPPENING, "the sum of an attribute over these, for a purchase of its amount"),
    "average": _said(_HAPPENING, "the mean of an attribute over these"),
    "ratio": _said(_HAPPENING, "how often this happened for each time that `to` did"),
    "to": _said(_HAPPENING, "what a ratio is to, such as x.email.delivered"),
    "first": _said(_HAPPENING, "when this happened for the first time"),
    "last": _said(_HAPPENING, "when this happened last"),
    "sequence": {
        "type": "array",
        "minItems": 2,
        "description": "what happened one after the other",
        "items": {
            "if": {"type": "object"},
            "then": {
                "required": ["event"],
                "additionalProperties": False,
                "properties": {"event": _HAPPENING, "where": _WHERE},
            },
            "else": _HAPPENING,
        },
    },
    "of": {
        "type": "string",
        "minLength": 1,
        "description": "which attribute is summed or averaged; amount unless another one is named",
    },
    "where": _WHERE,
    "within_days": _said(_DAYS, "only the last so many days count"),
    "this": {
        "enum": ["week", "month", "quarter", "year"],
        "description": "only what happened in this one of the policy's calendar counts",
    },
    "longer_ago_days": _said(_DAYS, "more than so many days ago"),
    "span_days": _said(_DAYS, "from the first step of a sequence to the last, at most"),
    "fewest": {
        "type": "integer",
        "minimum": 1,
        "description": "of an average or ratio over fewer than these, nothing is known",
    },
}
