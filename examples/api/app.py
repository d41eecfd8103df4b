"""Serve push_model over HTTP: /predict, /status, /metrics and a page of them, /docs.

    PUSH_MODELS_DIR=models uvicorn --app-dir examples/api app:app

The body of /predict is the users' JSON as it is, and the options are in the query. So the body goes
to `push_model.predict` as text: it is parsed once, by a parser that notices a repeated user id.
"""

import logging
import os
import traceback
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import cache, partial
from json import JSONEncoder
from time import perf_counter
from typing import Annotated, Any

from anyio import CapacityLimiter, to_thread
from fastapi import FastAPI, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, PlainTextResponse
from metrics import REGISTRY, SECONDS
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from shapes import Answer, Failure, Options, Status, Users, write_page
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from push_model import __version__, health, predict
from push_model.errors import (
    InvalidEventError,
    ModelNotFoundError,
    PushModelError,
    RequestTooLargeError,
    did_you_mean,
)

logger = logging.getLogger("push_api")

# The event loop answers a body of up to so many bytes itself, some 28 users in a millisecond or
# two: a thread costs as much as scoring one user. Larger bodies would delay all other requests.
INLINE_BYTES = 16 * 1024
# Reasons cost up to ten times a plain score.
EXPLAINING_COSTS = 10
# Scoring is Python, so more threads at once are not faster; they only hold more bodies in memory.
MOST_LARGE_AT_ONCE = 2
# Some 25,000 users. Its parsing holds the interpreter, and so every other request, for a moment.
MAX_BODY_BYTES = 16 * 1024 * 1024
TOO_LARGE = 413
# nginx's code for a client that left; only the histogram reads it.
CLIENT_LEFT = 499

_large_requests = CapacityLimiter(MOST_LARGE_AT_ONCE)
# Escapes all but ASCII: a lone surrogate, legal in JSON text, has no UTF-8.
_encode = JSONEncoder(allow_nan=False).encode
_FAILURES: dict[int | str, dict[str, Any]] = {
    400: {"model": Failure, "description": "The request breaks the contract; fix it."},
    TOO_LARGE: {"model": Failure, "description": "The request is beyond a limit; split it."},
    500: {"model": Failure, "description": "The model is damaged; its operators must restore it."},
    503: {"model": Failure, "description": "No model was promoted yet; try again later."},
}


class Watch:
    """Times each request to /predict, answers HEAD as GET, and unexpected errors with a 500.

    Their messages may hold what a user did, so the log gets only the error's type and place.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        start, code = perf_counter(), None
        if scope["method"] == "HEAD":
            # A copy: the server's own scope still says HEAD, so it leaves out the body.
            scope = {**scope, "method": "GET"}

        async def send_noting_code(message: Message) -> None:
            nonlocal code
            code = message.get("status", code)
            await send(message)

        try:
            await self.app(scope, receive, send_noting_code)
        except Exception as error:  # noqa: BLE001 - a server outlives any one request
            frames = "".join(traceback.format_tb(error.__traceback__))
            logger.error("%s while answering a request, at\n%s", type(error).__name__, frames)  # noqa: TRY400
            if code is None:
                failure = _fail(
                    500, "InternalError", "The server has a defect; its log says where."
                )
                await failure(scope, receive, send_noting_code)
        finally:
            if scope["path"] == "/predict":
                SECONDS.labels(code or 500).observe(perf_counter() - start)


class Api(FastAPI):
    """An app whose OpenAPI page describes what FastAPI cannot see."""

    def openapi(self) -> dict[str, Any]:
        """Describe the API, with the body of /predict; bad options are a 400, never a 422."""
        if self.openapi_schema:
            return self.openapi_schema
        document = super().openapi()
        schemas = document["components"]["schemas"]
        users = Users.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas |= {**users.pop("$defs"), "Users": users}
        for unused in ("HTTPValidationError", "ValidationError"):
            schemas.pop(unused, None)
        for operations in document["paths"].values():
            for operation in operations.values():
                operation["responses"].pop("422", None)
        return document


@asynccontextmanager
async def load_champion(_: FastAPI) -> AsyncIterator[None]:
    """Load the champion before the first request, and keep queries out of the access log."""
    logging.getLogger("uvicorn.access").addFilter(_drop_query)
    max_body_bytes()
    await to_thread.run_sync(health)
    yield


# FastAPI's own pages load scripts from a CDN.
app = Api(
    title="push-model",
    version=__version__,
    lifespan=load_champion,
    docs_url=None,
    redoc_url=None,
)
app.add_middleware(Watch)


@app.post(
    "/predict",
    response_model=Answer,
    responses=_FAILURES,
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Users"}}},
        }
    },
)
async def predict_users(request: Request, options: Annotated[Options, Query()]) -> Response:
    """Return the probability that each user buys a product in an order placed now."""
    _check_named_once(request)
    users = await _read_body(request)
    answer = partial(_answer, users, options.model_dump())
    cost = len(users) * (EXPLAINING_COSTS if options.explain else 1)
    if cost <= INLINE_BYTES:
        return answer()
    return await to_thread.run_sync(answer, limiter=_large_requests)


@app.get(
    "/status",
    response_model=Status,
    responses={
        400: _FAILURES[400],
        503: {"model": Status, "description": "Nothing can be served."},
    },
)
def status(*, details: bool = False) -> Response:
    """Report the health of serving: for readiness checks, and with details for a skew."""
    found = health(details=details)
    return _to_json(found, 503 if found["status"] == "unavailable" else 200)


@app.get("/metrics", response_class=PlainTextResponse)
def metrics() -> Response:
    """Return the metrics of this process in Prometheus' text format."""
    return Response(generate_latest(REGISTRY), media_type=CONTENT_TYPE_LATEST)


