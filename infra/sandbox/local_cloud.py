"""An AWS of one's own on this machine: MiniStack as a child process, bound to loopback."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import requests

HOST = "127.0.0.1"
REGION = "us-east-1"
START_SECONDS = 60.0
STOP_SECONDS = 10.0


class LocalCloudError(Exception):
    """The local cloud did not start; the message ends with the last lines of its log."""


class LocalCloud:
    """Starts with ``start()`` or a ``with`` block; nothing of it outlives ``stop()`` but its log.

    State, log and AWS profile live in a directory outside the repository. ``directory`` keeps
    them at a place of the caller's choice; without one they are temporary, and gone on stop.
    """

    def __init__(self, *, port: int | None = None, directory: Path | None = None) -> None:
        self.port = port or free_port()
        self._temporary = directory is None
        self.directory = directory or Path(tempfile.mkdtemp(prefix="emtiaz-local-cloud-"))
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def endpoint(self) -> str:
        return f"http://{HOST}:{self.port}"

    @property
    def log(self) -> Path:
        return self.directory / "ministack.log"

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
    def _profile(self) -> Path:
        return self.directory / "aws-profile"

    def start(self) -> Self:
        """Returns when the cloud answers. Raises ``LocalCloudError`` if it does not."""
        self.directory.mkdir(parents=True, exist_ok=True)
        self._profile.write_text("[default]\n")
        with self.log.open("ab") as log:
            # In a session of its own, so that stop() also reaches the Lambda workers it spawns.
            self._process = subprocess.Popen(
                [sys.executable, "-m", "ministack"],
                env=os.environ | self.environment | self._settings,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._wait_until_healthy(self._process)
        return self

    @property
    def _settings(self) -> dict[str, str]:
        return {
            "BIND_HOST": HOST,  # MiniStack binds all interfaces unless told otherwise
            "GATEWAY_PORT": str(self.port),
            "STATE_DIR": str(self.directory / "state"),
            "TMPDIR": str(self.directory),
            "SFTP_ENABLED": "0",  # listeners on fixed ports that nothing of ours needs
            "IOT_MTLS_ENABLED": "0",
        }

    def _wait_until_healthy(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not self._healthy():
            if process.poll() is not None or time.monotonic() > deadline:
                last_lines = "\n".join(self.log.read_text(errors="replace").splitlines()[-20:])
                self.stop()
                raise LocalCloudError(f"MiniStack did not start on {self.endpoint}:\n{last_lines}")
            time.sleep(0.05)

    def _healthy(self) -> bool:
        try:
            return requests.get(f"{self.endpoint}/_ministack/health", timeout=1).ok
        except requests.RequestException:
            return False

    def reset(self) -> None:
        """Empties the whole cloud: stacks, functions, tables, queues, secrets."""
        requests.post(f"{self.endpoint}/_ministack/reset", timeout=30).raise_for_status()

    def stop(self) -> None:
        """Safe to call twice."""
        process, self._process = self._process, None
        if process is not None:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(STOP_SECONDS)
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        if self._temporary:
            shutil.rmtree(self.directory, ignore_errors=True)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def free_port() -> int:
    """A port of loopback that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
