from tests.fakes.clock import NOON


class FakeAccess:
    """Nobody waits. ``entered`` lists the rates of all calls; ``tokens`` are handed out in turn,
    a new one whenever the last was refused, and the last for ever.
    """

    def __init__(self, *tokens, now=NOON):
        self.entered = []
        self.tokens = list(tokens)
        self._now = now

    def now(self):
        return self._now

    def enter(self, rate):
        self.entered.append(rate)

    def token(self, _refresh, *, refused=""):
        if refused == self.tokens[0] and len(self.tokens) > 1:
            self.tokens.pop(0)
        return self.tokens[0]
