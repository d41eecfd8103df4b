"""What does a run do when a part of the cluster dies, a disk fills, or it is started twice?

After each fault the run has ended well, one champion serves, and nothing half-written is left.
"""

import os
import subprocess
import time
from datetime import datetime

import pytest

from push_model.store.folder import check_folder
from push_model.store.history import history
from push_model.store.promotion import champion
from push_model.training.backtesting.past_verdicts import read_verdicts
from push_ops.retraining.run_folder import find_run_folder, read_json
from tests.frames import make_frame
from tests.system.cluster.running import wait_until

pytestmark = [
    pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning"),
]

DAG = "push_retraining"
FAST = {"model": "boosted_trees_fast"}
DOWN_S = 5.0
# Kept beside the models: the pointer, its log, and the lock that is never removed.
BESIDE = {"champion.json", "promotions.jsonl", ".promotion.lock"}


def in_training(cluster, moment):
    """Start a run and come back in the middle of its training; each moment is one run."""
    run_id = cluster.trigger(DAG, moment, **FAST)
    log = cluster.task_log(DAG, run_id, "train", attempt=1)
    wait_until(lambda: log.exists() and "Training on" in log.read_text(), "a training began")
    return run_id


def find(cluster, run_id, task_id):
    return next(task for task in cluster.tasks(DAG, run_id) if task["task_id"] == task_id)


def files_of(folder):
    return {path.relative_to(folder) for path in folder.rglob("*") if path.is_file()}


def require_one_sound_champion(cluster, run_id, name):
    """Require what must hold after any fault."""
    assert cluster.wait_for_end(DAG, run_id)["state"] == "success"
    assert champion(cluster.models).model_name == name
    assert check_folder(cluster.models / name).faults == ()
    assert [move.model_name for move in history(cluster.models)] == [name]
    assert {path.parts[0] for path in files_of(cluster.models)} == {name, *BESIDE}
    assert not [path for path in files_of(cluster.runs) if path.name.startswith(".")]


def test_a_training_whose_worker_is_killed_is_finished_by_the_other(cluster, measured):
    run_id = in_training(cluster, "2021-06-01T05:00:00Z")
    killed_on, killed_at = find(cluster, run_id, "train")["hostname"], datetime.now().astimezone()
    cluster.kill(killed_on)
    try:
        files_then = files_of(cluster.models)
        cluster.wait_for_end(DAG, run_id)
        train = find(cluster, run_id, "train")
    finally:
        cluster.start_again(killed_on)

    recovery_s = (datetime.fromisoformat(train["start_date"]) - killed_at).total_seconds()
    measured(f"{killed_on} killed in train, {train['hostname']} trains after {recovery_s:.1f} s")
    assert files_then == set()
    assert train["try_number"] == 2
    assert train["hostname"] != killed_on
    assert recovery_s < 60
    require_one_sound_champion(cluster, run_id, "push_2021_06_01")


@pytest.mark.parametrize(
    ("name", "day", "may_try_again"),
    [
        ("scheduler", 2, False),
        ("api-server", 3, False),
        # No heartbeat arrives before it has started, for which a busy machine takes long.
        ("execution-api", 4, True),
        ("redis", 5, False),
        ("postgres", 6, False),
    ],
)
def test_a_run_outlives_a_component_that_is_killed_and_starts_again(
    name, day, may_try_again, cluster, measured
):
    run_id = in_training(cluster, f"2021-06-{day:02}T05:00:00Z")
    cluster.revived.clear()
    cluster.kill(name)
    time.sleep(DOWN_S)
    cluster.start_again(name)
    began = time.monotonic()

    cluster.wait_for_end(DAG, run_id)
    took_s = time.monotonic() - began
    tries = find(cluster, run_id, "train")["try_number"]
    ended = ", ".join(sorted({*cluster.revived})) or "nothing"
    measured(
        f"{name} killed in train, back after {DOWN_S:.0f} s: the run ended {took_s:.1f} s later, "
        f"train needed {tries}; {ended} ended with it, and started again"
    )
    require_one_sound_champion(cluster, run_id, f"push_2021_06_{day:02}")
    assert tries == 1 or may_try_again


