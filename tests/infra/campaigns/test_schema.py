"""The published JSON Schema is the loader's own, and accepts what the loader accepts."""

import json
from functools import cache
from typing import Any

import jsonschema
import pytest
import yaml

from infra.campaigns.loader import HERE, SHIPPED, as_plain
from infra.campaigns.schema import PUBLISHED, written
from tests.builders.plans import plan


@cache
def validator() -> Any:
    schema = json.loads(PUBLISHED.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def faults(document: object) -> list[str]:
    return [f"{error.json_path}: {error.message}" for error in validator().iter_errors(document)]


def test_the_published_schema_is_current() -> None:
    current = PUBLISHED.read_text(encoding="utf-8") == written()

    assert current, "run: python -m infra.campaigns.schema"


@pytest.mark.parametrize("name", SHIPPED)
def test_the_shipped_plans_are_valid(name: str) -> None:
    text = (HERE / name).read_text(encoding="utf-8")

    assert faults(as_plain(text)) == []


@pytest.mark.parametrize("name", SHIPPED)
def test_an_ordinary_yaml_reader_sees_the_same_valid_plan(name: str) -> None:
    """An editor reads YAML in its own way: no key or value may turn into something else there (`off` is false)."""
    text = (HERE / name).read_text(encoding="utf-8")

    document = json.loads(json.dumps(yaml.safe_load(text), default=str))

    assert faults(document) == []


@pytest.mark.parametrize(
    ("change", "at"),
    [
        ({"quota": "50k"}, "$.offers[0].quota"),
        ({"lines": "{gifts: 1000}"}, "$.budget.lines.gifts"),
        ({"trigger": "tell"}, "$.offers[0].trigger"),
        ({"conditions": "if: [{marchantGroup: [teahouse]}]"}, "$.offers[0].if[0]"),
        ({"phases": "{active: 90 days}"}, "$.phases.active"),
        ({"title": "{zh: 茶杯}"}, "$.offers[0].title"),
    ],
)
def test_it_refuses_what_the_loader_refuses_of_one_value(change: dict[str, str], at: str) -> None:
    found = faults(as_plain(plan(**change)))

    assert any(fault.startswith(f"{at}:") for fault in found), found


def test_every_key_has_a_description() -> None:
    bare = [
        f"{name}.{key}"
        for name, part in json.loads(PUBLISHED.read_text(encoding="utf-8"))["$defs"].items()
        for key, value in part.get("properties", {}).items()
        if not value.get("description")
    ]

    assert bare == []
