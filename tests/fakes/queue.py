import json


class InMemoryQueue:
    """Messages wait in ``messages``, oldest first, as they would look after the wire.

    Those sent with a delay wait in ``delayed`` as ``(seconds, message)`` until ``elapse``.
    """

    def __init__(self):
        self.messages = []
        self.delayed = []
        self.postponed = []
        self.acknowledged = []
        self.sends = 0
        self._failures = []

    def send(self, messages, *, delay_seconds=0):
        self.sends += 1
        if self._failures:
            raise self._failures.pop(0)
        arrived = [json.loads(json.dumps(message)) for message in messages]
        if delay_seconds:
            self.delayed += [(delay_seconds, message) for message in arrived]
        else:
            self.messages += arrived

    def elapse(self):
        """All delays are over."""
        self.messages += [message for _, message in self.delayed]
        self.delayed = []

    def postpone(self, receipt, seconds):
        self.postponed.append((receipt, seconds))

    def acknowledge(self, receipts):
        self.acknowledged += receipts

    def backlog(self):
        return len(self.messages) + len(self.delayed)

    def take(self, limit=None):
        """Removes and returns the oldest messages, all of them without a limit."""
        taken, self.messages = self.messages[:limit], self.messages[len(self.messages[:limit]) :]
        return taken

    def fail_next_send(self, error):
        self._failures.append(error)
