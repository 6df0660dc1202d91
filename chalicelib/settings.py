"""The environment, read once into a frozen value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields

from chalicelib.core.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Settings:
    """Every member comes from ``EMTIAZ_`` and its name in capitals; those with a default may lack.

    ``sandbox`` lets a rehearsal move the clock; it is false unless the environment says true, and
    so is ``loopback_webhooks``, which lets one call its own machine. Without ``email_from`` no
    mail is sent.
    """

    stage: str
    subjects_table: str
    settings_table: str
    intake_url: str
    write_back_url: str
    announce_url: str
    sandbox: bool = False
    loopback_webhooks: bool = False
    event_bus: str = "default"
    email_from: str = ""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Settings:
        """Raises ``ConfigurationError`` with all missing names in one message."""
        texts = [field.name for field in fields(cls) if field.default is MISSING]
        names = {name: f"EMTIAZ_{name.upper()}" for name in texts}
        missing = [name for name in names.values() if not environment.get(name)]
        if missing:
            raise ConfigurationError(f"the environment lacks {', '.join(sorted(missing))}")
        found = {member: environment[name] for member, name in names.items()}
        sandbox = environment.get("EMTIAZ_SANDBOX") == "true"
        return cls(
            **found,
            sandbox=sandbox,
            loopback_webhooks=sandbox and environment.get("EMTIAZ_LOOPBACK_WEBHOOKS") == "true",
            event_bus=environment.get("EMTIAZ_EVENT_BUS") or "default",
            email_from=environment.get("EMTIAZ_EMAIL_FROM", ""),
        )
