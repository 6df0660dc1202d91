"""A process worker that dies between saving and ringing.

Runs in a process that sees the unpacked zip and nothing else (``python -S``, ``PYTHONPATH``).
It takes one message from the intake queue as Lambda would, and is killed when it would ring.
"""

import os
import signal


class Killer:
    """Stands where the write-back queue was."""

    def send(self, messages):
        if messages:
            os.kill(os.getpid(), signal.SIGKILL)


def main():
    import app

    message = received(app)
    object.__setattr__(app.services(), "write_back", Killer())
    app.process({"Records": [message]}, None)


def received(app, **arguments):
    """One message of the intake queue, as one of the ``Records`` that Lambda gets."""
    import botocore.session

    sqs = botocore.session.get_session().create_client("sqs")
    (message,) = sqs.receive_message(
        QueueUrl=app.settings().intake_url,
        WaitTimeSeconds=10,
        AttributeNames=["ApproximateReceiveCount"],
        **arguments,
    )["Messages"]
    return record(message)


def record(message):
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message["Attributes"],
    }


if __name__ == "__main__":
    main()
