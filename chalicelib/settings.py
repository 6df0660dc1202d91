"""The environment, read once into a frozen value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

from chalicelib.core.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Settings:
    """Every member comes from ``EMTIAZ_`` and its name in capitals.

    ``sandbox`` lets a rehearsal move the clock; it is false unless the environment says true.
    """

    stage: str
    subjects_table: str
    settings_table: str
    intake_url: str
    write_back_url: str
    sandbox: bool = False

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Settings:
        """Raises ``ConfigurationError`` with all missing names in one message."""
        texts = [field.name for field in fields(cls) if field.name != "sandbox"]
        names = {name: f"EMTIAZ_{name.upper()}" for name in texts}
        missing = [name for name in names.values() if not environment.get(name)]
        if missing:
            raise ConfigurationError(f"the environment lacks {', '.join(sorted(missing))}")
        found = {member: environment[name] for member, name in names.items()}
        return cls(**found, sandbox=environment.get("EMTIAZ_SANDBOX") == "true")
