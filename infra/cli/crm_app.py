"""What an admin uploads to a CRM, written for one installation."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from importlib import import_module
from pathlib import Path

import typer

from chalicelib.policy import compile_policy
from infra.cli.console import note
from infra.cli.policy_page import Page
from infra.crm.project_file import ProjectFile


def app_files(
    crm: str,
    url: str,
    project: Path | None,
    webhooks_file: Path | None,
    redirect_urls: Sequence[str],
    page: Page,
) -> tuple[ProjectFile, ...]:
    """The files that were asked for, to look at before they are written.

    Raises ForeignFile, and BadParameter for a CRM that takes no such files.
    """
    _check_redirects(redirect_urls, project)
    if not project and not webhooks_file:
        return ()
    try:
        made_by = import_module(f"infra.crm.{crm}.project")
    except ModuleNotFoundError as error:
        raise typer.BadParameter(f"nothing is installed inside {crm}") from error
    if not hasattr(made_by, "project_files"):
        raise typer.BadParameter(
            f"{crm} takes no files: its webhooks are made when it is connected"
        )
    attributes = compile_policy(page).attributes
    files: list[ProjectFile] = []
    if project:
        files += made_by.project_files(project, url, attributes, redirect_urls)
    if webhooks_file:
        files.append(made_by.webhooks_file(webhooks_file, url, attributes))
    return tuple(files)


def write_files(files: Iterable[ProjectFile], *, dry_run: bool = False) -> None:
    for file in files:
        if file.is_current:
            note(f"{file.path} is as it should be")
        elif dry_run:
            note(f"{file.path} would be written")
        else:
            file.write()
            note(f"wrote {file.path}")


def _check_redirects(urls: Sequence[str], project: Path | None) -> None:
    if urls and not project:
        raise typer.BadParameter("redirect URLs stand in the app: name its folder with --project")
    for url in urls:
        if not url.startswith(("https://", "http://localhost:", "http://localhost/")):
            raise typer.BadParameter(f"{url!r} must begin with https://, or be of localhost")
