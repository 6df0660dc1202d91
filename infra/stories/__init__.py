"""Stories: what happens to somebody under a shipped policy, and what must be seen of it.

A story is a page of YAML in this folder, named as its policy; ``docs/reference/story.schema.json``
says what may stand there. Facts have the form of a facts file, of which the subject and the
instant may be left out: they are the story's person, and the instant of the step.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from chalicelib.core.facts import Fact, parse_instant
from chalicelib.core.model import Json, Ref, Text
from chalicelib.core.policy import NOTHING_FITTED, FittedModels
from infra.package import PROJECT

FOLDER = Path(__file__).parent
_REFERENCE = PROJECT / "docs" / "reference"

Row = Mapping[str, Any]


class StoryBroken(ValueError):
    """A page that is no story; the message says where."""


@dataclass(frozen=True, slots=True)
class Step:
    """``expected`` holds values of ``play.SEEN`` by name; ``because`` says how they come about."""

    at: datetime
    happens: Text
    facts: tuple[Fact, ...]
    expected: Mapping[str, Json]
    because: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Story:
    """``name`` is that of the policy as well, and ``serves`` says what that is for.

    ``models`` is what training would have learned.
    """

    name: str
    serves: Text
    title: Text
    about: Text
    subject: Ref
    models: FittedModels
    steps: tuple[Step, ...]


def names() -> tuple[str, ...]:
    return tuple(sorted(path.stem for path in FOLDER.glob("*.yaml")))


def load(name: str) -> Story:
    """Raises StoryBroken with the place in the page and what is wrong there."""
    page = yaml.safe_load((FOLDER / f"{name}.yaml").read_text("utf-8"))
    _check(page, _validator("story"), name)
    subject = Ref.parse(page["subject"])
    models = page.get("models")
    return Story(
        name=name,
        serves=Text(**page["policy"]),
        title=Text(**page["title"]),
        about=Text(**page["about"]),
        subject=subject,
        models=FittedModels(models["version"], models["parameters"]) if models else NOTHING_FITTED,
        steps=tuple(_steps(page["steps"], subject, name)),
    )


def _steps(rows: Sequence[Row], subject: Ref, name: str) -> Iterator[Step]:
    validator = _validator("fact")
    for number, row in enumerate(rows):
        given = {"subject": str(subject), "occurred_at": row["at"]}
        facts = [given | fact for fact in row.get("facts", [])]
        for fact in facts:
            _check(fact, validator, f"{name}, step {number + 1}")
        yield Step(
            at=parse_instant(row["at"]),
            happens=Text(**row["happens"]),
            facts=tuple(map(Fact.from_json, facts)),
            expected=row.get("expect", {}),
            because=row.get("because", {}),
        )


def _check(page: Any, validator: Draft202012Validator, where: str) -> None:
    fault = best_match(validator.iter_errors(page))
    if fault:
        raise StoryBroken(f"{where}: {fault.json_path.removeprefix('$.')}: {fault.message}")


def _validator(schema: str) -> Draft202012Validator:
    return Draft202012Validator(
        json.loads((_REFERENCE / f"{schema}.schema.json").read_text("utf-8"))
    )
