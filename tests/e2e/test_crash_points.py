"""A worker ends at once before or after each of its inputs and outputs; what follows mends it.

With the first CRM it ends at all of them. With each other one it ends where that one is asked and where
what was asked is kept; all else is the same code, and does not know of the CRM.
"""

import pytest

from infra.sandbox.stand_in import names
from tests.e2e.crashing import EXIT
from tests.e2e.equality import oracle_of, written_twice
from tests.e2e.scenario import assert_undisturbed, sized, wait_for
from tests.e2e.storm import storm

pytestmark = pytest.mark.e2e

PEOPLE = 360
SEED = 7
PROCESS_STEPS = {
    "settings.live", "crm.subjects", "crm.fetch", "store.load", "store.save", "store.retire",
    "store.clear", "store.holders", "write_back.send", "settings.parked", "queue.delete",
}  # fmt: skip
KEPT = {"store.save", "store.mark_written"}
WRITE_BACK_STEPS = {
    "settings.live", "store.cards", "crm.write", "store.mark_written", "queue.delete",
}  # fmt: skip


@pytest.fixture(scope="module", params=names())
def it(request):
    world = storm(request.param, PEOPLE, SEED, intake_times_out=2, write_back_times_out=3)
    with world as it, it.receiver() as port:
        with it.workers("process", "write_back"):
            it.know_everybody()
        it.subscribe(port, seed=SEED)
        yield it


def happen(it):
    """One of each thing that a worker deals with in its own way, to people of their own."""
    someone, seller, gone, erased, survivor, loser = (it.persons.pop() for _ in range(6))
    it.people.set_title(someone, "Chief Executive Officer")
    it.people.set_country(someone, "Iran")
    it.people.delete_deal(it.deals[seller])
    it.people.delete_person(gone)
    it.people.erase_person(erased)
    it.merge(survivor, loser)
    assert it.stand_in.flush(30)


def passed(it, role, others, tmp_path):
    """All points that a worker passes while those things happen."""
    file = tmp_path / f"{role}.txt"
    with it.workers(*others):
        process = it.worker(role, crash_at=f"record:{file}")
        happen(it)
        it.settle()
        process.kill()
        process.wait()
    return sorted(set(file.read_text().split("\n")) - {""})


def crashed(it, role, others, point):
    """The worker ends at the point, and others take over."""
    with it.workers(*others):
        process = it.worker(role, crash_at=point)
        happen(it)
        wait_for(lambda: process.poll() is not None, 40)
        assert process.returncode == EXIT, f"{role} ended {point} with {process.returncode}"
    with it.workers("process", "write_back"):
        it.settle(60)


def is_of_crm(point):
    step = point.split(" ")[1]
    return step.startswith("crm.") or step in KEPT


@pytest.mark.parametrize(
    ("role", "others", "steps"),
    [("process", ["write_back"], PROCESS_STEPS), ("write_back", ["process"], WRITE_BACK_STEPS)],
)
def test_a_forced_exit_at_any_point_is_mended(it, role, others, steps, tmp_path, tell):
    points = passed(it, role, others, tmp_path)
    # Where a CRM cannot say that somebody is to be forgotten, nobody looks for what waits of them.
    steps = steps if oracle_of(it.crm).ERASES else steps - {"settings.parked"}
    assert {point.split(" ")[1] for point in points} >= steps
    for point in sized(it.crm, points, [one for one in points if is_of_crm(one)]):
        crashed(it, role, others, point)
        tell(f"{it.crm}, {role}: ended {point}, mended")
        assert written_twice(it.stand_in, it.live) == []
    assert_undisturbed(it)
