import json


class InMemoryQueue:
    """Messages wait in ``messages``, oldest first, as they would look after the wire."""

    def __init__(self):
        self.messages = []
        self.sends = 0
        self.postponed = []
        self._failures = []

    def send(self, messages):
        self.sends += 1
        if self._failures:
            raise self._failures.pop(0)
        self.messages += [json.loads(json.dumps(message)) for message in messages]

    def postpone(self, receipt, seconds):
        self.postponed.append((receipt, seconds))

    def backlog(self):
        return len(self.messages)

    def take(self, limit=None):
        """Removes and returns the oldest messages, all of them without a limit."""
        taken, self.messages = self.messages[:limit], self.messages[len(self.messages[:limit]) :]
        return taken

    def fail_next_send(self, error):
        self._failures.append(error)
