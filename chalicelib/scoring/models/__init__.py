"""Ways to score, one file each; being here is being registered.

A file holds a frozen dataclass ``Model`` that meets ``chalicelib.core.policy.Model``, with a
class method ``from_page``, and ``SCHEMA``: the ``properties`` and ``required`` of its
parameters in JSON Schema. It may refer to ``id``, ``text``, ``condition``, ``activity`` and
``where`` in ``#/$defs``, which the policy's schema defines.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Literal, Protocol, cast
from zoneinfo import ZoneInfo

from chalicelib.core.errors import ConfigurationError
from chalicelib.core.model import Json, Text
from chalicelib.core.policy import Condition, Model

Parameters = Mapping[str, Json]
"""A group of the policy's page, already valid against the model's ``SCHEMA``."""


Where = Callable[[Mapping[str, Json]], bool]
"""Whether the attributes of something that happened are the wanted ones."""


@dataclass(frozen=True, slots=True)
class Context:
    """What a model learns of the page around it.

    ``condition`` compiles one of its conditions, ``where`` what attributes it wants of something
    that happened; ``labels`` say how people call attributes. ``stage_of`` names the stage of the
    funnel that a deal's attributes tell, None where the policy knows of none.
    """

    condition: Callable[[Mapping[str, Json]], Condition]
    time_zone: ZoneInfo
    calendar: Literal["gregorian", "jalali"]
    currency: str
    labels: Mapping[str, Text] = field(default_factory=dict)
    where: Callable[[Mapping[str, Json]], Where] = lambda _: lambda _: True
    stage_of: Callable[[Mapping[str, Json]], str | None] = lambda _: None

    def label(self, attribute: str) -> Text:
        """Of an attribute as conditions call it; one without a label goes by its name."""
        if attribute in self.labels:
            return self.labels[attribute]
        words = attribute.replace(".", " ").replace("_", " ")
        return Text(words.capitalize(), words)


class ModelClass(Protocol):
    def from_page(self, parameters: Parameters, context: Context) -> Model: ...


class ModelFile(Protocol):
    SCHEMA: Mapping[str, Json]
    Model: ModelClass


def names() -> tuple[str, ...]:
    """All models that are here, in alphabetical order."""
    found = (module.name for module in pkgutil.iter_modules(__path__))
    return tuple(sorted(name for name in found if not name.startswith("_")))


def load(name: str) -> ModelFile:
    """Raises ConfigurationError for a name that is not here; nothing else is ever imported."""
    if name not in names():
        raise ConfigurationError(f"no scoring model {name!r}; there are {', '.join(names())}")
    return cast(ModelFile, import_module(f"{__name__}.{name}"))


def rules_schema(when: Json, **more: Json) -> Mapping[str, Json]:
    """Of a model whose only parameter is a list of rules; ``more`` are optional members."""
    members: dict[str, Json] = {
        "id": {"$ref": "#/$defs/id"},
        "when": when,
        "points": {"type": "number"},
        "text": {"$ref": "#/$defs/text"},
    }
    rule: dict[str, Json] = {
        "type": "object",
        "required": list(members),
        "additionalProperties": False,
        "properties": members | more,
    }
    return {
        "required": ["rules"],
        "properties": {"rules": {"type": "array", "minItems": 1, "items": rule}},
    }
