"""Whoever is gone for good and whose address lives on is taken for merged."""

from datetime import timedelta

import pytest

from chalicelib.core.facts import Fact
from tests.connectors.zoho.api_double import (
    NOW,
    V8,
    attribute,
    client,
    contact,
    lead,
    ref,
    rows,
)

COQL, FIELDS = V8 + "/coql", V8 + "/settings/fields"
EMAIL = attribute("email", field="Email")


def known(subject, address, read=NOW - timedelta(days=60), **more):
    """What was stored of somebody."""
    return [Fact(subject, subject.kind, subject.id, read, {"email": address, **more})]


def organisation(api, *records, second=True):
    """``records`` are pairs of a module and a record."""
    names = ["Email", "Modified_Time", *(["Secondary_Email"] if second else [])]
    described = [{"api_name": one, "id": "1", "data_type": "text"} for one in names]
    api.answer("GET", FIELDS, {"fields": described})

    def answer(body):
        query = body["select_query"]
        field = "Secondary_Email" if "where Secondary_Email" in query else "Email"
        found = [
            record
            for module, record in records
            if f"from {module} " in query and f"'{str(record.get(field)).lower()}'" in query
        ]
        return rows(*found) if found else (204, None)

    api.answer("POST", COQL, answer)


def record(identity, email, modified="2026-10-01T00:00:00+00:00", **more):
    return {"id": str(identity), "Email": email, "Modified_Time": modified, **more}


def test_the_heir_is_whoever_has_the_address_whatever_its_letters(api):
    organisation(api, ("Contacts", record(9, "P.Boyle@example.com")))
    gone = {contact(1): known(contact(1), " p.boyle@EXAMPLE.com")}
    assert client(EMAIL).heirs(gone) == {contact(1): contact(9)}


def test_a_contact_comes_before_a_lead_and_a_first_address_before_a_second(api):
    organisation(
        api,
        ("Leads", record(7, "a@b.example")),
        ("Contacts", record(8, "x@b.example", Secondary_Email="a@b.example")),
        ("Contacts", record(9, "c@b.example")),
        ("Leads", record(6, "c@b.example")),
    )
    gone = {
        contact(1): known(contact(1), "a@b.example"),
        lead(2): known(lead(2), "c@b.example"),
    }
    assert client(EMAIL).heirs(gone) == {contact(1): contact(8), lead(2): contact(9)}


def test_of_several_it_is_the_one_that_changed_last(api):
    organisation(
        api,
        ("Contacts", record(7, "a@b.example", "2026-10-03T00:00:00+00:00")),
        ("Contacts", record(8, "a@b.example", "2026-10-04T00:00:00+00:00")),
        ("Contacts", record(9, "a@b.example", "2026-10-02T00:00:00+00:00")),
    )
    gone = {contact(1): known(contact(1), "a@b.example")}
    assert client(EMAIL).heirs(gone) == {contact(1): contact(8)}


@pytest.mark.parametrize(("minutes", "inherits"), [(-60, False), (-1, True), (60, True)])
def test_who_shares_an_address_and_has_not_changed_since_is_no_survivor(api, minutes, inherits):
    """Two that live side by side under one address, and one is deleted for good."""
    changed = (NOW + timedelta(minutes=minutes)).isoformat()
    organisation(api, ("Contacts", record(7, "info@b.example", changed)))
    gone = {contact(1): known(contact(1), "info@b.example", read=NOW)}
    assert client(EMAIL).heirs(gone) == ({contact(1): contact(7)} if inherits else {})


def test_nobody_inherits_from_themselves_or_from_others_that_are_gone(api):
    organisation(
        api, ("Contacts", record(1, "a@b.example")), ("Contacts", record(2, "a@b.example"))
    )
    gone = {one: known(one, "a@b.example") for one in (contact(1), contact(2))}
    assert client(EMAIL).heirs(gone) == {}


def test_an_organisation_without_second_addresses_is_not_asked_for_them(api):
    organisation(api, second=False)
    assert client(EMAIL).heirs({contact(1): known(contact(1), "a@b.example")}) == {}
    assert len(api.calls_to(COQL)) == 2


def test_a_quote_in_an_address_stays_one(api):
    organisation(api)
    client(EMAIL).heirs({contact(1): known(contact(1), "o'hara@b.example")})
    assert r"Email in ('o\'hara@b.example')" in api.calls_to(COQL)[0]["select_query"]


def test_without_an_address_nothing_is_asked(api):
    gone = {
        contact(1): known(contact(1), ""),
        contact(2): [],
        lead(3): [Fact(lead(3), "activity", "1", NOW, {"email": "a@b.example"})],
        ref("account", 4): known(ref("account", 4), "a@b.example"),
    }
    assert client(EMAIL).heirs(gone) == {}
    assert client().heirs({contact(1): known(contact(1), "a@b.example")}) == {}
    assert api.calls == []
