"""Which loyalty programmes a connection has had, from the history of its policies."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from chalicelib.core.facts import canonical
from chalicelib.core.loyalty import Program
from chalicelib.core.model import Json
from chalicelib.core.policy import Policy
from chalicelib.core.ports import LiveSettings
from chalicelib.loyalty.program import Programs
from chalicelib.pipeline.scorer import compiled
from chalicelib.pipeline.services import Services

_OF_PROGRAMS = ("loyalty", "time_zone", "calendar", "currency")
"""Members of a page that a programme is made of."""


def programs_in_force(live: LiveSettings, services: Services) -> Programs | None:
    """All programmes since the first policy; None if the policy in force has none.

    Asked of the settings once per publication and worker.
    """
    if compiled(live.policy).loyalty is None:
        return None
    key = live.connection.id, live.revision
    if key not in services.programs:
        services.programs.clear()  # nobody asks for older publications any more
        services.programs[key] = _history(live, services)
    return services.programs[key]


def programs_after(
    live: LiveSettings, new: Policy, services: Services, now: datetime
) -> Programs | None:
    """The same once ``new`` is in force from ``now`` on: what was earned by then stays."""
    if new.loyalty is None:
        return None
    return (programs_in_force(live, services) or _history(live, services)).followed_by(
        new.loyalty, now
    )


def program_of(policy: Policy) -> Program:
    """One without rules for a policy that has none, so that nothing is earned under it."""
    return policy.loyalty or Program(policy.time_zone, policy.calendar, policy.currency)


def _history(live: LiveSettings, services: Services) -> Programs:
    connection = live.connection.id
    told = services.settings.publications(connection)
    policies = [one for one in reversed(told) if one.what == "policy"]
    found: dict[datetime, Program] = {}
    latest = ""
    for one in policies:
        page = services.settings.policy(connection, one.version)
        if (parts := _parts(page)) != latest:
            found[one.at], latest = program_of(compiled(page)), parts
    if not found:
        return Programs.of(program_of(compiled(live.policy)))
    first, *later = found
    return Programs.of(found[first], {at: found[at] for at in later})


def _parts(page: Mapping[str, Json]) -> str:
    return canonical({name: page.get(name) for name in _OF_PROGRAMS})
