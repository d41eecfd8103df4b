"""Let people act on the page: each form shows a plan, asks for a reason, and proves who sent it.

Airflow's cookie goes along with posts from other sites of the same domain, and scripts can read it.
So a form holds a ticket, signed for one person and for what that person saw, and the browser must
say that the page itself sent the form.
"""

import logging
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import urlsplit

from airflow.api_fastapi.auth.tokens import get_signing_key
from airflow.api_fastapi.core_api.security import GetUserDep, requires_access_dag
from airflow.configuration import conf
from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import RedirectResponse, Response
from itsdangerous import BadSignature, SignatureExpired, URLSafeTimedSerializer

from push_model.errors import InvalidEventError, PushModelError
from push_model.reporting.section import Content, Section, Table
from push_ops.messages.notify import link_to_run
from push_ops.page import database
from push_ops.page.actions import ACTIONS, Action, Outcome, describe_champion
from push_ops.page.app import Refusal, find_folders, may_read, read, show_page
from push_ops.page.database import DAG_ID, Person
from push_ops.page.plans import Installation, Plan

#: Who may edit the DAG may act.
may_change = requires_access_dag("PUT", param_dag_id=DAG_ID)

_TICKET_MAX_AGE_S = 60 * 60
# Longer than anyone looks at it; History keeps what was done.
_DONE_MAX_AGE_S = 24 * 60 * 60
_LONGEST_REASON = 500
_AGAIN = "Open the form again."

logger = logging.getLogger(__name__)
router = APIRouter(prefix="/act")


@router.get("", dependencies=[Depends(may_read)])
def list_actions(request: Request) -> Response:
    """List what a person can do."""
    rows = tuple((action.title, action.says) for action in ACTIONS.values())
    table = Table(
        "Each says first what will happen",
        ("action", "what it does"),
        rows,
        numeric=False,
        links=tuple(f"act/{name}" for name in ACTIONS),
    )
    section = Section("actions", "Actions", tables=(table,))
    return show_page(request, _content("Act", "Nothing changes before you confirm it.", section))


@router.get("/done", dependencies=[Depends(may_read)])
def done(request: Request, said: str = "") -> Response:
    """Show what was done; only this page can have written it."""
    try:
        sentences, run_id = _signer("done").loads(said, max_age=_DONE_MAX_AGE_S)
    except BadSignature:
        raise Refusal(404, "There is nothing to show any more. History has every change.") from None
    follows = [Section("done", "And", tuple(sentences[1:]))] if sentences[1:] else []
    link = link_to_run(DAG_ID, run_id) if run_id else ""
    # Without an address of Airflow it is words.
    run = [(link, f"The run {run_id} in Airflow")] if link.startswith("http") else []
    return show_page(
        request,
        _content("Done", sentences[0], *follows, decision="promote"),
        here="act",
        template="form.html.jinja",
        plan=None,
        links=[("../", "Now"), ("../history", "History"), *run],
    )


@router.get("/{name}", dependencies=[Depends(may_change)])
def show(request: Request, user: GetUserDep, name: str) -> Response:
    """Show what an action would do, and ask for a reason."""
    action = _find(name)
    chosen = dict(request.query_params)
    plan = _plan(action, _read_installation(), chosen)
    ticket = {
        "user": str(user.get_id()),
        "action": name,
        "chosen": {choice.name: chosen.get(choice.name, choice.value) for choice in plan.choices},
        "seen": plan.seen,
        "at": datetime.now(UTC).isoformat(),
    }
    return _show(request, action, plan, ticket=_signer("ticket").dumps(ticket))


@router.post("/{name}", dependencies=[Depends(may_change)])
def act(  # noqa: PLR0917 - the fields of a form
    request: Request,
    user: GetUserDep,
    name: str,
    ticket: Annotated[str, Form()] = "",
    reason: Annotated[str, Form()] = "",
    confirmed: Annotated[str, Form()] = "",
) -> Response:
    """Do what the form showed, and lead to a page that says what happened."""
    action, person = _find(name), Person(str(user.get_id()), user.get_name())
    _require_same_origin(request)
    opened = _open(ticket, person, name)
    here = _read_installation()
    plan = _plan(action, here, opened["chosen"])
    if plan.seen != opened["seen"] or plan.obstacle:
        raise Refusal(409, f"Nothing was done: {_why_not(here, plan)} Look again before you act.")
    reason = " ".join("".join(each if each.isprintable() else " " for each in reason).split())
    if complaint := _complain(reason, confirmed):
        return _show(request, action, plan, ticket=ticket, complaint=complaint, reason=reason)
    plan = replace(plan, seen={**plan.seen, "at": opened["at"]})
    outcome = _do(action, here, plan, person, reason)
    sentences = [*outcome.sentences, *_tell(name, outcome, person, reason)]
    said = _signer("done").dumps([sentences, outcome.run_id])
    return RedirectResponse(f"done?said={said}", 303)


