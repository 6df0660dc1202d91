import re

import pytest

from chalicelib.core.policy import Attribute
from infra.crm.zoho.project import lacking, oauth_scopes
from infra.crm.zoho.scopes import is_granted
from tests.infra.crm.hubspot.policies import STARTER


def required(of, **fields):
    return set(oauth_scopes([Attribute("one", "text", of, fields)])[0])


def test_every_scope_is_one_of_zoho_and_stands_once():
    scopes = [scope for some in oauth_scopes(STARTER) for scope in some]
    assert len(scopes) == len(set(scopes))
    assert all(re.fullmatch(r"ZohoCRM(\.[a-z]+)+\.(READ|CREATE|UPDATE|ALL)", one) for one in scopes)


def test_nothing_may_be_deleted_and_nothing_of_all_modules_is_asked_for():
    scopes = [scope for some in oauth_scopes(STARTER) for scope in some]
    assert not [
        scope for scope in scopes if "DELETE" in scope or scope.startswith("ZohoCRM.modules.ALL")
    ]


@pytest.mark.parametrize(
    ("kind", "field", "scope"),
    [
        ("ticket", "Priority", "ZohoCRM.modules.cases.READ"),
        ("line_item", "Product_Category", "ZohoCRM.modules.products.READ"),
        ("contact", "Calls.Call_Start_Time", "ZohoCRM.modules.calls.READ"),
        ("contact", "Events.Start_DateTime", "ZohoCRM.modules.events.READ"),
    ],
)
def test_what_only_some_policies_look_at_is_asked_for_by_those(kind, field, scope):
    assert scope not in required("contact", zoho="Title")
    assert scope in required(kind, zoho=field)
    assert scope not in required(kind, hubspot=field)


@pytest.mark.parametrize(
    ("granted", "is_enough"),
    [
        ("ZohoCRM.modules.contacts.UPDATE", True),
        ("zohocrm.modules.contacts.all", True),
        ("ZohoCRM.modules.contacts.WRITE", True),
        ("ZohoCRM.modules.ALL", True),
        ("ZohoCRM.modules.contacts.READ", False),
        ("ZohoCRM.modules.cont.ALL", False),
        ("ZohoCRM.settings.ALL", False),
        ("ALL", False),
        ("", False),
    ],
)
def test_a_wider_scope_stands_for_a_narrower_one(granted, is_enough):
    assert is_granted("ZohoCRM.modules.contacts.UPDATE", [granted]) == is_enough


def test_what_a_client_lacks_is_named():
    scopes = oauth_scopes(STARTER)[0]
    assert lacking(scopes, scopes) == []
    granted = [one for one in scopes if not one.startswith("ZohoCRM.notifications")]
    assert lacking(scopes, granted) == ["ZohoCRM.notifications.ALL"]
