"""A worker of the artefact that ends at a named input or output while it learns.

``python -S trainer.py process`` takes one message of the intake queue as Lambda would, ``train``
with an event looks as the schedule has it. Runs in a process that sees the unpacked zip and this
folder alone; ``EMTIAZ_CRASH_AT`` names a point of ``crashing``.
"""

import json
import os
import sys

BACK_AFTER = 2
"""Seconds after which the queue brings back what a dead worker held."""


def main(role, event="{}"):
    from crashing import Points, watch
    from worker import received

    import app

    watch(app.services(), Points(os.environ["EMTIAZ_CRASH_AT"]))
    if role == "train":
        app.train(json.loads(event), None)
    else:
        app.process({"Records": [received(app, VisibilityTimeout=BACK_AFTER)]}, None)


if __name__ == "__main__":
    main(*sys.argv[1:])
