"""``emtiaz export``: all that is known of everybody, as the offline commands read it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, TextIO

import typer

from chalicelib.core.facts import canonical
from chalicelib.core.policy import FittedModels
from chalicelib.pipeline.effect import present
from chalicelib.pipeline.reading import collections
from chalicelib.pipeline.services import Services
from infra.cli.console import note, progress_bars, show_json
from infra.cli.exits import Finding
from infra.cli.installation import Installation
from infra.cli.options import DEFAULT_STAGE, THE_ONLY_ONE, AsJson, Connection, Stage

Facts = Annotated[Path, typer.Option(help="File to write the facts to, as JSON lines.")]
Models = Annotated[
    Path | None, typer.Option(help="File to write what training learned to, as JSON.")
]


def export(
    *,
    facts: Facts,
    models: Models = None,
    connection: Connection = THE_ONLY_ONE,
    stage: Stage = DEFAULT_STAGE,
    as_json: AsJson = False,
) -> None:
    """Write the facts of all people and companies to a file, for score and policy simulate.

    Whoever is in the CRM's bin is left out. The file holds personal data: keep it as such.
    """
    services = Installation.find(stage).services
    live = services.settings.live(connection)
    with _whole(facts) as file:
        subjects, lines = _write(connection, services, file)
    if models:
        with _whole(models) as file:
            file.write(_text(live.models))
    if as_json:
        show_json({"connection": connection, "subjects": subjects, "facts": lines})
    else:
        note(f"{lines} facts of {subjects} subjects")


def _write(connection: str, services: Services, file: TextIO) -> tuple[int, int]:
    """Returns how many subjects and facts were written."""
    subjects = lines = 0
    refs = present(connection, services)
    with progress_bars() as bars:
        found = collections(refs, services.store)
        for one in bars.track(found, total=len(refs), description="reading"):
            known = [] if one.card.stub or one.facts.hidden else list(one.facts)
            file.writelines(canonical(fact.to_json()) + "\n" for fact in known)
            subjects, lines = subjects + bool(known), lines + len(known)
    return subjects, lines


def _text(models: FittedModels) -> str:
    return json.dumps({"version": models.version, "parameters": dict(models.parameters)}) + "\n"


@contextmanager
def _whole(path: Path) -> Iterator[TextIO]:
    """A file that is there when all is written, and not before. Raises Finding.

    Nobody else may read it.
    """
    part = path.with_name(path.name + ".part")
    try:
        part.unlink(missing_ok=True)  # one that was left behind may be open to others
        part.touch(mode=0o600)
        with part.open("w", encoding="utf-8") as file:
            yield file
        part.replace(path)
    except OSError as error:
        raise Finding(f"{path}: {error.strerror}") from error
