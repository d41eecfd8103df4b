"""Each answer comes from one model, whatever is promoted, damaged or forked meanwhile."""

import json
import os
import random
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import cycle, islice, pairwise
from pathlib import Path

import pytest

from push_model import FEATURES, handler_predict, health
from push_model.columns import BY_NAME
from push_model.model import symmetric_trees
from push_model.serving import live_model
from push_model.serving.live_model import LIVE_MODELS
from push_model.testing import make_model
from tests.effort import EFFORT
from tests.forks import FORK_WARNING, WITH_FORKS, in_fork
from tests.stores import move

CHANGES = 100 * EFFORT
THREADS = 4
MODELS = {"push_a": -9.0, "push_b": -4.7, "push_c": -2.0, "push_d": 1.0}


def random_users(n: int, *, seed: int) -> dict:
    draw = random.Random(seed)
    return {
        f"u_{i}": {
            name: draw.choice([None, int(BY_NAME[name].minimum), int(BY_NAME[name].minimum) + 1])
            for name in FEATURES
        }
        for i in range(n)
    }


PROMOTE = """
import sys
from itertools import pairwise
from push_model.store.promotion import promote

for before, after in pairwise(sys.argv[2:]):
    promote(sys.argv[1], after, expected=before, verdict=None, reason="", promoted_at="", by="")
"""
USERS = random_users(8, seed=0)
TEXT = json.dumps(USERS)


@pytest.fixture
def models(tmp_path, monkeypatch):
    """A store of four models that answer far apart; the first is champion."""
    monkeypatch.setenv("PUSH_MODELS_DIR", str(tmp_path))
    for name, base_log_odds in MODELS.items():
        make_model(tmp_path, name, base_log_odds=base_log_odds, promoted=False)
    move(tmp_path, "push_a")
    return tmp_path


def first_names(n: int) -> list[str]:
    return list(islice(cycle(MODELS), n))


def move_in_another_process(models, times: int) -> str:
    """Promote again and again in another process, as retraining does; return the last champion."""
    names = first_names(times + 1)
    subprocess.run(
        [sys.executable, "-c", PROMOTE, str(models), *names],
        check=True,
        cwd=Path(__file__).parents[2],
        timeout=600,
    )
    return names[-1]


def answer(**options) -> dict:
    found = handler_predict({"users": TEXT, "details": True, **options})
    assert found["statusCode"] == "200", found["body"]
    return json.loads(found["body"])


def bodies_by_model() -> dict[str, dict]:
    """Return what each model answers when nothing else goes on, by name."""
    return {name: answer(model=name) for name in MODELS}


@contextmanager
def hammering(ask):
    """Ask in four threads for as long as the block lasts; yield the list of answers."""
    answers: list = []
    is_over = threading.Event()

    def hammer() -> int:
        asked = 0
        while not is_over.is_set():
            answers.append(ask())
            asked += 1
        return asked

    with ThreadPoolExecutor(THREADS) as threads:
        hammers = [threads.submit(hammer) for _ in range(THREADS)]
        try:
            yield answers
        finally:
            is_over.set()
        assert min(hammer.result() for hammer in hammers) > 0


def test_changes_under_four_threads_fail_and_mix_no_answer(models):
    right = bodies_by_model()

    with hammering(answer) as answers:
        last = move_in_another_process(models, CHANGES)

    assert len({json.dumps(body["prediction"]) for body in right.values()}) == len(MODELS)
    wrong = [found for found in answers if found != right[found["details"]["model_name"]]]
    assert not wrong
    assert {found["details"]["model_name"] for found in answers} == set(MODELS)
    assert answer() == right[last]


def test_reasons_and_health_are_of_one_model_too_while_champions_change(models):
    explained = {name: answer(model=name, explain=True) for name in MODELS}
    ids = {body["details"]["model_id"]: name for name, body in explained.items()}

    with hammering(lambda: (answer(explain=True), health(details=True))) as answers:
        move_in_another_process(models, 30 * EFFORT)

    for found, healthy in answers:
        assert found == explained[found["details"]["model_name"]]
        assert ids[healthy["model_id"]] == healthy["model_name"]
        assert healthy["status"] == "ok"


