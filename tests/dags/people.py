"""Who answers while `dag.test()` waits: a person at Airflow's own API, or the scheduler's clock."""

import threading
import time
from contextlib import contextmanager
from datetime import timedelta
from functools import cache

from airflow.jobs.job import Job
from airflow.jobs.scheduler_job_runner import SchedulerJobRunner
from airflow.models.hitl import HITLDetail
from airflow.models.taskinstance import TaskInstance
from airflow.sdk import timezone
from airflow.utils.session import create_session

LONGEST_WAIT_S = 120


@contextmanager
def a_person_answers(option, *, name="ana"):
    """Answer the next question over Airflow's API, as its page does; gives what was asked."""
    client = client_of(name)

    def answer(task):
        path = f"/api/v2/dags/{task.dag_id}/dagRuns/{task.run_id}/taskInstances/{task.task_id}/-1"
        question = client.get(f"{path}/hitlDetails").raise_for_status().json()
        answer = {"chosen_options": [option], "params_input": {}}
        client.patch(f"{path}/hitlDetails", json=answer).raise_for_status()
        return question

    with _while_it_waits(answer) as questions:
        yield questions


@contextmanager
def time_runs_out():
    """Let the scheduler find, all the hours of the wait later, that there was no answer."""

    def sweep(task):
        with create_session() as session:
            waiting = session.get(TaskInstance, task.id)
            question = {"subject": session.get(HITLDetail, task.id).subject}
            question["waits"] = waiting.trigger_timeout - timezone.utcnow()
            waiting.trigger_timeout -= timedelta(days=1)
        SchedulerJobRunner(job=Job()).check_awaiting_input_timeouts()
        return question

    with _while_it_waits(sweep) as questions:
        yield questions


@cache
def _api():
    """Return Airflow's API, which takes seconds to build."""
    from airflow.api_fastapi.app import create_app  # noqa: PLC0415 - imports half of Airflow

    return create_app(apps="core")


def client_of(name, role="admin", **changes):
    """Return a client of Airflow's API with a token of a user; `changes` are of the token."""
    # Imported here: it warns of a deprecated client, which only tests themselves can ignore.
    from airflow.api_fastapi.app import get_auth_manager  # noqa: PLC0415
    from airflow.api_fastapi.auth.managers.simple.user import (  # noqa: PLC0415
        SimpleAuthManagerUser,
    )
    from fastapi.testclient import TestClient  # noqa: PLC0415

    client = TestClient(_api())
    user = SimpleAuthManagerUser(username=name, role=role)
    token = get_auth_manager().generate_jwt(user, **changes)
    client.headers["Authorization"] = f"Bearer {token}"
    return client


@contextmanager
def _while_it_waits(respond):
    questions, is_over = [], threading.Event()

    def wait():
        deadline = time.monotonic() + LONGEST_WAIT_S
        while not is_over.wait(0.2) and time.monotonic() < deadline:
            with create_session() as session:
                waiting = session.query(TaskInstance).filter_by(state="awaiting_input").all()
                session.expunge_all()
            if waiting:
                questions.append(respond(waiting[0]))
                return

    thread = threading.Thread(target=wait)
    thread.start()
    try:
        yield questions
    finally:
        is_over.set()
        thread.join()
