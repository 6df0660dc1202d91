"""The environment, read once into a frozen value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

from chalicelib.core.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Settings:
    """Every member comes from ``EMTIAZ_`` and its name in capitals."""

    stage: str
    subjects_table: str
    settings_table: str
    intake_url: str
    write_back_url: str

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Settings:
        """Raises ``ConfigurationError`` with all missing names in one message."""
        names = {field.name: f"EMTIAZ_{field.name.upper()}" for field in fields(cls)}
        missing = [name for name in names.values() if not environment.get(name)]
        if missing:
            raise ConfigurationError(f"the environment lacks {', '.join(sorted(missing))}")
        return cls(**{member: environment[name] for member, name in names.items()})
