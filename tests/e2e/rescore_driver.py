"""Drives a rescore as ``emtiaz policy publish --wait`` does, at a pace that can be watched.

Runs in a process of its own, so that it can be killed; ends when everybody is scored and written.
"""

import sys
import time

import app
from chalicelib.pipeline import rescore


def main(connection, most_waiting):
    rescore.MOST_WAITING = int(most_waiting)
    for progress in rescore.follow(connection, app.services(), lambda: time.sleep(0.3)):
        print(progress.step, progress.done, progress.total, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
