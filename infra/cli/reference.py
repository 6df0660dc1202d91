"""``python -m infra.cli.reference`` writes ``docs/reference/cli.md`` from the commands."""

from __future__ import annotations

from pathlib import Path

import typer
from typer.cli import get_docs_for_click

from infra.cli import app

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "cli.md"


def text() -> str:
    command = typer.main.get_command(app)
    page = get_docs_for_click(obj=command, ctx=typer.Context(command), name="emtiaz")
    return page.replace("# `emtiaz`", "# The command `emtiaz`", 1).strip() + "\n"


if __name__ == "__main__":
    PAGE.write_text(text(), "utf-8")
