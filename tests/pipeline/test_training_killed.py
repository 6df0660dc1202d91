"""A worker that dies while it learns, before or after any of its calls, does no harm.

Whatever is half done is never in force; what is told again is learned of once; and in the end the
same is in force as if nobody had died, published once.
"""

from copy import deepcopy
from dataclasses import replace

import pytest

from chalicelib.pipeline import foresight
from chalicelib.pipeline.process import process
from chalicelib.pipeline.refresh import refresh
from chalicelib.pipeline.rescore import is_done
from chalicelib.pipeline.runs import under_way
from tests.e2e.crashing import Points, Watched
from tests.pipeline.conftest import CONNECTION, Installation, envelope
from tests.pipeline.test_backfill import complete
from tests.pipeline.test_prediction import DAY, foreseeing, people
from tests.pipeline.test_refresh import Killed, rescored

PORTS = ("store", "settings", "intake")
BATCH = 10
SECTION = {"purchases": {}, "clusters": {}}

__all__ = ["people"]


class Deaths(Points):
    """``names`` are the points that were passed; at the one with that number a worker dies."""

    def __init__(self, at=None):
        self.at, self.names = at, []

    def passed(self, name):
        self.names.append(name)
        if len(self.names) - 1 == self.at:
            raise Killed


@pytest.fixture(scope="module", autouse=True)
def fitted_once():
    """The same lessons give the same models, whoever dies meanwhile."""
    fit, known = foresight.foreseen, {}

    def foreseen(lessons, policy, before, now, **how):
        key = repr((lessons, policy.version, before, now, how))
        if key not in known:
            known[key] = fit(lessons, policy, before, now, **how)
        return known[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("chalicelib.pipeline.train.foreseen", foreseen)
        # So small that shares have several pages.
        patch.setattr("chalicelib.pipeline.learn.PAGE", 4)
        yield


@pytest.fixture(scope="module")
def before(people):
    """All are scored by a policy that asks for what nobody has learned yet."""
    buyers, _ = people
    installation = Installation()
    now = installation.clock.now()
    for number, (days, amount) in enumerate(buyers):
        installation.contact(number, deals=[(now - day * DAY, amount) for day in days])
    complete(installation)
    foreseeing(installation, SECTION)
    rescored(installation)
    return installation


def copied(installation):
    """Independent of it, but for the CRM, that nothing here asks."""
    shared = [installation.crm, installation.store._lock, installation.settings._lock]
    return deepcopy(installation, {id(one): one for one in shared})


def mortal(installation, deaths):
    ports = {name: Watched(getattr(installation, name), name, deaths) for name in PORTS}
    return replace(installation.services, **ports)


def step(installation, services, *, twice=False):
    """One batch of the queue, else a look; what a dead worker held comes back."""
    told = installation.intake.take(BATCH)
    if not told:
        refresh(CONNECTION, services)
        return
    try:
        for _ in range(1 + twice):
            batch = [envelope(one, identity=str(n)) for n, one in enumerate(told)]
            assert not process(batch, services, installation.clock.now())
    except Killed:
        installation.intake.send(told)
        raise


def trained(installation, services, **how):
    """Until no run is under way and nothing waits."""
    for _ in range(200):
        step(installation, services, **how)
        if not is_under_way(installation):
            return
    raise AssertionError("it does not come to an end")


def is_under_way(installation):
    live = installation.settings.live(CONNECTION)
    run = under_way(live, installation.services)
    return run is not None or bool(installation.intake.messages)


def parameters(installation):
    return installation.settings.live(CONNECTION).models.parameters


def history(installation):
    return installation.settings.publications(CONNECTION)


@pytest.fixture(scope="module")
def undisturbed(before):
    """What is in force when nobody dies, and the points that are passed."""
    installation, deaths = copied(before), Deaths()
    trained(installation, mortal(installation, deaths))
    assert parameters(installation)["purchases"]["method"] == "model"
    assert "clusters" in parameters(installation)
    assert len(history(installation)) == len(history(before)) + 1
    return parameters(installation), deaths.names


def chosen(names):
    """Of each point the first time, one in the middle, and the last."""
    places = {}
    for place, name in enumerate(names):
        places.setdefault(name, []).append(place)
    some = ({found[0], found[len(found) // 2], found[-1]} for found in places.values())
    return sorted(set().union(*some))


def test_whoever_dies_at_any_call_the_same_is_published_once(before, undisturbed):
    expected, names = undisturbed
    assert {"settings.set_checkpoint", "settings.move_checkpoint", "settings.publish_models",
            "intake.send", "store.population"} <= {one.split(" ")[1] for one in names}  # fmt: skip
    for place in chosen(names):
        installation = copied(before)
        with pytest.raises(Killed):
            trained(installation, mortal(installation, Deaths(place)))
        is_published = len(history(installation)) - len(history(before))
        assert is_published == (names.index("after settings.publish_models") <= place), place
        assert is_published or parameters(installation) == parameters(before)
        ended(installation)
        assert len(history(installation)) == len(history(before)) + 1, names[place]
        assert parameters(installation) == expected, names[place]


def ended(installation):
    """Others take over; of what has come into force already everybody is scored before."""
    if not is_done(CONNECTION, installation.services):
        rescored(installation)
    trained(installation, installation.services)


def test_messages_that_come_twice_change_nothing(before, undisturbed):
    expected, _ = undisturbed
    installation = copied(before)
    trained(installation, installation.services, twice=True)
    assert parameters(installation) == expected
    assert len(history(installation)) == len(history(before)) + 1


def test_messages_of_a_run_that_is_over_teach_nobody_anything(before):
    installation = copied(before)
    refresh(CONNECTION, installation.services)
    told = list(installation.intake.messages)
    trained(installation, installation.services)
    rescored(installation)
    left = deepcopy(installation.settings._checkpoints)
    installation.intake.send(told)
    trained(installation, installation.services)
    assert installation.settings._checkpoints == left
