"""Read and write Airflow's own tables for the page: runs, the asset of the champion, audit log."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from airflow.api.common.trigger_dag import trigger_dag
from airflow.assets.manager import asset_manager
from airflow.models import DagModel, DagRun, Log
from airflow.models.asset import AssetModel
from airflow.sdk.exceptions import AirflowException
from airflow.utils.session import create_session
from airflow.utils.state import DagRunState
from airflow.utils.types import DagRunTriggeredByType
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from push_model.errors import InvalidEventError
from push_ops.schedule import CHAMPION

DAG_ID = "push_retraining"


class Schedule(NamedTuple):
    """When the DAG runs next, and whether a run goes on now."""

    next_run: datetime | None
    is_paused: bool
    is_running: bool


class Person(NamedTuple):
    """A user of Airflow."""

    id: str
    name: str


def read_schedule() -> Schedule:
    """Return when the DAG runs next; one that Airflow has not seen yet counts as paused."""
    with create_session() as session:
        found = session.get(DagModel, DAG_ID)
        if found is None:
            return Schedule(None, is_paused=True, is_running=False)
        is_running = DagRun.dag_id == DAG_ID, DagRun.state == DagRunState.RUNNING
        running = session.scalar(select(DagRun.id).where(*is_running).limit(1))
        return Schedule(
            found.next_dagrun_create_after, found.is_paused, is_running=running is not None
        )


def start_run(
    run_id: str, conf: Mapping[str, Any], *, logical_date: datetime | None, by: Person, reason: str
) -> None:
    """Start a run as Airflow's own form does; the reason becomes its note."""
    try:
        trigger_dag(
            DAG_ID,
            triggered_by=DagRunTriggeredByType.UI,
            triggering_user_name=by.name,
            run_id=run_id,
            conf=dict(conf),
            logical_date=logical_date,
            replace_microseconds=False,
            note=reason,
        )
    except (AirflowException, ValueError) as error:
        raise InvalidEventError(f"Airflow started no run: {error}") from error
    except SQLAlchemyError as error:  # its text holds the statement
        raise InvalidEventError(f"Airflow started no run: {type(error).__name__}.") from error


def update_champion(extra: Mapping[str, Any]) -> str:
    """Update the asset of the champion; return who hears of it, in a sentence. Never raises."""
    try:
        with create_session() as session:
            asset = session.scalar(select(AssetModel).where(AssetModel.name == CHAMPION.name))
            event = asset and asset_manager.register_asset_change(
                asset=asset,
                extra=dict(extra),
                source_is_api=True,
                api_user_teams=set(),
                session=session,
            )
    except Exception as error:  # noqa: BLE001 - whatever it is, the champion has changed
        return (
            f"The asset {CHAMPION.name} was not updated ({type(error).__name__}): what is "
            "scheduled on it does not start. Start it by hand."
        )
    if not event:
        return f"Airflow does not know the asset {CHAMPION.name} yet, so nothing waits for it."
    return f"The asset {CHAMPION.name} was updated: what is scheduled on it starts."


def record(action: str, *, by: Person, reason: str, outcome: Sequence[str]) -> None:
    """Add what a person did to Airflow's audit log."""
    extra = json.dumps({"reason": reason, "outcome": outcome})
    event, name = f"push_models.{action}", by.name
    with create_session() as session:
        session.add(Log(event, owner=name, owner_display_name=name, extra=extra, dag_id=DAG_ID))
