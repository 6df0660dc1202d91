"""``emtiaz explain REF``: why a record has the score that it has.

Of an installation it is the card as it is stored; of a file of facts one that is made here, now.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from chalicelib.core.card_json import card_json
from chalicelib.core.facts import iso
from chalicelib.core.model import Language, Ref, Text
from chalicelib.core.policy import NOTHING_FITTED
from chalicelib.core.stored import StoredCard
from chalicelib.localization.sentences import in_full
from chalicelib.policy import compile_policy
from infra.cli import foretold
from infra.cli.console import say, show_json, show_table
from infra.cli.exits import Finding
from infra.cli.installation import Installation
from infra.cli.options import DEFAULT_STAGE, AsJson, Record, Stage
from infra.cli.policy_page import SHIPPED, read_page
from infra.cli.score import instant, read_facts, read_models
from infra.offline import card_at


@dataclass(frozen=True, slots=True)
class _Offline:
    """A file of facts, and what they are scored by."""

    facts: Path
    policy: Path
    models: Path | None
    at: datetime


def explain(  # noqa: PLR0913  # one per option
    *,
    ref: Record,
    language: Annotated[Language, typer.Option(help="Of the reasons.")] = "en",
    stage: Stage = DEFAULT_STAGE,
    facts: Annotated[
        Path | None, typer.Option(help="Explain from these facts, as JSON lines. Needs no AWS.")
    ] = None,
    policy: Annotated[
        Path | None,
        typer.Option(
            help="With --facts: policy to score by.", show_default="the shipped starter policy"
        ),
    ] = None,
    models: Annotated[
        Path | None, typer.Option(help="With --facts: what training learned, as JSON.")
    ] = None,
    at: Annotated[
        datetime | None,
        typer.Option(parser=instant, help="With --facts: instant to score at.", show_default="now"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show what a record's score is made of, line by line, as it was last computed.

    With --facts it is computed here, of a file of facts, by any policy and as of any instant.
    """
    if facts:
        given = _Offline(facts, policy or SHIPPED, models, at or datetime.now(UTC))
        _explain_facts(ref, given, language, as_json=as_json)
        return
    if policy or models or at:
        raise typer.BadParameter("--policy, --models and --at belong to --facts")
    cards = Installation.find(stage).services.store.cards([ref])
    if not cards:
        raise Finding(f"{ref} has no card; it was never scored, or its id is another one")
    if as_json:
        show_json({**cards[0].body, "published": _published(cards[0])})
    else:
        _show(cards[0], language)


def _explain_facts(ref: Ref, given: _Offline, language: Language, *, as_json: bool) -> None:
    compiled = compile_policy(read_page(given.policy))
    fitted = read_models(given.models) if given.models else NOTHING_FITTED
    found = read_facts(given.facts).get(ref)
    if found is None:
        raise Finding(f"{given.facts}: no facts of {ref} in it")
    body = card_json(card_at(ref, found, compiled, fitted, given.at))
    if as_json:
        show_json(body)
        return
    _show_body(body, language)
    say(f"score {body['score']} at {body['at']} by policy {body['policy']}")


def _published(card: StoredCard) -> dict[str, Any]:
    return {
        "version": card.version,
        "written_version": card.written_version,
        "due_at": iso(card.due_at) if card.due_at else None,
    }


def _show(card: StoredCard, language: Language) -> None:
    body = card.body
    _show_body(body, language)
    state = "waits to be written to the CRM" if card.pending else "is what the CRM shows"
    say(f"score {body['score']} {state}; computed {body['at']} by policy {body['policy']}")


def _show_body(body: Mapping[str, Any], language: Language) -> None:
    for part in ("customer", "lead"):
        if body.get(part):
            _show_part(part, body[part], language)
    # Cards that an earlier version stored have none.
    if body.get("prediction"):
        foretold.show(body["prediction"], language)
    if body.get("forecast"):
        foretold.show_deals(body["forecast"])
    _show_doubts(body, language)


def _show_part(part: str, score: Mapping[str, Any], language: Language) -> None:
    lines = [
        (f"{line['points']:+d}", line["id"], _sentence(line, language))
        for line in score["contributions"]
    ]
    show_table(("points", part, ""), [*lines, (score["score"], f"{part} score", "")])
    # Cards that an earlier version stored lack these.
    for limit in score.get("limits", ()):
        say(f"{limit['group']}: {limit['points']:.4g} points limited to {limit['limit']:g}")
    for reset in score.get("resets", ()):
        say(f"{reset['group']}: counts from {reset['at']} on, reset by {reset['reset']}")
    if score.get("computed") is not None:
        say(f"a person has set the {part} score; computed was {score['computed']}")


def _sentence(line: Mapping[str, Any], language: Language) -> str:
    text = Text(line["text"]["en"], line["text"]["fa"])
    if "exact" in line:
        text = in_full(text, line["exact"], line.get("half_life_days"))
    sentence = text.in_language(language)
    return (
        f"{sentence}, {line['unlimited']:.4g} without limits" if "unlimited" in line else sentence
    )


def _show_doubts(body: Mapping[str, Any], language: Language) -> None:
    unknown = [(f"{gap['points']:.4g}", gap["text"][language]) for gap in body.get("unknown", ())]
    if unknown:
        show_table(("points at stake", "not known"), unknown)
    machines = [
        (found["count"], found["check"], found["text"][language], _examples(found))
        for found in body.get("machine_traffic", ())
    ]
    if machines:
        show_table(("not counted", "check", "why", "latest"), machines)


def _examples(found: Mapping[str, Any]) -> str:
    return ", ".join(f"{one['kind']} {one['id']}" for one in found["examples"])
