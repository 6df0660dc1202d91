"""What an admin uploads to a CRM, written for one installation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import typer

import connectors
from chalicelib.core.connector import Connection, Secret
from chalicelib.pipeline.places import placed
from chalicelib.policy import compile_policy
from chalicelib.scoring.publication import provisioned, provisioned_kinds
from infra.cli.console import note
from infra.cli.policy_page import Page
from infra.crm.project_file import ProjectFile
from infra.crm.site import Site


@dataclass(frozen=True, slots=True)
class Wish:
    """Where which files are wanted, if any; the app returns to ``redirect_urls``, if it uses OAuth.

    ``url`` is where webhooks go.
    """

    url: str
    project: Path | None
    webhooks_file: Path | None
    redirect_urls: Sequence[str]


def app_files(
    wish: Wish, page: Page, connection: Connection, secret: Secret | None = None
) -> tuple[ProjectFile, ...]:
    """The files that were asked for, to look at before they are written.

    Raises ForeignFile, and BadParameter for a CRM that takes no such files.
    """
    _check_redirects(wish.redirect_urls, wish.project)
    files: list[ProjectFile] = []
    if wish.project:
        makes = _maker(connection.crm, "project_files")
        files += makes(wish.project, _site(wish, page, connection, secret))
    if wish.webhooks_file:
        makes = _maker(connection.crm, "webhooks_file")
        files.append(makes(wish.webhooks_file, _site(wish, page, connection, secret)))
    return tuple(files)


def _maker(crm: str, what: str) -> Callable[[Path, Site], Any]:
    try:
        made_by = import_module(f"infra.crm.{crm}.project")
    except ModuleNotFoundError as error:
        raise typer.BadParameter(f"nothing is installed inside {crm}") from error
    if not hasattr(made_by, "project_files"):
        raise typer.BadParameter(
            f"{crm} takes no files: its webhooks are made when it is connected"
        )
    if not hasattr(made_by, what):
        raise typer.BadParameter(f"{crm} takes no single file: name --project")
    maker: Callable[[Path, Site], Any] = getattr(made_by, what)
    return maker


def next_step(crm: str, url: str) -> str:
    """What has webhooks come from the CRM; of some the address stands only in their files."""
    usual = f"enter this address for webhooks: {url}"
    try:
        made_by = import_module(f"infra.crm.{crm}.project")
    except ModuleNotFoundError:
        return usual
    step: str = getattr(made_by, "NEXT", usual)
    return step


def _site(wish: Wish, page: Page, connection: Connection, secret: Secret | None) -> Site:
    policy = compile_policy(page)
    return Site(
        url=wish.url,
        attributes=policy.attributes,
        redirect_urls=wish.redirect_urls,
        outputs=placed(provisioned(policy, "contact"), connectors.load(connection.crm)),
        kinds=provisioned_kinds(policy),
        language=policy.language,
        connection=connection,
        webhook_secret=secret.webhook_secrets[0] if secret else "",
    )


def write_files(files: Sequence[ProjectFile], *, dry_run: bool = False) -> None:
    """Names each that changes; some projects have dozens, and mostly few of them do."""
    due = [file for file in files if not file.is_current]
    for file in due:
        if not dry_run:
            file.write()
        note(f"{file.path} would be written" if dry_run else f"wrote {file.path}")
    if len(due) < len(files):
        note(f"unchanged: {len(files) - len(due)} of {len(files)} files")


def _check_redirects(urls: Sequence[str], project: Path | None) -> None:
    if urls and not project:
        raise typer.BadParameter("redirect URLs stand in the app: name its folder with --project")
    for url in urls:
        if not url.startswith(("https://", "http://localhost:", "http://localhost/")):
            raise typer.BadParameter(f"{url!r} must begin with https://, or be of localhost")
