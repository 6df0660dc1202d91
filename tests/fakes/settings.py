import json
from dataclasses import replace
from threading import Lock

from chalicelib.core.editions import Publication
from chalicelib.core.errors import ConfigurationError, Conflict
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
        self._history = {}
        self._api_keys = {}
        self._lock = Lock()

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
            revision=len(self._history.get(connection, [])),
        )

    def put_connection(self, connection):
        self._connections[connection.id] = connection

    def publish_policy(self, connection, version, page, now, *, by="", note="", over=None):
        wanted = Publication(0, "policy", version, now, by=by, note=note)
        return self._publish(connection, wanted, json.loads(json.dumps(page)), over)

    def publish_models(self, connection, models, now, *, over=None):
        wanted = Publication(0, "models", models.version, now)
        return self._publish(connection, wanted, models, over)

    def policy(self, connection, version):
        if (connection, version) not in self.policies:
            raise ConfigurationError(f"{connection} never had a policy {version}")
        return self.policies[connection, version]

    def publications(self, connection):
        return tuple(reversed(self._history.get(connection, [])))

    def _publish(self, connection, wanted, content, over):
        with self._lock:
            return self._published(connection, wanted, content, over)

    def _published(self, connection, wanted, content, over):
        self._require(connection)
        of_models = wanted.what == "models"
        versions = self.models if of_models else self.policies
        pointers = self._live_models if of_models else self._live_policy
        live = pointers.get(connection)
        if over is not None and over != (live or NOTHING_FITTED.version):
            raise Conflict(f"{connection} has {live} in force by now, and not {over}")
        if versions.setdefault((connection, wanted.version), content) != content:
            raise ConfigurationError(f"{wanted.version} is there with other content")
        history = self._history.setdefault(connection, [])
        history.append(replace(wanted, number=len(history) + 1, replaced=live))
        pointers[connection] = wanted.version
        return history[-1]

    def put_api_key(self, connection, key):
        self._require(connection)
        self._api_keys[connection, key.id] = key

    def api_key(self, connection, identity):
        return self._api_keys.get((connection, identity))

    def api_keys(self, connection):
        keys = [key for (owner, _), key in self._api_keys.items() if owner == connection]
        return tuple(sorted(keys, key=lambda key: (key.created_at, key.id)))

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

    def move_checkpoint(self, connection, name, held, state):
        with self._lock:
            if self.checkpoint(connection, name) != held:
                return False
            self.set_checkpoint(connection, name, state)
            return True

    def _require(self, connection):
        if connection not in self._connections:
            raise ConfigurationError(
                f"no connection {connection!r}; emtiaz status tells which there are"
            )
