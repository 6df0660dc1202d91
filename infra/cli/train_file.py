"""``emtiaz train`` of a file, on this machine alone."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import typer

from chalicelib.core.model import Json
from chalicelib.core.policy import FittedModels
from infra.cli import histories
from infra.cli.console import note, say, show_json
from infra.cli.exits import ExitCode, Finding
from infra.cli.model_cards import cards_of, failed, show_cards
from infra.cli.plots import tell_drawn
from infra.prediction.fitting import learn
from infra.prediction.pictures import Format
from infra.prediction.trials import all_tried


@dataclass(frozen=True, slots=True)
class Wanted:
    """``out`` is where the models go, ``plots`` the folder of the pictures."""

    out: Path | None
    plots: Path | None
    format: Format


def train(options: histories.Options, wanted: Wanted, *, as_json: bool) -> None:
    """Raises Finding, and Exit where something cannot be modelled, which its card says."""
    past = histories.past(options)
    known = past.known
    found = learn(known)
    if as_json:
        show_json({"version": found.version, "at": known.end.isoformat(), **_cards(found)})
    else:
        say(f"{len(known.buyers):,} customers as of {known.end}")
        show_cards(found.parameters)
    if wanted.out:
        _write(wanted.out, found)
    if wanted.plots:
        _draw(past, wanted)
    if failed(found.parameters):
        raise typer.Exit(ExitCode.FINDING)


def _cards(found: FittedModels) -> dict[str, Json]:
    cards: dict[str, Json] = {name: dict(card) for name, card in cards_of(found.parameters).items()}
    return {"model_cards": cards}


def _write(path: Path, found: FittedModels) -> None:
    text = json.dumps({"version": found.version, "parameters": dict(found.parameters)})
    try:
        path.write_text(text + "\n", "utf-8")
    except OSError as error:
        raise Finding(f"{path}: {error.strerror}") from error
    note(f"wrote {path}")


def _draw(past: histories.Past, wanted: Wanted) -> None:
    """Where nothing can be tried, that is no reason to lose what was learned."""
    assert wanted.plots
    trials = all_tried(past.known, None)
    for name, why in trials.untried:
        note(f"no pictures of {name}: {why}")
    if trials:
        tell_drawn(wanted.plots, wanted.format, trials)
