"""``emtiaz policy print``: the whole programme on one page, fit for a wall."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, cast

import typer
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from chalicelib.core.model import Json, Language
from chalicelib.policy import version_of
from chalicelib.policy.defaults import filled
from infra.cli.console import OUT, note, show_json
from infra.cli.exits import Finding
from infra.cli.options import AsJson
from infra.cli.policy_page import Page, read_page
from infra.cli.policy_poster import Paper, poster

_TEMPLATE = "policy_poster.html.j2"

File = Annotated[Path, typer.Argument(metavar="FILE", help="A policy, as YAML.")]
Words = Annotated[Language | None, typer.Option(help="Of the page.", show_default="the policy's")]
Output = Annotated[
    Path | None,
    typer.Option(
        help="Where to write the page.",
        show_default="FILE with .html on a terminal, else standard output",
    ),
]
Size = Annotated[Paper, typer.Option(help="Size of the paper.")]


def print_(
    *,
    file: File,
    language: Words = None,
    paper: Size = "a3",
    output: Output = None,
    as_json: AsJson = False,
) -> None:
    """Make one page of the whole programme, in English or Persian, to be printed for the wall.

    It is one HTML file that needs nothing else: open it in a browser and print it. With --json the
    name of the file that was written.
    """
    page = read_page(file)
    spoken = language or cast(Language, page["language"])
    html = drawn(page, spoken, paper)
    target = output or (file.with_suffix(".html") if OUT.is_terminal or as_json else None)
    if target is None:
        print(html, end="")
        return
    try:
        target.write_text(html, "utf-8")
    except OSError as error:
        raise Finding(f"{target}: {error.strerror}") from error
    if as_json:
        told: dict[str, Json] = {"file": str(target), "language": spoken, "paper": paper}
        show_json(told)
    else:
        note(f"{target}: open it in a browser and print it on {paper.upper()}")


def drawn(page: Page, language: Language, paper: Paper) -> str:
    """HTML; whatever stands on the page is text there, never markup."""
    loader = FileSystemLoader(Path(__file__).parent)
    drawing = Environment(loader=loader, autoescape=True, undefined=StrictUndefined)
    shown = poster(filled(page), version_of(page), language, paper)
    return drawing.get_template(_TEMPLATE).render(page=shown, say=shown.say) + "\n"
