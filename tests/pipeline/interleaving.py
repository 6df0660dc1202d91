"""Every order in which the steps of a few actors can follow one another.

An actor is a function that reaches the outside world through a ``Turnstile``: whatever it does there
is one step, and between any two steps any other actor may take its own. ``outcomes`` runs a world
once for every order that there is, by depth first search over the choices, and may end one actor's
first life before one of its steps; what was begun is then begun again from the start, as a queue
delivers a message again.

Actors are deterministic, so what can still happen depends on nothing but the state of the world and
on what each actor has been answered so far. A state that was met before is not searched again.
"""

import inspect
from threading import Semaphore, Thread

from chalicelib.core.stored import Collection

STEP_SECONDS = 20


class Killed(BaseException):
    """Ends an actor where it stands, past every ``except Exception``."""


class Abandoned(BaseException):
    """The rest of this order is known."""


class Turnstile:
    """Lets one actor at a time take one step; ``step`` and ``answered`` are called by the actors."""

    def __init__(self):
        self._current = None
        self._arrived = Semaphore(0)

    def step(self):
        actor = self._current
        self._arrived.release()
        actor.go.acquire(timeout=STEP_SECONDS)
        if actor.abandoned:
            raise Abandoned
        actor.taken += 1
        if actor.dies_before == actor.taken:
            raise Killed

    def answered(self, answer):
        self._current.answers.append(repr(answer))

    def run(self, actors, schedule, seen, state, dies_before=None):
        """Returns the choices made, as ``(chosen, how many there were)``, and whether it ended."""
        running = [Actor(act, self._arrived) for act in actors]
        running[0].dies_before = dies_before
        choices = []
        while waiting := [actor for actor in running if not actor.done]:
            if len(choices) >= len(schedule):
                now = (state(), *(actor.position for actor in running))
                if now in seen:
                    self._abandon(running)
                    return choices, False
                seen.add(now)
            chosen = schedule[len(choices)] if len(choices) < len(schedule) else 0
            choices.append((chosen, len(waiting)))
            self._let(waiting[chosen])
        return choices, True

    def _let(self, actor):
        self._current = actor
        actor.proceed()
        assert self._arrived.acquire(timeout=STEP_SECONDS), "an actor hangs"
        if actor.error:
            raise actor.error

    def _abandon(self, actors):
        for actor in actors:
            actor.abandoned = True
            if actor.thread and not actor.done:
                self._let(actor)


class Actor:
    def __init__(self, act, arrived):
        self.act = act
        self.arrived = arrived
        self.go = Semaphore(0)
        self.thread = None
        self.done = self.abandoned = False
        self.error = None
        self.taken = 0
        self.answers = []
        self.dies_before = None

    @property
    def position(self):
        begun = self.thread is not None
        return begun, self.done, self.taken, self.dies_before, tuple(self.answers)

    def proceed(self):
        if self.thread is None:
            self.thread = Thread(target=self._live, daemon=True)
            self.thread.start()
        else:
            self.go.release()

    def _live(self):
        try:
            self._act_until_it_lives()
        except Abandoned:
            pass
        except BaseException as error:  # noqa: BLE001 - raised again where the world is run
            self.error = error
        self.done = True
        self.arrived.release()

    def _act_until_it_lives(self):
        try:
            self.act()
        except Killed:
            self.dies_before = None
            self.answers.clear()
            self.act()


def outcomes(world, dies_before=None):
    """Yields what ``world`` makes of every order of its steps.

    ``world(turnstile)`` returns the actors, a function that tells the state of the world, and one
    that looks at what has become of it. ``dies_before`` numbers the step of the first actor
    that its first life does not take.
    """
    schedule, seen = [], set()
    while schedule is not None:
        turnstile = Turnstile()
        actors, state, look = world(turnstile)
        choices, ended = turnstile.run(actors, schedule, seen, state, dies_before)
        if ended:
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
        self.turnstile = turnstile
        self.life = 0

    def load(self, ref):
        first = stepping(self.turnstile, self._store.load)(ref)
        if not self._paged:
            return first
        return Collection(first.card, stepping(self.turnstile, self._store.load)(ref).facts)

    def __getattr__(self, name):
        found = getattr(self._store, name)
        return stepping(self.turnstile, found) if inspect.ismethod(found) else found


def stepping(turnstile, operation):
    """The same operation as one step of whoever calls it."""

    def step(*args, **kwargs):
        turnstile.step()
        try:
            answer = operation(*args, **kwargs)
        except Exception as error:
            turnstile.answered(error)
            raise
        turnstile.answered(answer)
        return answer

    return step
