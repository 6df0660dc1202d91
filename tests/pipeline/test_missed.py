"""Events of a bus, and what is done about those that tell of no record."""

import json
from datetime import timedelta

import pytest

from chalicelib.pipeline.missed import MARGIN, MISSED, UNDATED
from chalicelib.pipeline.reconcile import CHANGED, OVERLAP, reconcile
from tests.fakes.clock import NOON
from tests.pipeline.conftest import CONNECTION, Installation

HOUR = timedelta(hours=1)


@pytest.fixture
def installation():
    return Installation()


def relayed(installation, *rows):
    """As the rule of a bus queues them."""
    event = [{"at": NOON.isoformat(), "type": "told", **row} for row in rows]
    installation.intake.send([{"connection": CONNECTION, "event": event}])


def missed(installation, at):
    relayed(installation, {"what": "missed", "at": at.isoformat()})
    installation.run()


def look(installation):
    now = installation.clock.now()
    reconcile(installation.services, now, now + timedelta(seconds=60))
    installation.run()


def since(installation):
    """When each look looked back to."""
    return [since for since, _ in installation.crm.called("changed_since")]


def test_an_event_of_a_bus_rings_for_its_records(installation):
    ref = installation.contact(1)
    relayed(installation, {"ref": "contact:1"})
    installation.run()
    assert installation.crm.called("fetch") == [(ref,)]


def test_numbers_of_an_event_stay_as_large_as_they_are(installation):
    number = 1745500706683617281
    relayed(installation, {"ref": "contact:1", "commitNumber": number})
    (message,) = installation.intake.messages
    from chalicelib.pipeline.messages import delivered_request

    assert json.loads(delivered_request(message).body)[0]["commitNumber"] == number


def test_what_was_missed_is_looked_for_from_shortly_before(installation):
    look(installation)
    installation.clock.advance(minutes=15)
    missed(installation, NOON - HOUR)
    look(installation)
    assert since(installation)[-1] == NOON - HOUR - MARGIN


def test_it_is_looked_for_once(installation):
    look(installation)
    installation.clock.advance(minutes=15)
    missed(installation, NOON - HOUR)
    look(installation)
    began = installation.clock.now()
    installation.clock.advance(minutes=15)
    look(installation)
    assert since(installation)[-1] == began - OVERLAP


@pytest.mark.parametrize("order", [(2, 1), (1, 2)])
def test_of_several_the_earliest_counts(installation, order):
    look(installation)
    installation.clock.advance(minutes=15)
    for hours in order:
        missed(installation, NOON - hours * HOUR)
    look(installation)
    assert since(installation)[-1] == NOON - 2 * HOUR - MARGIN


def test_a_look_that_goes_further_back_by_itself_is_not_shortened(installation):
    missed(installation, NOON - HOUR)
    look(installation)
    assert since(installation)[-1] < NOON - HOUR - MARGIN


def test_what_has_no_time_is_looked_for_as_far_back_as_a_bus_keeps_events(installation):
    from chalicelib.pipeline.missed import look_back

    look_back(CONNECTION, [None, NOON], installation.services, NOON)
    held = installation.settings.checkpoint(CONNECTION, MISSED)
    assert held == {"since": (NOON - UNDATED).isoformat(timespec="milliseconds")[:-6] + "Z"}


def test_a_look_that_is_under_way_is_finished_first(installation):
    installation.crm.page_size = 1
    for number in range(2):
        ref = installation.contact(number)
        installation.crm.changes.append((installation.clock.now(), ref))
    changed_since = installation.crm.changed_since

    def slowly(*asked):
        installation.clock.advance(seconds=70)
        return changed_since(*asked)

    installation.crm.changed_since = slowly
    look(installation)
    assert installation.settings.checkpoint(CONNECTION, CHANGED)["cursor"]
    missed(installation, NOON - 30 * HOUR)
    look(installation)
    look(installation)
    assert since(installation)[-1] == NOON - 30 * HOUR - MARGIN


def test_what_is_missed_while_it_is_looked_for_is_looked_for_next_time(installation):
    look(installation)
    installation.clock.advance(minutes=15)
    missed(installation, NOON - HOUR)
    changed_since = installation.crm.changed_since

    def meanwhile(*asked):
        missed(installation, NOON - 3 * HOUR)
        installation.crm.changed_since = changed_since
        return changed_since(*asked)

    installation.crm.changed_since = meanwhile
    look(installation)
    look(installation)
    assert since(installation)[-2:] == [NOON - HOUR - MARGIN, NOON - 3 * HOUR - MARGIN]
