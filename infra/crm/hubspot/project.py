"""The project that an admin uploads with HubSpot's ``hs``, made to fit one installation.

The folder of this module is that project as it is for the shipped policy, without the
webhooks, whose component needs an address.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from chalicelib.core.policy import Attribute
from infra.crm.hubspot import scopes, webhooks
from infra.crm.project_file import ForeignFile, ProjectFile, held_json
from infra.crm.site import Site

SOURCE = Path(__file__).parent
PROJECT = Path("hsproject.json")
APP = Path("src", "app", "app-hsmeta.json")
WEBHOOKS = Path("src", "app", "webhooks", "emtiaz-hsmeta.json")


def project_files(folder: Path, site: Site) -> tuple[ProjectFile, ...]:
    """The whole project; with redirect URLs its app uses OAuth.

    Whatever the admin has added to our files stays. Raises ForeignFile where ours have no place.
    """
    _refuse_strangers(folder / "src")
    project = held_json(folder / PROJECT) or _shipped(PROJECT)
    if project.get("srcDir") != "src":
        raise ForeignFile(f"{folder / PROJECT} keeps its sources elsewhere than in src")
    held = _ours(folder / APP, "emtiaz")
    return (
        ProjectFile.of(folder / PROJECT, project),
        ProjectFile.of(folder / APP, _app(held, site.attributes, site.redirect_urls)),
        webhooks_file(folder / WEBHOOKS, site),
    )


def webhooks_file(target: Path, site: Site) -> ProjectFile:
    """The webhooks component alone, for somebody's own project. Raises ForeignFile."""
    held = _ours(target, webhooks.UID)
    return ProjectFile.of(target, webhooks.component(site.url, site.attributes, held))


def oauth_scopes(
    attributes: Sequence[Attribute], folder: Path | None = None
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What an account is asked for: required scopes, and optional ones.

    The page refuses to show itself unless all that the app requires is asked for; so where its
    project is at hand, what the admin has added there counts too. Raises ForeignFile.
    """
    held = _ours(folder / APP, "emtiaz") if folder else None
    auth = _auth(held["config"].get("auth", {}) if held else {}, attributes, ("its own",))
    return tuple(auth["requiredScopes"]), tuple(auth["optionalScopes"])


def _app(
    held: dict[str, Any] | None, attributes: Sequence[Attribute], redirect_urls: Sequence[str]
) -> dict[str, Any]:
    app = held or _shipped(APP)
    auth = _auth(app["config"].get("auth", {}), attributes, redirect_urls)
    return {**app, "config": {**app["config"], "auth": auth}}


def _auth(
    held: Mapping[str, Any], attributes: Sequence[Attribute], redirect_urls: Sequence[str]
) -> dict[str, Any]:
    """An app that uses OAuth goes on doing so."""
    kinds = webhooks.kinds_read(attributes)
    redirects = list(dict.fromkeys((*held.get("redirectUrls", ()), *redirect_urls)))
    if redirects:
        required, optional = scopes.oauth(kinds)
        kind = {"type": "oauth", "redirectUrls": redirects}
    else:
        required, optional = scopes.static(kinds), ()
        kind = {"type": "static"}
    return kind | {
        "requiredScopes": _with_own(required, held, "requiredScopes"),
        "optionalScopes": _with_own(optional, held, "optionalScopes"),
        "conditionallyRequiredScopes": held.get("conditionallyRequiredScopes", []),
    }


def _with_own(asked: Sequence[str], held: Mapping[str, Any], member: str) -> list[str]:
    own = [scope for scope in held.get(member, ()) if scope not in scopes.EVERY]
    return list(dict.fromkeys((*asked, *own)))


def _shipped(path: Path) -> dict[str, Any]:
    return held_json(SOURCE / path) or {}


def _ours(path: Path, uid: str) -> dict[str, Any] | None:
    held = held_json(path)
    if held and (held.get("uid") != uid or not isinstance(held.get("config"), dict)):
        raise ForeignFile(f"{path} is not the component {uid}: name another place")
    return held


def _refuse_strangers(sources: Path) -> None:
    """A project has one app and one webhooks component, and every uid once."""
    for path in sorted(sources.rglob("*-hsmeta.json")):
        held = held_json(path) or {}
        strange = path.relative_to(sources.parent) not in (APP, WEBHOOKS)
        if strange and (
            held.get("type") in {"app", "webhooks"} or held.get("uid") in {"emtiaz", webhooks.UID}
        ):
            raise ForeignFile(
                f"{path}: this project has an app or webhooks of its own; choose another folder, "
                "or add ours to it by hand"
            )
