import json
import logging

from chalicelib.logs import JsonLines


def line(**ids):
    record = logging.LogRecord("emtiaz", logging.INFO, "", 0, "delivery", None, None)
    record.ids = ids
    return json.loads(JsonLines().format(record))


def test_a_log_line_is_one_json_object_with_the_ids_that_were_named():
    found = line(connection="hubspot-main", records=3)
    assert found.pop("at")
    assert found == {
        "level": "info",
        "event": "delivery",
        "connection": "hubspot-main",
        "records": 3,
    }


def test_a_line_break_in_an_id_does_not_break_the_line():
    record = logging.LogRecord("emtiaz", logging.INFO, "", 0, "x", None, None)
    record.ids = {"reason": "one\ntwo"}
    assert "\n" not in JsonLines().format(record)
