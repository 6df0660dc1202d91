"""Owners are written only where nobody is one yet, and the cards learn of them."""

from chalicelib.pipeline.assign import assign
from tests.pipeline.conftest import CONNECTION, Installation


def test_who_has_no_owner_gets_one_and_is_read_again():
    installation = Installation()
    anna, ben = installation.contact(1), installation.contact(2)
    installation.crm.owners[ben] = "78"
    refusals = assign(CONNECTION, {anna: "77", ben: "77"}, installation.services)
    assert installation.crm.owners == {anna: "77", ben: "78"}
    assert {ref: str(error) for ref, error in refusals.items()} == {
        ben: "owner 78 has them already"
    }
    installation.run()
    assert installation.crm.called("fetch") == [(anna,)]


def test_doing_it_again_changes_nothing():
    installation = Installation()
    anna = installation.contact(1)
    assign(CONNECTION, {anna: "77"}, installation.services)
    assert set(assign(CONNECTION, {anna: "79"}, installation.services)) == {anna}
    assert installation.crm.owners == {anna: "77"}


def test_many_are_written_as_the_crm_takes_them():
    installation = Installation()
    installation.crm.write_batch = 2
    people = [installation.contact(number) for number in range(5)]
    installation.crm.delete(people[0])
    refusals = assign(CONNECTION, dict.fromkeys(people, "77"), installation.services)
    assert set(refusals) == {people[0]}
    assert [len(given) for given in installation.crm.called("assign")] == [2, 2, 1]
