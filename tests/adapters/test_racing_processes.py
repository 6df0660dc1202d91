"""Eight processes that write to the same subjects at once, each with a store of its own."""

import multiprocessing
import random
import time
from concurrent.futures import ProcessPoolExecutor
from itertools import count

import pytest

from chalicelib.adapters.subject_store import DynamoSubjectStore
from chalicelib.core.errors import Conflict
from chalicelib.core.model import Ref
from tests.adapters.test_subject_store_contract import save, visit

PROCESSES = 8
START_SECONDS = 60
LONGEST_PAUSE = 1


def read(store, ref):
    return store.load(ref).card.version


def glance(store, ref):
    """Without the facts, which a thousand times over would take minutes."""
    return sum(card.version for card in store.cards([ref]))


@pytest.mark.parametrize(
    ("subjects", "writes", "look"),
    [
        (1, 200, glance),
        (4, 50, read),
        pytest.param(4, 200, read, marks=pytest.mark.e2e),
    ],
)
def test_racing_processes_lose_no_fact_and_no_save(dynamodb, subjects, writes, look):
    refs = [Ref("hubspot-main", "contact", str(number)) for number in range(subjects)]
    saves = race(dynamodb, refs, writes, look)
    assert saves == PROCESSES * writes
    for place, ref in enumerate(refs):
        loaded = dynamodb.subjects.load(ref)
        numbers = range(place, saves, subjects)
        assert list(loaded.facts) == [visit(number, ref) for number in numbers]
        assert loaded.card.version == len(numbers)
        assert len(dynamodb.subjects.history(ref, saves)) == len(numbers)


def race(dynamodb, refs, writes, look):
    """Returns how many saves the processes believe to have made."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    ready = dynamodb.endpoint, context.Barrier(PROCESSES)
    with ProcessPoolExecutor(PROCESSES, context, initializer=get_ready, initargs=ready) as pool:
        shares = [range(place, PROCESSES * writes, PROCESSES) for place in range(PROCESSES)]
        return sum(pool.map(write, [refs] * PROCESSES, shares, [look] * PROCESSES))


class Racer:
    """What a process has: its store, and where it waits for the others."""

    store = None
    start = None


def get_ready(endpoint, start):
    Racer.store = DynamoSubjectStore("emtiaz-test-subjects", bytes, endpoint=endpoint)
    Racer.start = start


def write(refs, numbers, look):
    Racer.start.wait(START_SECONDS)
    for number in numbers:
        save_until_accepted(refs[number % len(refs)], number, look)
    return len(numbers)


def save_until_accepted(ref, number, look):
    """Backs off where others were faster, or most of the time would go into losing."""
    for attempt in count():
        try:
            Racer.store.save(save(ref, look(Racer.store, ref), visit(number, ref)))
            break
        except Conflict:
            time.sleep(random.uniform(0, min(0.02 * 2**attempt, LONGEST_PAUSE)))
