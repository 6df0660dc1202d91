"""``emtiaz policy``: check, look at and compare policies. Needs no AWS."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from infra.cli import policy_simulate
from infra.cli.console import note, show_json
from infra.cli.exits import Finding
from infra.cli.options import AsJson
from infra.cli.policy_page import Mistake, PolicyBroken, read_page

app = typer.Typer(name="policy", help="The page that says who scores what.", no_args_is_help=True)
app.command()(policy_simulate.simulate)

Pages = Annotated[list[Path], typer.Argument(metavar="FILE...", help="Policies, as YAML.")]


@app.command()
def validate(*, files: Pages, as_json: AsJson = False) -> None:
    """Say what is wrong in policies: where, and what to write instead.

    With --json a list of all mistakes with file, line, column, pointer and message.
    """
    mistakes = [one for path in files for one in _mistakes(path, quiet=as_json)]
    if as_json:
        show_json([one.to_json() for one in mistakes])
    if mistakes:
        files_ = len({one.file for one in mistakes})
        raise Finding(f"{_counted(len(mistakes), 'mistake')} in {_counted(files_, 'file')}")
    if not as_json:
        note("no mistakes")


def _mistakes(path: Path, *, quiet: bool) -> list[Mistake]:
    try:
        read_page(path)
    except PolicyBroken as error:
        if not quiet:
            note(str(error))
        return [*error.mistakes]
    return []


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