@pytest.mark.skipif(os.geteuid() != 0, reason="root alone may mount a small disk")
def test_a_full_disk_leaves_nothing_half_written_and_is_tried_again(cluster, measured):
    cluster.models.mkdir()
    try:
        mount(cluster.models, "size=64k")
    except subprocess.CalledProcessError as error:
        pytest.skip(f"this container may not mount a disk: {error}")
    try:
        run_id = cluster.trigger(DAG, "2021-06-07T05:00:00Z", **FAST)
        wait_until(lambda: find(cluster, run_id, "train")["try_number"] == 2, "a try failed")
        files_then = files_of(cluster.models)
        mount(cluster.models, "size=64m,remount")
        cluster.wait_for_end(DAG, run_id)
        tries = find(cluster, run_id, "train")["try_number"]

        log = cluster.task_log(DAG, run_id, "train", attempt=1).read_text()
        measured(f"full disk in train, then room: trained in try {tries}")
        assert "No space left on device" in log
        assert files_then == set()
        require_one_sound_champion(cluster, run_id, "push_2021_06_07")
    finally:
        subprocess.run(["umount", "--lazy", cluster.models], check=True)


def mount(folder, options):
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], check=True)


def test_a_dataset_replaced_during_the_run_changes_nothing_of_it(cluster):
    before, whole = cluster.dataset.stat(), cluster.dataset.read_bytes()
    run_id = in_training(cluster, "2021-06-08T05:00:00Z")
    newer = cluster.dataset.with_name("newer.csv")
    make_frame(orders=60, seed=9).to_csv(newer, index=False)
    newer.replace(cluster.dataset)
    try:
        require_one_sound_champion(cluster, run_id, "push_2021_06_08")
    finally:
        cluster.dataset.write_bytes(whole)

    said = read_json(find_run_folder(cluster.runs, run_id).verdict)["dataset"]
    manifest = read_json(cluster.models / "push_2021_06_08" / "manifest.json")
    assert said["bytes"] == before.st_size
    assert manifest["dataset"]["sha256"] == said["sha256"]


def test_two_runs_asked_for_at_once_around_midnight_go_one_after_the_other(cluster):
    moments = ("2021-06-09T23:59:59Z", "2021-06-10T00:00:00Z")
    ids = [cluster.trigger(DAG, moment, **FAST) for moment in moments]
    runs = [cluster.wait_for_end(DAG, run_id) for run_id in ids]

    assert [run["state"] for run in runs] == ["success", "success"]
    first, second = sorted(runs, key=lambda run: run["start_date"])
    assert first["end_date"] <= second["start_date"]
    found = read_verdicts(cluster.runs)
    assert [str(one.run_date) for one in found] == ["2021-06-09", "2021-06-10"]
    moves = [move.model_name for move in history(cluster.models)]
    assert champion(cluster.models).model_name == moves[-1]
    assert len(set(moves)) == len(moves)
    assert {path.parts[0] for path in files_of(cluster.models)} == {
        *BESIDE,
        "push_2021_06_09",
        "push_2021_06_10",
    }


def test_the_same_date_run_twice_promotes_once(cluster):
    run_id = cluster.trigger(DAG, "2021-06-11T05:00:00Z", **FAST)
    require_one_sound_champion(cluster, run_id, "push_2021_06_11")
    model = (cluster.models / "push_2021_06_11" / "model.json").read_bytes()

    again = cluster.trigger(DAG, "2021-06-11T06:00:00Z", **FAST)

    require_one_sound_champion(cluster, again, "push_2021_06_11")
    assert find(cluster, again, "promote")["state"] == "skipped"
    assert (cluster.models / "push_2021_06_11" / "model.json").read_bytes() == model
