"""Deploying a project of Salesforce DX: its fields, and who may see and edit them."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from xml.etree import ElementTree as ET

from infra.sandbox.salesforce.errors import ApiError
from infra.sandbox.salesforce.fields import Field
from infra.sandbox.salesforce.org import Org

_TYPES = {
    "Checkbox": "boolean",
    "Currency": "currency",
    "Date": "date",
    "DateTime": "datetime",
    "Email": "email",
    "LongTextArea": "textarea",
    "MultiselectPicklist": "multipicklist",
    "Number": "double",
    "Percent": "percent",
    "Phone": "phone",
    "Picklist": "picklist",
    "Text": "string",
    "Url": "url",
}
_ANY = "{*}"  # the namespace of metadata, which nobody mixes with others


def deploy(org: Org, project: Path) -> None:
    """The integration user gets all its permission sets; flows and all else are left out.

    Raises ``ApiError``.
    """
    for path in sorted(project.rglob("objects/*/fields/*.field-meta.xml")):
        object_name = path.parent.parent.name
        if org.schema.find_object(object_name) is None:
            raise ApiError("INVALID_TYPE", f"sObject type '{object_name}' is not supported.")
        org.schema.add(object_name, _field(ET.parse(path).getroot()))  # noqa: S314 - our own file
    for path in sorted(project.rglob("permissionsets/*.permissionset-meta.xml")):
        root = ET.parse(path).getroot()  # noqa: S314
        for permission in root.iterfind(f"{_ANY}fieldPermissions"):
            _grant(org, permission)
        _grant_topics(org, [_text(one, "name") for one in root.iterfind(f"{_ANY}userPermissions")])
    for path in sorted(project.rglob("topicsForObjects/*.topicsForObjects-meta.xml")):
        _switch_topics(org, ET.parse(path).getroot())  # noqa: S314


def _field(root: ET.Element) -> Field:
    kind = _TYPES.get(_text(root, "type"))
    if kind is None:
        raise ApiError("INVALID_TYPE", f"the stand-in has no fields of type {_text(root, 'type')}")
    values = tuple(
        (_text(one, "fullName"), _text(one, "label"))
        for one in root.iterfind(f"{_ANY}valueSet/{_ANY}valueSetDefinition/{_ANY}value")
    )
    return Field(
        name=_text(root, "fullName"),
        type=kind,
        label=_text(root, "label"),
        length=int(_text(root, "length") or 255),
        values=values,
        restricted=_text(root, "valueSet", "restricted") == "true",
        default=False if kind == "boolean" else None,
    )


def _grant(org: Org, permission: ET.Element) -> None:
    """Sets of permissions add up: none takes away what another one gave."""
    object_name, _, name = _text(permission, "field").partition(".")
    if _text(permission, "editable") == "true":
        org.schema.grant(object_name, name, "edit")
    elif _text(permission, "readable") == "true" and not org.schema.seen(object_name, name):
        org.schema.grant(object_name, name, "read")


def _grant_topics(org: Org, names: Collection[str]) -> None:
    """Who creates topics may assign them too."""
    access = org.schema.topics
    access.creates |= "CreateTopics" in names
    access.assigns |= access.creates or "AssignTopics" in names


def _switch_topics(org: Org, root: ET.Element) -> None:
    objects, name = org.schema.topics.objects, _text(root, "entityApiName")
    (objects.add if _text(root, "enableTopics") == "true" else objects.discard)(name)


def _text(element: ET.Element, *path: str) -> str:
    return (element.findtext("/".join(f"{_ANY}{one}" for one in path)) or "").strip()
