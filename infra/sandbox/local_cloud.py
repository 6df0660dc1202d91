"""An AWS of one's own on this machine: MiniStack, bound to loopback."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

import requests

from infra.sandbox.loopback_server import HOST, LoopbackServer

REGION = "us-east-1"


class LocalCloud(LoopbackServer):
    """``environment`` leads any process here; ``reset`` empties the whole cloud."""

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs, laid over its own environment, to take this for its AWS."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_SESSION_TOKEN": "",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            # An empty profile of our own, so that no command meant for the local cloud can
            # ever reach the account that a developer is signed in to.
            "AWS_PROFILE": "default",
            "AWS_CONFIG_FILE": str(self._profile),
            "AWS_SHARED_CREDENTIALS_FILE": str(self._profile),
        }

    @property
    def command(self) -> Sequence[str]:
        return [sys.executable, str(Path(__file__).with_name("cloud_program.py"))]

    @property
    def settings(self) -> Mapping[str, str]:
        return self.environment | {
            "BIND_HOST": HOST,  # MiniStack binds all interfaces unless told otherwise
            "GATEWAY_PORT": str(self.port),
            "STATE_DIR": str(self.directory / "state"),
            "TMPDIR": str(self.directory),
            "SFTP_ENABLED": "0",  # listeners on fixed ports that nothing of ours needs
            "IOT_MTLS_ENABLED": "0",
        }

    @property
    def _profile(self) -> Path:
        return self.directory / "aws-profile"

    def start(self) -> Self:
        self.directory.mkdir(parents=True, exist_ok=True)
        self._profile.write_text("[default]\n")
        return super().start()

    def healthy(self) -> bool:
        try:
            return requests.get(f"{self.endpoint}/_ministack/health", timeout=1).ok
        except requests.RequestException:
            return False

    def reset(self) -> None:
        """Removes stacks, functions, tables, queues, secrets and all else."""
        requests.post(f"{self.endpoint}/_ministack/reset", timeout=30).raise_for_status()