@app.get("/docs", response_class=HTMLResponse, include_in_schema=False)
async def docs() -> str:
    """Return the OpenAPI document as a page; reads no model, so it is a liveness check."""
    return write_page(app.openapi())


@app.exception_handler(PushModelError)
async def fail_as_foreseen(request: Request, error: PushModelError) -> Response:
    """Answer a typed error; its message holds no feature's value."""
    is_model_named = "model" in request.query_params
    return _fail(_code_of(error, is_model_named=is_model_named), type(error).__name__, str(error))


@app.exception_handler(RequestValidationError)
async def refuse_options(_: Request, error: RequestValidationError) -> Response:
    """Refuse bad options with an error of the contract, not with FastAPI's 422."""
    first = error.errors()[0]
    name = str(first["loc"][1])
    says = f"{name!r:.60}: {first['msg']}."
    if first["type"] == "extra_forbidden":
        says = f"There is no option {name!r:.60}.{did_you_mean(name[:60], Options.model_fields)}"
    return _fail(400, InvalidEventError.__name__, says)


@app.exception_handler(HTTPException)
async def fail_as_http(_: Request, error: HTTPException) -> Response:
    """Answer an unknown path or method."""
    return _fail(error.status_code, "HTTPException", error.detail, error.headers)


@app.exception_handler(ClientDisconnect)
async def note_disconnect(_: Request, _error: ClientDisconnect) -> Response:
    """Give up on a client that left before its body was here."""
    return Response(status_code=CLIENT_LEFT)


@cache
def max_body_bytes() -> int:
    """Return how large a body is read: ``PUSH_API_MAX_BODY_BYTES``, else `MAX_BODY_BYTES`."""
    return int(os.environ.get("PUSH_API_MAX_BODY_BYTES") or MAX_BODY_BYTES)


async def _read_body(request: Request) -> str:
    """Read the body, but no further than the limit."""
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length) > max_body_bytes():
        raise _too_large()
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > max_body_bytes():
            raise _too_large()
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        raise InvalidEventError("The body must be JSON text in UTF-8.") from None


def _too_large() -> RequestTooLargeError:
    return RequestTooLargeError(
        f"The body is larger than the {max_body_bytes():,} bytes that this server reads "
        "(PUSH_API_MAX_BODY_BYTES). Send fewer users at once."
    )


def _check_named_once(request: Request) -> None:
    names = [name for name, _ in request.query_params.multi_items()]
    if len(set(names)) < len(names):
        raise InvalidEventError("The query must name each option once.")


def _answer(users: str, options: Mapping[str, Any]) -> Response:
    return _to_json(predict(users, **options))


def _code_of(error: PushModelError, *, is_model_named: bool) -> int:
    if isinstance(error, RequestTooLargeError):
        return TOO_LARGE
    if isinstance(error, InvalidEventError):
        return 400
    if isinstance(error, ModelNotFoundError):
        # The caller must fix the name of a model, but not a missing champion.
        return 400 if is_model_named else 503
    return 500


def _fail(code: int, kind: str, message: str, headers: Mapping[str, str] | None = None) -> Response:
    failure = _to_json({"error": {"type": kind, "message": message}}, code)
    failure.headers.update(headers or {})
    if code == TOO_LARGE:
        # Else the server would read the rest of the body, only to throw it away.
        failure.headers["connection"] = "close"
    return failure


def _to_json(answer: Mapping[str, Any], code: int = 200) -> Response:
    return Response(_encode(answer), code, media_type="application/json")


def _drop_query(record: logging.LogRecord) -> bool:
    record.args = tuple(
        part.partition("?")[0] if isinstance(part, str) else part for part in record.args or ()
    )
    return True
