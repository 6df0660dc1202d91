"""The project that an admin deploys with Salesforce's ``sf``, made to fit one organisation.

=====================  ==========================================================
folder                 what is in it
=====================  ==========================================================
``base``               our fields, and permission sets that show them
``orders``             a permission set to read orders, where these are switched on
``topics``             topics of records switched on, if the policy asks for them
``intake-outbound``    Outbound Messages, and flows that send them
``intake-cdc``         a channel of Change Data Capture for an event relay
=====================  ==========================================================

They are deployed singly, since one way in is enough, and an organisation may have no place for one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from chalicelib.core.outputs import OutputType
from chalicelib.core.policy import Attribute
from connectors.salesforce.objects import OBJECTS
from connectors.salesforce.provision import in_fields
from connectors.salesforce.signature import path_token
from infra.crm.project_file import ProjectFile, held_json
from infra.crm.salesforce import fields, ringing
from infra.crm.salesforce.metadata import Value, document
from infra.crm.site import Site

PROJECT = "sfdx-project.json"
IGNORED = ".forceignore"
BASE, ORDERS, OUTBOUND, CAPTURE = "base", "orders", "intake-outbound", "intake-cdc"
TOPICS = "topics"

NEXT = "next: deploy what --project writes with sf, then emtiaz provision"
"""The address alone takes no Outbound Messages: theirs stands in the files."""

SCOPE = "api"
WIDER = frozenset({"full"})

_IGNORES = """\
# An app that is retrieved holds its secret.
**/*.ecaGlblOauth
**/*.ecaGlblOauth-meta.xml
"""


def project_files(folder: Path, site: Site) -> tuple[ProjectFile, ...]:
    """All but the Outbound Messages before the organisation is known: their address is its own.

    Directories of others in the project stay. Raises ForeignFile for a project file without JSON.
    """
    held = held_json(folder / PROJECT) or {}
    return (
        ProjectFile.of(folder / PROJECT, _project(held, _folders(site))),
        ProjectFile(folder / IGNORED, _IGNORES),
        *_base(folder, site),
        _orders(folder, site),
        *_topics(folder, site),
        *_outbound(folder, site),
        *_capture(folder, site),
    )


def oauth_scopes(
    attributes: Sequence[Attribute], folder: Path | None = None
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Required scopes, and optional ones: permission sets say the rest."""
    del attributes, folder
    return (SCOPE,), ()


def lacking(wanted: Sequence[str], granted: Collection[str]) -> list[str]:
    return [scope for scope in wanted if not {scope, *WIDER} & set(granted)]


def outbound_address(site: Site) -> str:
    """Where Outbound Messages go; empty before the organisation is known."""
    if not site.connection or not site.connection.account_id or not site.webhook_secret:
        return ""
    return f"{site.url}/{path_token(site.webhook_secret, site.connection.account_id)}"


def _folders(site: Site) -> tuple[str, ...]:
    asked = (TOPICS,) if _asks_for_topics(site) else ()
    return (BASE, ORDERS, *asked, OUTBOUND, CAPTURE)


def _asks_for_topics(site: Site) -> bool:
    return any(one.type is OutputType.TOPICS for one in site.outputs)


def _project(held: Mapping[str, Any], folders: Sequence[str]) -> Mapping[str, Any]:
    directories = list(held.get("packageDirectories", ()))
    there = {one.get("path") for one in directories}
    ours: list[dict[str, Any]] = [{"path": path} for path in folders if path not in there]
    if ours and not any(one.get("default") for one in directories):
        ours[0]["default"] = True
    return {
        "namespace": "",
        "sourceApiVersion": ringing.API_VERSION,
        **held,
        "packageDirectories": [*directories, *ours],
    }


def _base(folder: Path, site: Site) -> Iterator[ProjectFile]:
    base, kinds = folder / BASE / "main" / "default", fields.kinds_written(site.kinds)
    for kind in kinds:
        for output in in_fields(site.outputs, kind):
            content = fields.custom_field(output, site.language)
            name = f"{content['fullName']}.field-meta.xml"
            path = base / "objects" / OBJECTS[kind] / "fields" / name
            yield ProjectFile(path, document("CustomField", content))
    sets: Mapping[str, Mapping[str, Value]] = {
        fields.INTEGRATION: fields.integration(site.outputs, kinds, site.attributes),
        fields.READERS: fields.readers(site.outputs, kinds),
    }
    for name, content in sets.items():
        yield _permission_set(base, name, content)


def _orders(folder: Path, site: Site) -> ProjectFile:
    default = folder / ORDERS / "main" / "default"
    return _permission_set(default, fields.ORDERS, fields.orders(site.attributes))


def _topics(folder: Path, site: Site) -> Iterator[ProjectFile]:
    if not _asks_for_topics(site):
        return
    default = folder / TOPICS / "main" / "default"
    for kind in fields.kinds_written(site.kinds):
        name = OBJECTS[kind]
        path = default / "topicsForObjects" / f"{name}.topicsForObjects-meta.xml"
        yield ProjectFile(path, document("TopicsForObjects", fields.switched_on(name)))
    yield _permission_set(default, fields.TOPICS, fields.topics())


def _permission_set(default: Path, name: str, content: Mapping[str, Value]) -> ProjectFile:
    path = default / "permissionsets" / f"{name}.permissionset-meta.xml"
    return ProjectFile(path, document("PermissionSet", content))


def _outbound(folder: Path, site: Site) -> Iterator[ProjectFile]:
    url, default = outbound_address(site), folder / OUTBOUND / "main" / "default"
    user = site.connection.details.get("username") if site.connection else None
    if not url or not user:
        return
    for name in ringing.rung_by(site.attributes):
        message = ringing.outbound_message(name, url, user)
        path = default / "workflows" / f"{name}.workflow-meta.xml"
        yield ProjectFile(path, document("Workflow", message))
        path = default / "flows" / f"Emtiaz_{name}_changed.flow-meta.xml"
        yield ProjectFile(path, document("Flow", ringing.flow(name, site.attributes)))


def _capture(folder: Path, site: Site) -> Iterator[ProjectFile]:
    default = folder / CAPTURE / "main" / "default"
    path = default / "platformEventChannels" / "Emtiaz__chn.platformEventChannel-meta.xml"
    yield ProjectFile(path, document("PlatformEventChannel", ringing.channel()))
    for name in ringing.captured(site.attributes):
        # A double underscore in this name would be taken for a namespace.
        member = f"Emtiaz_{name}ChangeEvent.platformEventChannelMember-meta.xml"
        path = default / "platformEventChannelMembers" / member
        yield ProjectFile(path, document("PlatformEventChannelMember", ringing.member(name)))
