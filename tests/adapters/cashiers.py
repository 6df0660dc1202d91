"""Cashiers: processes that redeem points from the same tables, and are killed while they do.

Each has a store of its own and takes one request after the other. When it dies, another takes its
place, and the request that it was at is sent again under the same key.
"""

import logging
import multiprocessing
import random
import time
from dataclasses import replace
from queue import SimpleQueue
from threading import Thread

from chalicelib.adapters.settings_store import DynamoSettingsStore
from chalicelib.adapters.subject_store import DynamoSubjectStore
from chalicelib.pipeline.points_api import answer_points
from tests.pipeline.conftest import Installation

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload([__name__])
TRIES = 200
LONGEST_REQUEST_S = 0.3
"""About; a death may come at any point of one."""
BROKEN = 500


def serve(endpoint, pipe):
    logging.disable()
    settings = DynamoSettingsStore("emtiaz-test-settings", endpoint=endpoint)
    store = DynamoSubjectStore("emtiaz-test-subjects", settings.tombstone_salt, endpoint=endpoint)
    services = replace(Installation().services, store=store, settings=settings)
    while True:
        request = pipe.recv()
        try:
            answer = answer_points(request, services)
            pipe.send((answer.status, dict(answer.body)))
        except Exception as error:  # noqa: BLE001 - whatever it is, the test is to hear of it
            pipe.send((BROKEN, {"detail": repr(error)}))


class Cashier:
    def __init__(self, endpoint):
        self.endpoint = endpoint
        self.deaths = 0
        self.begin()

    def begin(self):
        self.pipe, theirs = CONTEXT.Pipe()
        process = CONTEXT.Process(target=serve, args=(self.endpoint, theirs), daemon=True)
        process.start()
        self.process = process  # which may be killed from now on
        theirs.close()

    def ask(self, request):
        """The answer that is not to come back later."""
        for _ in range(TRIES):
            try:
                self.pipe.send(request)
                status, body = self.pipe.recv()
            except (EOFError, OSError):
                self.bury()
                self.begin()
                continue
            if status != 503:
                return status, body
        raise AssertionError("nothing came of it")

    def bury(self):
        self.deaths += 1
        self.end()

    def end(self):
        self.process.kill()
        self.process.join()
        self.pipe.close()


def work(endpoint, requests, *, cashiers=4, kill_every=10, seed=0):
    """The answers to all requests, in their order, and how many cashiers died over them.

    One of them is killed after every so many answers, so that a slow machine gets on too.
    """
    staff = [Cashier(endpoint) for _ in range(cashiers)]
    answers, given = [None] * len(requests), SimpleQueue()
    waiting = iter(list(enumerate(requests)))
    threads = [Thread(target=serve_all, args=(one, waiting, answers, given)) for one in staff]
    killer = Thread(target=kill, args=(staff, given, kill_every, random.Random(seed)))
    for thread in (*threads, killer):
        thread.start()
    for thread in threads:
        thread.join()
    given.put(False)
    killer.join()
    for one in staff:
        one.end()
    return answers, sum(one.deaths for one in staff)


def serve_all(cashier, waiting, answers, given):
    for place, request in waiting:  # an iterator over a list can be shared by threads
        answers[place] = cashier.ask(request)
        given.put(True)


def kill(staff, given, every, rng):
    """Somewhere in the middle of what they do next."""
    left = every
    while given.get():
        left -= 1
        if left <= 0:
            left = rng.randint(1, 2 * every - 1)
            time.sleep(rng.uniform(0, LONGEST_REQUEST_S))
            rng.choice(staff).process.kill()
