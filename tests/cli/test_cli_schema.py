"""``leukolens schema``: JSON alone, and a schema that findings fulfil."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from leukolens.finding import Finding

if TYPE_CHECKING:
    from cli_calls import Call


def test_schema_is_json_and_has_findings_and_cases(call: Call) -> None:
    code, out, err = call("schema")
    assert (code, err) == (0, "")
    assert {"Finding", "Case"} <= set(json.loads(out)["$defs"])


def test_a_finding_fulfils_the_schema(call: Call) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads(call("schema").out)
    validator = jsonschema.Draft202012Validator(schema | {"$ref": "#/$defs/Finding"})
    good = json.loads(Finding(source="a.jpg", sha256=None, status="error", reason="empty").to_json())
    assert list(validator.iter_errors(good)) == []
    assert list(validator.iter_errors(good | {"status": "fine"}))
