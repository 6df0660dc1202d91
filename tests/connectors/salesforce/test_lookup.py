from connectors.salesforce.lookup import Found

C1, C2, C3 = (f"003Ws00000A1b2{one}IAR" for one in "CDE")
LEAD = "00QWs00000Kp3QdMAJ"


def row(identity, **fields):
    return {"Id": identity, "IsDeleted": False, **fields}


def found(*contacts, leads=()):
    made = Found()
    made.take("contact", contacts)
    made.take("lead", leads)
    return made


def merged(loser, master):
    return row(loser, IsDeleted=True, MasterRecordId=master)


def test_a_chain_of_merges_leads_to_its_end():
    made = found(merged(C1, C2), merged(C2, C3), row(C3))
    settled = made.settled([("contact", C1)])
    assert settled.moved == {("contact", C1): ("contact", C3)}
    assert set(settled.people) == {("contact", C3)}


def test_masters_that_nobody_asked_for_are_wanted():
    assert found(merged(C1, C2)).wanted() == {("contact", C2)}
    assert found(merged(C1, C2), row(C2)).wanted() == set()


def test_who_moved_to_somebody_who_is_not_there_is_gone():
    deleted = found(merged(C1, C2), row(C2, IsDeleted=True))
    assert deleted.settled([("contact", C1)]).gone == {("contact", C1)}
    unknown = found(leads=[row(LEAD, IsConverted=True, ConvertedContactId=C1)])
    assert unknown.settled([("lead", LEAD)]).gone == {("lead", LEAD)}


def test_a_converted_lead_becomes_its_contact():
    made = found(row(C1), leads=[row(LEAD, IsConverted=True, ConvertedContactId=C1[:15])])
    assert made.settled([("lead", LEAD)]).moved == {("lead", LEAD): ("contact", C1)}


def test_a_lead_that_became_a_person_account_becomes_the_contact_that_this_is():
    def became(person):
        return row(LEAD, IsConverted=True, ConvertedContactId=None, ConvertedAccount=person)

    made = found(row(C1), leads=[became({"PersonContactId": C1})])
    assert made.settled([("lead", LEAD)]).moved == {("lead", LEAD): ("contact", C1)}
    for company in ({"PersonContactId": None}, None):
        assert found(leads=[became(company)]).gone == {("lead", LEAD)}


def test_a_converted_lead_whose_contact_left_no_trace_is_gone():
    """Nothing could be written on it, for ever and again."""
    nobody = found(leads=[row(LEAD, IsConverted=True, ConvertedContactId=None)])
    assert (nobody.gone, nobody.people) == ({("lead", LEAD)}, {})
    hidden = found(leads=[row(LEAD, IsConverted=True)])
    assert set(hidden.people) == {("lead", LEAD)}


def test_a_master_of_a_record_that_is_there_means_nothing():
    assert found(row(C1, MasterRecordId=C2)).moved == {}


def test_who_was_not_found_is_in_none_of_the_three():
    settled = found(row(C1)).settled([("contact", C2)])
    assert (settled.people, settled.moved, settled.gone) == ({}, {}, set())


def test_records_that_lead_to_each_other_lead_nowhere():
    made = found(merged(C1, C2), merged(C2, C1))
    assert made.settled([("contact", C1)]).gone == {("contact", C1)}
