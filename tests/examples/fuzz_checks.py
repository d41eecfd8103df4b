"""Check the answer to each user of a fuzzed request; schemathesis runs this with its own checks.

By contract one bad user does not sink the others, so a body that breaks the schema may be a 200:
this check then compares the users among the errors.
"""

import json
from typing import Any

import schemathesis
from jsonschema import Draft202012Validator


@schemathesis.check
def each_user_is_scored_or_refused_as_the_schema_says(_ctx: Any, response: Any, case: Any) -> None:
    if case.operation.path != "/predict" or response.status_code != 200:
        return
    users = json.loads(response.request.body)
    body = json.loads(response.content, parse_constant=refuse_constant)
    components = case.operation.schema.raw_schema["components"]
    by_schema = Draft202012Validator({
        "$ref": "#/components/schemas/Users/additionalProperties",
        "components": components,
    })
    sound = {user_id for user_id, sent in users.items() if by_schema.is_valid(sent)}
    assert body["prediction"].keys() == sound
    assert body.get("errors", {}).keys() == users.keys() - sound


def refuse_constant(name: str) -> None:
    raise AssertionError(f"{name} is no strict JSON")