def test_champions_that_come_damaged_among_sound_ones_fail_no_answer(models):
    right = bodies_by_model()
    answer()
    damaged = make_model(models, "push_damaged", base_log_odds=3.0, promoted=False)
    (damaged / "model.json").write_bytes(b"{}")
    pointer = models / "champion.json"
    names = first_names(21)

    with hammering(answer) as answers:
        for before, after in pairwise(names):
            whole = pointer.read_bytes()
            for content in (whole.replace(before.encode(), b"push_damaged"), b"", b'{"model_'):
                pointer.write_bytes(content)
            pointer.write_bytes(whole)
            move(models, after)

    assert all(found == right[found["details"]["model_name"]] for found in answers)
    assert answer() == right[names[-1]]


def test_a_model_in_its_folder_can_be_replaced_under_four_threads(models):
    # Never done by this package, which gives each model a name of its own; done by people.
    right = bodies_by_model()
    files = {
        name: {
            file: (models / name / file).read_bytes() for file in ("manifest.json", "model.json")
        }
        for name in MODELS
    }
    rows = [right[name]["prediction"] for name in MODELS]
    answer()  # so that there is a last good one from the start

    with hammering(answer) as answers:
        for name in first_names(20 * EFFORT):
            for file, content in files[name].items():
                (models / "push_a" / file).write_bytes(content)

    assert all(found["prediction"] in rows for found in answers)


@WITH_FORKS
@FORK_WARNING
@pytest.mark.usefixtures("models")
def test_a_fork_while_the_first_model_loads_answers_in_the_child(monkeypatch):
    right = answer(model="push_a")
    LIVE_MODELS.__init__(check_every_s=0.0)
    is_reading, may_finish = threading.Event(), threading.Event()
    read, parent = live_model.read_model, os.getpid()

    def read_slowly(folder):
        if os.getpid() == parent:
            is_reading.set()
            may_finish.wait(30)
        return read(folder)

    monkeypatch.setattr(live_model, "read_model", read_slowly)
    with ThreadPoolExecutor(1) as thread:
        loading = thread.submit(answer)
        is_reading.wait(30)
        code = in_fork(lambda: answer() != right)
        may_finish.set()

    assert code == 0
    assert loading.result() == right


@WITH_FORKS
@FORK_WARNING
@pytest.mark.usefixtures("models")
def test_a_fork_while_reasons_are_made_ready_explains_in_the_child(monkeypatch):
    started, may_finish = threading.Event(), threading.Event()
    parent = os.getpid()

    class SlowShares(symmetric_trees.LeafShares):
        def __init__(self, tree):
            if os.getpid() == parent:
                started.set()
                may_finish.wait(30)
            super().__init__(tree)

    monkeypatch.setattr(symmetric_trees, "LeafShares", SlowShares)
    with ThreadPoolExecutor(1) as thread:
        explaining = thread.submit(answer, explain=True)
        started.wait(30)
        code = in_fork(lambda: "reasons" not in answer(explain=True))
        may_finish.set()

    assert explaining.result()["reasons"]
    assert code == 0


@WITH_FORKS
def test_a_fork_while_numpy_is_imported_answers_in_the_child():
    # In a process of its own: this one imported NumPy long ago.
    found = subprocess.run(
        [sys.executable, "-c", FORK_DURING_IMPORT],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )

    assert (found.stdout, found.returncode) == ("forked while importing\n", 0), found.stderr


FORK_DURING_IMPORT = """
import os, signal, sys, threading, warnings
from push_model.model.scoring import import_numpy

warnings.simplefilter("ignore")
is_importing, may_go_on = threading.Event(), threading.Event()

class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "numpy" and not is_importing.is_set():
            is_importing.set()
            may_go_on.wait(0.5)

sys.meta_path.insert(0, Finder())
thread = threading.Thread(target=import_numpy)
thread.start()
is_importing.wait(60)
print("forked while importing", flush=True)
child = os.fork()
if child == 0:
    signal.alarm(60)
    import_numpy()
    import numpy
    os._exit(0 if numpy.zeros(1).size == 1 else 1)
_, status = os.waitpid(child, 0)
thread.join()
sys.exit(os.waitstatus_to_exitcode(status))
"""


@WITH_FORKS
@FORK_WARNING
def test_forks_under_four_threads_and_changing_champions_answer(models):
    right = bodies_by_model()
    names = first_names(21)

    def is_wrong() -> bool:
        found = answer()
        return found != right[found["details"]["model_name"]]

    with hammering(answer):
        codes = []
        for name in names[1:]:
            move(models, name)
            codes.append(in_fork(is_wrong))

    assert set(codes) == {0}
