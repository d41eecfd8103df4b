"""Serve the page "Push models": what the store and the run folders say, read at each request.

Its forms are in `forms`. It names no path of the server, and no error leaves it with its traceback.
"""

import os
import re
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Annotated, Any

from airflow.api_fastapi.core_api.security import requires_access_dag
from fastapi import APIRouter, Depends, FastAPI, HTTPException, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.exceptions import HTTPException as StarletteHTTPException

from push_model.errors import DatasetError, PushModelError
from push_model.reporting import pages
from push_model.reporting.picture import Picture
from push_model.reporting.section import Content
from push_model.serving.settings import read_max_age_days
from push_model.status.read import read_status
from push_model.status.status import RunStatus, Status
from push_model.store.durable import leads_out, read_whole
from push_model.store.folder import MOST_BYTES
from push_model.store.pointer import model_path
from push_model.training.card.pages import HTML_FILE
from push_model.training.gate.policy import read_installed_policy
from push_ops.page import answers, views
from push_ops.page.comparing import Comparisons, find_frame
from push_ops.page.database import DAG_ID
from push_ops.retraining.request import read_directory

#: Who may read the DAG may read the page.
may_read = requires_access_dag("GET", param_dag_id=DAG_ID)

_FOLDER = Path(__file__).parent
_TABS = {
    "": "Now",
    "runs": "Runs",
    "compare": "Compare",
    "drift": "Drift",
    "models": "Models",
    "history": "History",
    "act": "Act",
}
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "private, no-cache",
    # Pictures carry their colours in style attributes; no text of ours can become one.
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; "
    "style-src-attr 'unsafe-inline'; img-src 'self' data:; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'self'",
}
_CARD_HEADERS = _HEADERS | {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'self'",
}
_SAYS = {
    401: "Sign in to Airflow, then open this page again.",
    403: f"Your session has ended, or your account may not read the DAG {DAG_ID}, or not edit it, "
    "as an action needs. Sign in to Airflow again; if that does not help, ask its administrator.",
    404: "There is no such page.",
    405: "This address does not take that.",
}
# A folder and a name in it, at least: "/srv/data/frame.csv" is the server's own matter.
_PATH = re.compile(r"""(?<![^\s"'`(\[=>:;,])(?:file://)?/(?:[^\s/"'`<>]+/)+([^\s/"'`<>]+)""")
_MOST_DRAWN = 64

_STYLES = ((pages.FOLDER, "style.css"), (_FOLDER, "page.css"))

router = APIRouter(dependencies=[Depends(may_read)])


class Refusal(HTTPException):
    """A request that is refused, with a sentence for its sender."""


class _Drawer:
    """Draws pictures, one at a time, and keeps the last ones."""

    def __init__(self) -> None:
        self._drawn: dict[tuple[Any, ...], str] = {}
        self._lock = Lock()  # Matplotlib's settings are one for all threads

    def draw(self, picture: Picture) -> str:
        """Return the SVG; what a picture says tells whether it was drawn before."""
        key = (picture.name, picture.title, picture.how, picture.alt, *picture.links.items())
        with self._lock:
            if key not in self._drawn:
                if len(self._drawn) >= _MOST_DRAWN:
                    del self._drawn[next(iter(self._drawn))]
                self._drawn[key] = picture.svg()
            return self._drawn[key]


_DRAWER = _Drawer()
_COMPARISONS = Comparisons()


def make_app() -> FastAPI:
    """Return the page as an application that Airflow mounts."""
    app = FastAPI(title="Push models", docs_url=None, redoc_url=None, openapi_url=None)
    from push_ops.page import forms  # noqa: PLC0415 - it shows its pages by this module

    app.include_router(router)
    app.include_router(forms.router)
    app.get("/page.css")(_style)
    app.exception_handler(StarletteHTTPException)(_refuse)
    app.exception_handler(RequestValidationError)(_refuse_question)
    app.exception_handler(PushModelError)(_explain)
    app.exception_handler(OSError)(_explain_disk)
    app.exception_handler(Exception)(_apologise)
    return app


