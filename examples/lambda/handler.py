"""Run push_model as a function behind an HTTP gateway, such as AWS Lambda's.

The body is the users' JSON as it is, the options are in the query: as in examples/api.
"""

import json
from base64 import b64decode
from typing import Any

from push_model import handler_predict

OPTIONS_READ_AS_JSON = ("threshold", "explain", "details")


def handler(event: dict[str, Any], _context: object = None) -> dict[str, Any]:
    """Answer a proxy event of an HTTP gateway (payload format 1.0 or 2.0)."""
    # The body stays text: of two users with one id `json.loads` would silently keep the last.
    answer = handler_predict({**_read_options(event), "users": _read_body(event)})
    return {
        "statusCode": int(answer["statusCode"]),
        "headers": {"content-type": "application/json"},
        "body": answer["body"],
    }


def _read_body(event: dict[str, Any]) -> str:
    body: str = event.get("body") or ""
    if not event.get("isBase64Encoded"):
        return body
    try:
        return b64decode(body).decode("utf-8")
    except ValueError:  # not UTF-8, so not JSON either: handler_predict refuses this
        return "\N{REPLACEMENT CHARACTER}"


def _read_options(event: dict[str, Any]) -> dict[str, Any]:
    """Read the query: ``threshold=0.05&explain=true``; a model's name stays text."""
    sent: dict[str, str] = event.get("queryStringParameters") or {}
    return {
        name: _read_json(text) if name in OPTIONS_READ_AS_JSON else text
        for name, text in sent.items()
    }


def _read_json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text  # for handler_predict to refuse