def _read_installation() -> Installation:
    return Installation(*find_folders(), read(), database.read_schedule())


def _do(action: Action, here: Installation, plan: Plan, by: Person, reason: str) -> Outcome:
    try:
        return action.act(here, plan, by, reason)
    except PushModelError as error:
        serves = describe_champion(here.models_dir)
        raise Refusal(409, f"Nothing was done: {error} {serves}") from error


def _tell(name: str, outcome: Outcome, by: Person, reason: str) -> list[str]:
    """Tell Airflow what was done, and return what came of that; the deed stands either way."""
    said = [database.update_champion(outcome.event)] if outcome.event else []
    try:
        database.record(name, by=by, reason=reason, outcome=outcome.sentences)
    except Exception as error:
        logger.exception("The audit log did not take what was done.")
        said.append(f"Airflow's audit log did not take it ({type(error).__name__}).")
    return said


def _plan(action: Action, here: Installation, chosen: Mapping[str, str]) -> Plan:
    try:
        return action.plan(here, chosen)
    except InvalidEventError as error:
        raise Refusal(422, str(error)) from error


def _show(
    request: Request,
    action: Action,
    plan: Plan,
    *,
    ticket: str,
    complaint: str = "",
    reason: str = "",
) -> Response:
    headline, *more = (plan.obstacle,) if plan.obstacle else plan.sentences
    headings = ("model", "what happens to it")
    table = Table("Models of the store", headings, plan.listed, numeric=False)
    tables = (table,) if plan.listed else ()
    section = Section("plan", "What follows", tuple(more), tables=tables)
    return show_page(
        request,
        _content(action.title, headline, *([section] if more else [])),
        here="act",
        template="form.html.jinja",
        code=422 if complaint else 200,
        plan=plan,
        links=(),
        ticket=ticket,
        complaint=complaint,
        reason=reason,
        longest=_LONGEST_REASON,
    )


def _content(name: str, headline: str, *sections: Section, decision: str = "") -> Content:
    return Content(name, decision, headline, "", "", (), sections)


def _find(name: str) -> Action:
    if action := ACTIONS.get(name):
        return action
    raise Refusal(404, "There is no such action.")


def _why_not(here: Installation, plan: Plan) -> str:
    if plan.obstacle:
        return plan.obstacle
    return f"what the form showed has changed since. {describe_champion(here.models_dir)}"


def _complain(reason: str, confirmed: str) -> str:
    if not reason:
        return "Say in a sentence why: the log keeps it."
    if len(reason) > _LONGEST_REASON:
        return f"Say it in at most {_LONGEST_REASON} letters; these are {len(reason)}."
    return "" if confirmed else "Tick the box, so that nothing happens by mistake."


def _open(ticket: str, person: Person, name: str) -> Any:
    try:
        opened = _signer("ticket").loads(ticket, max_age=_TICKET_MAX_AGE_S)
    except SignatureExpired:
        raise Refusal(403, f"Nothing was done: this form is older than an hour. {_AGAIN}") from None
    except BadSignature:
        raise Refusal(403, f"Nothing was done: this form is not of this page. {_AGAIN}") from None
    if (opened["user"], opened["action"]) != (person.id, name):
        raise Refusal(403, f"Nothing was done: this form was for another person. {_AGAIN}")
    return opened


def _require_same_origin(request: Request) -> None:
    """Refuse a form that another site sent, and one of which the browser does not say who did."""
    headers = request.headers
    sender = urlsplit(headers.get("origin") or headers.get("referer") or "").netloc
    # A proxy may have another name for this server than people do.
    own = {headers.get("host"), urlsplit(conf.get("api", "base_url", fallback="")).netloc}
    if not sender or sender not in own:
        raise Refusal(
            403, "Nothing was done: another site sent this form, or your browser hides which did."
        )


def _signer(purpose: str) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(
        get_signing_key("api", "secret_key"), salt=f"push models: {purpose}"
    )
