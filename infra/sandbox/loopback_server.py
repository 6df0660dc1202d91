"""Somebody else's server as a child process on a port of loopback."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import requests

HOST = "127.0.0.1"
START_SECONDS = 60.0
TETHER = str(Path(__file__).with_name("tether.py"))


class DidNotStart(Exception):
    """The message ends with the last lines of the server's log."""


class LoopbackServer(ABC):
    """Starts with ``start()`` or a ``with`` block, and ends with all its children on ``stop()``
    or with the process that started it, however that one ends.

    State and log live in a directory outside the repository: a temporary one that goes on
    stop, or ``directory``, which stays. A kind of server says its ``command``, its
    ``settings`` (variables of its environment) and how to see that it is ``healthy``.
    """

    def __init__(self, *, port: int | None = None, directory: Path | None = None) -> None:
        self.port = port or free_port()
        self._temporary = directory is None
        self.directory = directory or Path(tempfile.mkdtemp(prefix="emtiaz-sandbox-"))
        self._process: subprocess.Popen[bytes] | None = None

    @property
    @abstractmethod
    def command(self) -> Sequence[str]: ...

    @property
    def settings(self) -> Mapping[str, str]:
        return {}

    def healthy(self) -> bool:
        """Any answer will do, unless a kind of server has a better sign."""
        try:
            requests.get(self.endpoint, timeout=1)
        except requests.RequestException:
            return False
        return True

    @property
    def endpoint(self) -> str:
        return f"http://{HOST}:{self.port}"

    @property
    def log(self) -> Path:
        return self.directory / "server.log"

    @property
    def group(self) -> int:
        """The process group of the running server and of all that it has started."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> Self:
        """Returns when the server answers. Raises ``DidNotStart``."""
        self.directory.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, TETHER, *self.command],
                env=os.environ | self.settings,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._wait_until_healthy(self._process)
        return self

    def _wait_until_healthy(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + START_SECONDS
        while process.poll() is not None or not self.healthy():
            if process.poll() is not None or time.monotonic() > deadline:
                last_lines = "\n".join(self.log.read_text(errors="replace").splitlines()[-20:])
                self.stop()
                raise DidNotStart(f"nothing healthy on {self.endpoint}:\n{last_lines}")
            time.sleep(0.05)

    def stop(self) -> None:
        """Safe to call twice."""
        process, self._process = self._process, None
        if process is not None:
            process.communicate()  # closes the pipe that keeps it alive, and waits
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