@router.get("/")
def now(request: Request) -> Response:
    """Answer the questions of the morning."""
    status = read()
    found = answers.answer(status)
    return show_page(request, answers.now(status, found), template="now.html.jinja", answers=found)


@router.get("/runs")
def runs(request: Request, page: Annotated[int, Query(ge=1, le=10_000)] = 1) -> Response:
    """Show every run on one timeline, and a page of them as a table."""
    return show_page(request, views.runs(read(), page=page))


@router.get("/run")
def run(dag_id: str, run_id: str) -> Response:
    """Lead from a run in Airflow to its verdict."""
    if dag_id != DAG_ID:
        raise Refusal(404, f"This tab is for runs of {DAG_ID}; {dag_id!r} has no verdicts.")
    found = next((each for each in read().runs if each.run_id == run_id), None)
    if found is None:
        raise Refusal(
            404, "This run has no verdict yet. Its tasks and their logs say how far it is."
        )
    return RedirectResponse(f"runs/{found.folder}", 303, headers=_HEADERS)


@router.get("/runs/{folder}")
def verdict(request: Request, folder: str) -> Response:
    """Show one run, and each rule of its verdict."""
    status = read()
    return show_page(request, views.verdict(_find_run(status, folder), status), here="runs")


@router.get("/compare")
def compare(request: Request, a: str = "", b: str = "") -> Response:
    """Compare two models on the newest orders, once they were chosen."""
    status, comparing = read(), views.Comparing()
    if a or b:
        comparing = _compare(status, (a, b))
        if comparing.page:
            return _foreign(comparing.page, back="compare", words="Compare others")
    response = show_page(
        request,
        views.compare(status, comparing),
        template="compare.html.jinja",
        chosen=views.choose_two(status, (a, b)),
        names=[line.name for line in status.models],
    )
    if comparing.is_running:
        response.headers["Refresh"] = "3"
    return response


@router.get("/drift")
def drift(request: Request) -> Response:
    """Show how far each feature has moved."""
    return show_page(request, views.drift(read()))


@router.get("/models")
def models(request: Request) -> Response:
    """List the models of the store."""
    return show_page(request, views.models(read()))


@router.get("/models/{name}/card")
def card(name: str) -> Response:
    """Return the card of a model as it lies in the store."""
    try:
        path = model_path(store := find_folders()[0], name) / HTML_FILE
        if leads_out(path, store):
            raise OSError(f"{path} leads out of the store")  # noqa: TRY301 - one answer for all
        content = read_whole(path, most_bytes=MOST_BYTES).decode()
    except (PushModelError, OSError, ValueError):
        raise Refusal(404, "The store has no card of such a model.") from None
    return _foreign(content, back="../../models", words="All models")


@router.get("/history")
def history(request: Request) -> Response:
    """Show every change of the champion."""
    return show_page(request, views.history(read()))


@router.get("/status")
def status() -> Response:
    """Return what the page shows as JSON."""
    return JSONResponse(_without_paths(read().document()), headers=_HEADERS)


def _style() -> Response:
    """Return the one style sheet: that of cards and reports, and a little more."""
    text = "".join((folder / name).read_text("utf-8") for folder, name in _STYLES)
    headers = _HEADERS | {"Cache-Control": "max-age=300"}
    return Response(text, media_type="text/css", headers=headers)


def find_folders() -> tuple[Path, Path]:
    """Return the store, and the folder of runs."""
    environ = os.environ
    return read_directory("PUSH_MODELS_DIR", environ), read_directory("PUSH_RUNS_DIR", environ)


def read() -> Status:
    """Return the status of this installation."""
    environ = os.environ
    return read_status(
        *find_folders(),
        now=datetime.now(UTC),
        max_age_days=read_max_age_days(environ),
        policy=read_installed_policy(environ),
    )


