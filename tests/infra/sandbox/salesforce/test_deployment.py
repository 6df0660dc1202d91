from __future__ import annotations

from pathlib import Path

import pytest

from infra.sandbox.salesforce import StandIn
from infra.sandbox.salesforce.deployment import deploy
from infra.sandbox.salesforce.errors import ApiError
from tests.infra.sandbox.salesforce.conftest import Api, person
from tests.infra.sandbox.salesforce.test_collections import codes

HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
METADATA = 'xmlns="http://soap.sforce.com/2006/04/metadata"'
TAGS = f"""{HEAD}<CustomField {METADATA}>
    <fullName>Emtiaz_Tags__c</fullName>
    <label>Emtiaz tags</label>
    <type>MultiselectPicklist</type>
    <valueSet>
        <restricted>true</restricted>
        <valueSetDefinition>
            <sorted>false</sorted>
            <value><fullName>class:A</fullName><default>false</default><label>Class A</label></value>
        </valueSetDefinition>
    </valueSet>
</CustomField>"""
RIGHTS = f"""{HEAD}<PermissionSet {METADATA}>
    <fieldPermissions>
        <editable>true</editable><field>Contact.Emtiaz_Tags__c</field><readable>true</readable>
    </fieldPermissions>
    <label>Emtiaz</label>
</PermissionSet>"""


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def test_a_field_is_seen_by_nobody_until_it_is_granted(
    stand_in: StandIn, api: Api, tmp_path: Path
) -> None:
    row = {"id": person(stand_in), "Emtiaz_Tags__c": "class:A"}

    write(tmp_path / "objects/Contact/fields/Emtiaz_Tags__c.field-meta.xml", TAGS)
    deploy(stand_in.org, tmp_path)
    assert codes(api.update(row).json()) == ["INVALID_FIELD"]
    write(tmp_path / "permissionsets/Emtiaz.permissionset-meta.xml", RIGHTS)
    reading = RIGHTS.replace("<editable>true", "<editable>false")
    write(tmp_path / "permissionsets/Readers.permissionset-meta.xml", reading)
    deploy(stand_in.org, tmp_path)

    assert codes(api.update(row).json()) == [""]
    wrong = api.update(row | {"Emtiaz_Tags__c": "vip"})
    assert codes(wrong.json()) == ["INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"]
    fields = api.call("GET", "/sobjects/Contact/describe").json()["fields"]
    (found,) = [one for one in fields if one["name"] == "Emtiaz_Tags__c"]
    assert (found["label"], found["restrictedPicklist"]) == ("Emtiaz tags", True)
    assert found["picklistValues"][0]["label"] == "Class A"


def test_a_field_of_an_object_that_is_not_there_is_refused(
    stand_in: StandIn, tmp_path: Path
) -> None:
    write(tmp_path / "objects/Nope/fields/Emtiaz_Tags__c.field-meta.xml", TAGS)

    with pytest.raises(ApiError):
        deploy(stand_in.org, tmp_path)
