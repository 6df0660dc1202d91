from chalicelib.core.errors import UnknownConnection


class InMemorySecrets:
    """``fetches`` lists what was asked for, as ``(connection, fresh)``."""

    def __init__(self, secrets=None):
        self.secrets = dict(secrets or {})
        self.fetches = []

    def get(self, connection, *, fresh=False):
        self.fetches.append((connection, fresh))
        if connection not in self.secrets:
            raise UnknownConnection(f"no connection {connection!r}")
        return self.secrets[connection]
