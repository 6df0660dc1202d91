"""``emtiaz score``: cards from a file of facts, on this machine alone."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from chalicelib.core.card import ScoreCard
from chalicelib.core.card_json import card_json
from chalicelib.core.facts import FACT_TYPES, Fact, FactSet, iso, parse_instant
from chalicelib.core.model import Ref
from chalicelib.core.policy import NOTHING_FITTED, FittedModels
from chalicelib.policy import compile_policy
from infra.cli import foretold
from infra.cli.console import show_json, show_table, watched
from infra.cli.exits import Finding
from infra.cli.options import AsJson, Policy
from infra.cli.policy_page import SHIPPED, read_page
from infra.offline import card_at
from infra.package import PROJECT
from infra.refs import fact_as_delivered


def instant(text: str) -> datetime:
    try:
        return parse_instant(text)
    except ValueError as error:
        raise typer.BadParameter(
            f"{text!r} is no instant with a time zone; write 2026-03-21T12:00:00Z"
        ) from error


def before(end: datetime, span: timedelta) -> datetime:
    """Raises Finding where the history begins before the year 1."""
    try:
        return end - span
    except OverflowError as error:
        raise Finding(f"nothing lies {span.days} days before {iso(end)}") from error


def score(
    *,
    facts: Annotated[Path, typer.Option(help="Facts as JSON lines.")],
    at: Annotated[
        list[datetime], typer.Option(parser=instant, help="Instant to score at; repeatable.")
    ],
    policy: Policy = SHIPPED,
    models: Annotated[
        Path | None, typer.Option(help="What training learned, as JSON; without it no ranks.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Score the subjects of a file of facts, at one instant or several. Needs no AWS.

    With --json every line is one card.
    """
    compiled = compile_policy(read_page(policy))
    fitted = read_models(models) if models else NOTHING_FITTED
    cards = [
        card_at(subject, collection, compiled, fitted, instant)
        for subject, collection in read_facts(facts).items()
        for instant in at
    ]
    if as_json:
        for card in cards:
            show_json(card_json(card))
    else:
        columns = ("subject", "at", "score", "class", "grade", "why")
        foreseen = any(card.prediction for card in cards)
        show_table(
            (*columns, "to come") if foreseen else columns,
            ((*_row(card), foretold.line(card)) if foreseen else _row(card) for card in cards),
        )


def _row(card: ScoreCard) -> tuple[object, ...]:
    class_ = card.customer.class_ if card.customer else ""
    why = " · ".join(reason.en for reason in card.reasons)
    return card.subject, card.at.isoformat(), card.score, class_, card.lead.grade, why


def read_facts(path: Path) -> dict[Ref, FactSet]:
    """Subjects in order of their refs. Raises Finding with file and line."""
    found: defaultdict[Ref, list[Fact]] = defaultdict(list)
    for fact in _lines(path):
        found[fact.subject].append(fact)
    if not found:
        raise Finding(f"{path}: no facts in it")
    return {subject: FactSet.of(found[subject]) for subject in sorted(found)}


def _lines(path: Path) -> Iterator[Fact]:
    validators = _validators()
    # Only these end a line of JSON; a text may hold others, such as U+2028.
    lines = watched(_text(path).split("\n"), "reading facts")
    for number, line in enumerate(lines, start=1):
        if line.strip():
            try:
                yield _fact(line, validators)
            except ValueError as error:
                raise Finding(f"{path}:{number}: {error}") from error
            except RecursionError as error:
                raise Finding(f"{path}:{number}: lists stand too deep in each other") from error


def _fact(line: str, validators: Mapping[str, Draft202012Validator]) -> Fact:
    """Raises ValueError with the place in the line and what is wrong there."""
    row = json.loads(line, parse_constant=_no_number)
    kind = str(row.get("type")) if isinstance(row, dict) else ""
    fault = best_match(validators.get(kind, validators[_OTHER]).iter_errors(row))
    if fault:
        place = fault.json_path.removeprefix("$.") if fault.path else "the line"
        raise ValueError(f"{place}: {fault.message}")
    return fact_as_delivered(Fact.from_json(row))


def _no_number(text: str) -> float:
    """NaN and Infinity, which Python would read and JSON has not."""
    raise ValueError(f"{text} is no number")


_OTHER = ""


def _validators() -> Mapping[str, Draft202012Validator]:
    """By type of fact, each with the rules of that type alone: files have millions of lines."""
    path = PROJECT / "docs" / "reference" / "fact.schema.json"
    schema = json.loads(path.read_text("utf-8"))
    own = {kind: [*_rules_of(schema, kind)] for kind in FACT_TYPES}
    schemas = {kind: schema | {"allOf": rules} for kind, rules in own.items()} | {_OTHER: schema}
    return {
        kind: Draft202012Validator({key: part for key, part in one.items() if part != []})
        for kind, one in schemas.items()
    }


def _rules_of(schema: Mapping[str, Any], kind: str) -> Iterator[Mapping[str, Any]]:
    for rule in schema["allOf"]:
        wanted = rule["if"]["properties"]["type"]
        if kind in wanted.get("enum", [wanted.get("const")]):
            yield rule["then"]


def read_models(path: Path) -> FittedModels:
    """Raises Finding."""
    try:
        held = json.loads(_text(path))
        version, parameters = held["version"], held["parameters"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise Finding(f"{path}: {_NO_MODELS}") from error
    if not (isinstance(version, str) and _by_model(parameters)):
        raise Finding(f"{path}: {_NO_MODELS}")
    return FittedModels(version, parameters)


_NO_MODELS = "needs version and parameters, as training writes them"


def _by_model(parameters: object) -> bool:
    rows = parameters.values() if isinstance(parameters, dict) else [None]
    return all(isinstance(row, dict) for row in rows)


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise Finding(f"{path}: {getattr(error, 'strerror', None) or error}") from error
