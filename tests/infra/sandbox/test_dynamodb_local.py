import os
import socket

import pytest

from infra.sandbox.dynamodb_local import DynamoDbLocal, DynamoDbLocalMissing, installed


@pytest.fixture
def server():
    try:
        installed()
    except DynamoDbLocalMissing as missing:
        if os.environ.get("REQUIRE_DYNAMODB_LOCAL") == "1":
            raise
        pytest.skip(str(missing))
    with DynamoDbLocal() as server:
        yield server


def test_it_listens_on_its_one_address_only(server):
    socket.create_connection(("127.0.0.1", server.port), timeout=1).close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.2", server.port), timeout=1)
