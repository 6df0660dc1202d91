"""Runs a command for as long as standard input stays open: ``python tether.py COMMAND...``

Whoever starts it holds the other end of the pipe. However that process ends, killed outright
included, the pipe closes and the command ends with all that it has started.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading


def main(command: list[str]) -> int:
    """Must lead a process group of its own, since the end is a kill of the group."""
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    threading.Thread(target=_end_with_input, daemon=True).start()
    return process.wait()


def _end_with_input() -> None:
    sys.stdin.buffer.read()
    os.killpg(os.getpgrp(), signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
