import json

from chalicelib.core.errors import ConfigurationError
from chalicelib.core.policy import NOTHING_FITTED
from chalicelib.core.ports import LiveSettings


class InMemorySettingsStore:
    """``reads`` lists the connections that ``live`` was asked for."""

    def __init__(self):
        self.reads = []
        self.policies = {}
        self.models = {}
        self._connections = {}
        self._live_policy = {}
        self._live_models = {}
        self._parked = {}
        self._checkpoints = {}
        self._pauses = {}

    def connections(self):
        return tuple(self._connections[id_] for id_ in sorted(self._connections))

    def live(self, connection):
        self.reads.append(connection)
        self._require(connection)
        if connection not in self._live_policy:
            raise ConfigurationError(f"{connection} has no policy")
        return LiveSettings(
            self._connections[connection],
            self.policies[connection, self._live_policy[connection]],
            self.models.get((connection, self._live_models.get(connection)), NOTHING_FITTED),
            *self._pauses.get(connection, (None, "")),
        )

    def put_connection(self, connection):
        self._connections[connection.id] = connection

    def publish_policy(self, connection, version, page, now):
        self._publish(self.policies, connection, version, json.loads(json.dumps(page)))
        self._live_policy[connection] = version

    def publish_models(self, connection, models, now):
        self._publish(self.models, connection, models.version, models)
        self._live_models[connection] = models.version

    def _publish(self, versions, connection, version, content):
        self._require(connection)
        if versions.setdefault((connection, version), content) != content:
            raise ConfigurationError(f"{version} is there with other content")

    def pause(self, connection, until, reason):
        held, _ = self._pauses.get(connection, (None, ""))
        if connection in self._connections and (held is None or held < until):
            self._pauses[connection] = (until, reason)

    def claim_probe(self, connection, paused_until, until):
        held, reason = self._pauses.get(connection, (None, ""))
        if held is None or held != paused_until:
            return False
        self._pauses[connection] = (until, reason)
        return True

    def resume(self, connection):
        self._pauses.pop(connection, None)

    def park(self, item):
        self._parked[item.connection, item.id] = item

    def parked(self, connection):
        items = [item for (owner, _), item in self._parked.items() if owner == connection]
        return tuple(sorted(items, key=lambda item: (item.parked_at, item.id)))

    def unpark(self, item):
        self._parked.pop((item.connection, item.id), None)

    def checkpoint(self, connection, name):
        return self._checkpoints.get((connection, name))

    def set_checkpoint(self, connection, name, state):
        if state is None:
            self._checkpoints.pop((connection, name), None)
        else:
            self._checkpoints[connection, name] = json.loads(json.dumps(state))

    def _require(self, connection):
        if connection not in self._connections:
            raise ConfigurationError(f"no connection {connection!r}")
