"""``emtiaz policy``: check, look at and compare policies, and put them into force.

Only the last needs AWS.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from chalicelib.policy import version_of
from chalicelib.policy.defaults import filled
from chalicelib.policy.difference import differences
from infra.cli import (
    policy_print,
    policy_publish,
    policy_review,
    policy_simulate,
    policy_story,
    policy_suggest,
)
from infra.cli.console import note, say, show_json, show_table
from infra.cli.exits import Finding
from infra.cli.options import AsJson
from infra.cli.policy_page import Mistake, PolicyBroken, read_page
from infra.cli.policy_words import TABLES, change_row

app = typer.Typer(name="policy", help="The page that says who scores what.", no_args_is_help=True)
app.command()(policy_simulate.simulate)
app.command()(policy_suggest.suggest)
app.command()(policy_review.review)
app.command("list")(policy_story.list_policies)
app.command()(policy_story.story)
app.command()(policy_publish.publish)
app.command()(policy_publish.history)
app.command()(policy_publish.rollback)
app.command("print")(policy_print.print_)

File = Annotated[Path, typer.Argument(metavar="FILE", help="A policy, as YAML.")]
Old = Annotated[Path, typer.Argument(metavar="OLD", help="The policy before.")]
New = Annotated[Path, typer.Argument(metavar="NEW", help="The policy after.")]
Pages = Annotated[
    list[Path], typer.Argument(metavar="FILE...", help="Policies: files, or names of shipped ones.")
]


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


@app.command()
def show(*, file: File, as_json: AsJson = False) -> None:
    """Show a policy as Emtiaz reads it, with its version and with what it leaves out filled in.

    With --json its version and the page.
    """
    page = read_page(file)
    version, whole = version_of(page), filled(page)
    if as_json:
        show_json({"version": version, "policy": whole})
        return
    say(f"{page['name']}, version {version}")
    for columns, rows in TABLES:
        if found := list(rows(whole)):
            show_table(columns, found)


@app.command()
def diff(*, old: Old, new: New, as_json: AsJson = False) -> None:
    """Say what differs between two policies by meaning: rules, points, thresholds, not lines."""
    before, after = read_page(old), read_page(new)
    changes = differences(before, after)
    versions = version_of(before), version_of(after)
    if as_json:
        rows = [one.to_json() for one in changes]
        show_json({"old": versions[0], "new": versions[1], "changes": [*rows]})
        return
    say(f"{versions[0]} → {versions[1]}: {_counted(len(changes), 'difference')}")
    if changes:
        show_table(("", "where", "before", "after"), map(change_row, changes))