def _find_run(status: Status, folder: str) -> RunStatus:
    # Compared with what is there: a name from an address never becomes a path.
    for found in status.runs:
        if found.folder == folder:
            return found
    raise Refusal(404, "There is no such run. It may have been removed; Runs lists the rest.")


def _compare(status: Status, names: tuple[str, str]) -> views.Comparing:
    if not {*names} <= {line.name for line in status.models}:
        raise Refusal(404, "The store has no such model. Choose two from the list.")
    if names[0] == names[1]:
        return views.Comparing(said="Choose two different models.")
    models_dir, runs_dir = find_folders()
    if (frame := find_frame(status, runs_dir)) is None:
        return views.Comparing(said="No run has kept its orders, so there is nothing to score.")
    try:
        page = _COMPARISONS.find(frame, names, models_dir=models_dir)
    except DatasetError as error:
        return views.Comparing(said=str(error))
    return views.Comparing(page=page, is_running=page is None)


def _foreign(content: str, *, back: str, words: str) -> HTMLResponse:
    """Return a page that was written elsewhere, with a way back."""
    kind = '<p class="kind">'
    link = f'{kind}<a href="{back}">{words}</a></p>'
    return HTMLResponse(content.replace(kind, f"{link}\n{kind}", 1), headers=_CARD_HEADERS)


def show_page(
    request: Request,
    content: Content,
    *,
    here: str | None = None,
    template: str = "page.html.jinja",
    code: int = 200,
    **more: Any,
) -> HTMLResponse:
    """Return a page, filled from its template."""
    path = request.url.path.removeprefix(request.scope.get("root_path", "")).lstrip("/")
    text = pages.render(
        template,
        _FOLDER / "templates",
        draw=_DRAWER.draw,
        page=content,
        root="../" * path.count("/") or "./",
        tabs=list(_TABS.items()),
        here=path if here is None else here,
        read_at=f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        **more,
    )
    return HTMLResponse(_hide_paths(text), code, headers=_HEADERS)


def _hide_paths(text: str) -> str:
    """Leave the last name of each path of the server.

    Examples
    --------
    >>> _hide_paths("/srv/data/frame.csv never came; 1/2 of https://a.b/c/d stays.")
    'frame.csv never came; 1/2 of https://a.b/c/d stays.'
    >>> _hide_paths("No file &#39;/srv/data/frame.csv&#39;, nor file:///srv/data/old.csv")
    'No file &#39;frame.csv&#39;, nor old.csv'
    """
    return _PATH.sub(r"\1", text)


def _without_paths(document: Any) -> Any:
    if isinstance(document, dict):
        return {name: _without_paths(each) for name, each in document.items()}
    if isinstance(document, list):
        return [*map(_without_paths, document)]
    return _hide_paths(document) if isinstance(document, str) else document


def _refuse(request: Request, error: Exception) -> Response:
    assert isinstance(error, StarletteHTTPException)
    if isinstance(error, Refusal):
        said = error.detail
    else:
        said = _SAYS.get(error.status_code, str(error.detail))
    return _say(request, error.status_code, said)


def _refuse_question(request: Request, _: Exception) -> Response:
    return _say(request, 422, "The address asks for something that this page does not know.")


def _explain(request: Request, error: Exception) -> Response:
    return _say(request, 503, str(error))


def _explain_disk(request: Request, error: Exception) -> Response:
    assert isinstance(error, OSError)
    why = error.strerror or type(error).__name__
    return _say(
        request, 503, f"The disk or the network refused: {why}. History says what serves now."
    )


def _apologise(request: Request, _: Exception) -> Response:
    # The server that runs this application logs the error with its traceback.
    return _say(request, 500, "The page failed. The log of Airflow's API server has the error.")


def _say(request: Request, code: int, sentence: str) -> Response:
    if request.url.path.endswith("/status"):
        return JSONResponse({"error": _hide_paths(sentence)}, code, headers=_HEADERS)
    content = views.refusal(sentence)
    if request.method == "POST":
        content = content._replace(name="Not done")
    return show_page(request, content, here="none", code=code)
