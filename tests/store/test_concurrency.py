"""Many processes that read and change one store at once."""

import os
import signal
import time
from itertools import pairwise

import pytest

from push_model.errors import PromotionConflictError
from push_model.store.durable import locked
from push_model.store.folder import read_model, require_whole
from push_model.store.history import history
from push_model.store.inventory import prune
from push_model.store.promotion import champion, model_path, rollback
from tests.effort import EFFORT
from tests.forks import WITH_FORKS, code_of, start
from tests.stores import FACTS, make_store, move

pytestmark = WITH_FORKS

CHANGES = 120 * EFFORT
LOST = 7


@pytest.fixture
def models(tmp_path, monkeypatch):
    """A store of four models, of which a and b were promoted; it is not synced."""
    monkeypatch.setattr(os, "fsync", lambda _: None)
    return make_store(tmp_path, "abcd", promoted="ab")


def wait_for(path) -> None:
    give_up_at = time.monotonic() + 30
    while not path.exists():
        assert time.monotonic() < give_up_at
        time.sleep(0.001)


def test_of_processes_that_promote_at_once_one_wins_and_the_others_are_refused(models, tmp_path):
    go = tmp_path / "go"

    def attempt(name):
        wait_for(go)
        try:
            move(models, name, expected="b")
        except PromotionConflictError as error:
            return LOST if "The champion changed since validation" in str(error) else 1
        return 0

    children = [start(lambda name=name: attempt(name)) for name in "acd"]
    go.touch()

    assert sorted(map(code_of, children)) == [0, LOST, LOST]
    assert len(history(models)) == 3


def test_a_holder_of_the_lock_that_is_killed_lets_go(models, tmp_path):
    is_held = tmp_path / "held"

    def hold():
        with locked(models):
            is_held.touch()
            time.sleep(60)
        return 0

    child = start(hold)
    wait_for(is_held)
    os.kill(child, signal.SIGKILL)
    move(models, "c")

    assert code_of(child) == -signal.SIGKILL
    assert champion(models).model_name == "c"


def test_readers_in_a_tight_loop_see_every_change_and_no_failure(models, tmp_path):
    is_over = tmp_path / "over"

    def read():
        seen = set()
        while not is_over.exists():
            serving = champion(models).model_name
            assert read_model(model_path(models, serving)).name == serving
            seen.add(serving)
        return 0 if len(seen) > 1 else LOST

    def look_back():
        while not is_over.exists():
            moves = history(models)
            assert [move.before for move in moves[1:]] == [move.model_name for move in moves[:-1]]
        return 0

    children = [start(read), start(look_back)]
    try:
        for before, after in pairwise("bc" * (CHANGES // 6) + "b"):
            move(models, after, expected=before)
            assert rollback(models, **FACTS).model_name == before
            move(models, after, expected=before)
            prune(models, keep=4, now=0.0)
    finally:
        is_over.touch()

    assert [code_of(child) for child in children] == [0, 0]
    assert len(history(models)) >= CHANGES - 2
    require_whole(models / champion(models).model_name)
