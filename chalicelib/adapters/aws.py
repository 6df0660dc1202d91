"""Clients of the SDK without boto3's resource layer, which is slow to import."""

from __future__ import annotations

from functools import cache
from typing import Any

import botocore.session
from botocore.config import Config

_ATTEMPTS = 3


@cache
def _session() -> botocore.session.Session:
    return botocore.session.get_session()


def client(service: str, *, attempts: int = _ATTEMPTS) -> Any:
    """A client by the environment's region, credentials and ``AWS_ENDPOINT_URL``."""
    # Receive must answer the CRM within seconds, so no call may hang for the SDK's minute.
    config = Config(
        connect_timeout=2,
        read_timeout=5,
        retries={"mode": "standard", "total_max_attempts": attempts},
    )
    return _session().create_client(service, config=config)
