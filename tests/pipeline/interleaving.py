"""Every order in which the steps of a few actors can follow one another.

An actor is a function that is handed nothing and reaches the outside world through a ``Turnstile``:
whatever it does there is one step, and between any two steps any other actor may take its own.
``outcomes`` runs a world once for every order that there is, by depth first search over the choices,
and may end one actor's first life before any of its steps; what was begun is then begun again from
the start, as a queue delivers a message again.
"""

import inspect
from threading import Semaphore, Thread

from chalicelib.core.ports import Collection

STEP_SECONDS = 20


class Killed(BaseException):
    """Ends an actor where it stands, past every ``except Exception``."""


class Turnstile:
    """Lets one actor at a time take one step; ``step`` is called by the actors."""

    def __init__(self):
        self._actors = {}
        self._current = None
        self._arrived = Semaphore(0)

    def step(self):
        actor = self._current
        self._arrived.release()
        actor.go.acquire(timeout=STEP_SECONDS)
        actor.taken += 1
        if actor.dies_before == actor.taken:
            raise Killed

    def run(self, actors, schedule, dies_before=None):
        """Run to the end; returns the choices made, as ``(chosen, how many there were)``."""
        self._actors = [Actor(act) for act in actors]
        self._actors[0].dies_before = dies_before
        choices = []
        while waiting := [actor for actor in self._actors if not actor.done]:
            chosen = schedule[len(choices)] if len(choices) < len(schedule) else 0
            choices.append((chosen, len(waiting)))
            self._let(waiting[chosen])
        for actor in self._actors:
            actor.thread.join(STEP_SECONDS)
            if actor.error:
                raise actor.error
        return choices

    def _let(self, actor):
        self._current = actor
        actor.proceed(self._arrived)
        assert self._arrived.acquire(timeout=STEP_SECONDS), "an actor hangs"


class Actor:
    def __init__(self, act):
        self.act = act
        self.go = Semaphore(0)
        self.thread = None
        self.done = False
        self.error = None
        self.taken = 0
        self.dies_before = None

    def proceed(self, arrived):
        if self.thread is None:
            self.thread = Thread(target=self._live, args=(arrived,), daemon=True)
            self.thread.start()
        else:
            self.go.release()

    def _live(self, arrived):
        try:
            self._act_until_it_lives()
        except BaseException as error:  # noqa: BLE001 - told to whoever runs the world
            self.error = error
        self.done = True
        arrived.release()

    def _act_until_it_lives(self):
        try:
            self.act()
        except Killed:
            self.dies_before = None
            self.act()


def outcomes(world, dies_before=None):
    """Yields what ``world`` makes of every order of its steps.

    ``world(turnstile)`` returns the actors and a function that looks at what has become of it.
    ``dies_before`` numbers the step of the first actor that its first life does not take.
    """
    schedule = []
    while schedule is not None:
        turnstile = Turnstile()
        actors, look = world(turnstile)
        choices = turnstile.run(actors, schedule, dies_before)
        yield look()
        schedule = _next(choices)


def _next(choices):
    """The schedule that differs as late as possible; None after the last one."""
    for place in range(len(choices) - 1, -1, -1):
        chosen, options = choices[place]
        if chosen + 1 < options:
            return [one for one, _ in choices[:place]] + [chosen + 1]
    return None


class SteppingStore:
    """A subject store of which every request is a step; a Query reads its card before its facts.

    What is no request, such as what a test notes beside the store, is handed through.
    """

    def __init__(self, store, turnstile, *, paged=True):
        self._store = store
        self._paged = paged
        self.step = turnstile.step
        self.life = 0

    def load(self, ref):
        self.step()
        first = self._store.load(ref)
        if not self._paged:
            return first
        self.step()
        return Collection(first.card, self._store.load(ref).facts)

    def __getattr__(self, name):
        found = getattr(self._store, name)
        if not inspect.ismethod(found):
            return found

        def stepping(*args, **kwargs):
            self.step()
            return found(*args, **kwargs)

        return stepping
