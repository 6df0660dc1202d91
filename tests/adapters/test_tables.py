"""The models against the template that makes the tables of production."""

from pathlib import Path

import pytest
from cfnlint.decode import cfn_yaml

from chalicelib.adapters.tables import connection_of

STORAGE = Path(__file__).parents[2] / "infra" / "template" / "storage.yaml"
RESOURCES = {"subjects": "SubjectsTable", "settings": "SettingsTable"}


@pytest.mark.parametrize("name", RESOURCES)
def test_production_has_the_keys_and_indexes_of_the_models(dynamodb, name):
    template = cfn_yaml.load(str(STORAGE))["Resources"][RESOURCES[name]]["Properties"]
    assert shape(template) == shape(described(getattr(dynamodb, name)))


def described(store):
    client = connection_of(store.item).client
    return client._make_api_call("DescribeTable", {"TableName": store.item.Meta.table_name})[
        "Table"
    ]


def shape(table):
    return {
        "keys": keys(table),
        "attributes": {
            one["AttributeName"]: one["AttributeType"] for one in table["AttributeDefinitions"]
        },
        "indexes": {
            index["IndexName"]: (keys(index), projection(index))
            for index in table.get("GlobalSecondaryIndexes", [])
        },
    }


def keys(table):
    return {one["KeyType"]: one["AttributeName"] for one in table["KeySchema"]}


def projection(index):
    return (
        index["Projection"]["ProjectionType"],
        sorted(index["Projection"]["NonKeyAttributes"]),
    )
