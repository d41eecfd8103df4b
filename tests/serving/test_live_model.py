import logging
import os
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from push_model.errors import ModelIntegrityError, ModelNotFoundError
from push_model.serving import live_model
from push_model.serving.live_model import LiveModels
from push_model.testing import make_model


@pytest.fixture
def live():
    """Look at the disk at every request."""
    return LiveModels(check_every_s=0.0)


def serving(live: LiveModels, models) -> str:
    return live.get(str(models), None).loaded.name


def damage(folder) -> None:
    (folder / "model.json").write_bytes(b"{}")


def hold_reads(monkeypatch, *, of: str) -> tuple[Event, Event]:
    """Make reads of a model set the first event and wait for the second."""
    is_reading, may_finish = Event(), Event()
    read = live_model.read_model

    def read_slowly(folder):
        if folder.name == of:
            is_reading.set()
            may_finish.wait(60)
        return read(folder)

    monkeypatch.setattr(live_model, "read_model", read_slowly)
    return is_reading, may_finish


def test_the_champion_is_read_once(live, tmp_path, monkeypatch):
    make_model(tmp_path)
    first = live.get(str(tmp_path), None)
    monkeypatch.setattr(live_model, "read_model", None)  # reading again would fail

    assert live.get(str(tmp_path), None) is first


def test_the_disk_is_looked_at_once_a_second_at_most(tmp_path, monkeypatch):
    now = 100.0
    monkeypatch.setattr(live_model, "monotonic", lambda: now)
    live = LiveModels()
    make_model(tmp_path, "a")
    serving(live, tmp_path)
    make_model(tmp_path, "b", base_log_odds=-3.0)

    now += 0.9
    within = serving(live, tmp_path)
    now += 0.2
    after = serving(live, tmp_path)

    assert (within, after) == ("a", "b")


def test_a_champion_that_cannot_serve_is_tried_once_a_second_at_most(tmp_path, monkeypatch):
    now = 100.0
    monkeypatch.setattr(live_model, "monotonic", lambda: now)
    live = LiveModels()
    folder = make_model(tmp_path, "a")
    whole = (folder / "model.json").read_bytes()
    damage(folder)
    with pytest.raises(ModelIntegrityError, match="does not match its manifest"):
        serving(live, tmp_path)
    (folder / "model.json").write_bytes(whole)

    now += 0.9
    with pytest.raises(ModelIntegrityError, match="does not match its manifest"):
        serving(live, tmp_path)
    now += 0.2

    assert serving(live, tmp_path) == "a"


def test_a_failed_request_is_not_kept_with_its_error(tmp_path):
    live = LiveModels()
    with pytest.raises(ModelNotFoundError):
        serving(live, tmp_path)

    assert live._stores[str(tmp_path)]._error.__traceback__ is None


def test_a_damaged_new_champion_leaves_the_last_good_one_serving(live, tmp_path, caplog):
    make_model(tmp_path, "a")
    serving(live, tmp_path)
    damaged = make_model(tmp_path, "b", base_log_odds=-3.0)
    damage(damaged)

    with caplog.at_level(logging.WARNING):
        names = [serving(live, tmp_path) for _ in range(3)]

    assert names == ["a", "a", "a"]
    assert len(caplog.records) == 1  # not once a request
    text = f"The new champion of {tmp_path} cannot serve, so a goes on: b/model.json does not match"
    assert text in caplog.text


def test_a_champion_whose_folder_comes_late_is_picked_up_though_the_pointer_stood_still(
    live, tmp_path
):
    make_model(tmp_path / "models", "push_a")
    serving(live, tmp_path / "models")
    folder = make_model(tmp_path / "models", "push_b", base_log_odds=-3.0)
    folder.rename(tmp_path / "on_its_way")
    meanwhile = [serving(live, tmp_path / "models") for _ in range(2)]
    (tmp_path / "on_its_way").rename(folder)

    assert meanwhile == ["push_a", "push_a"]
    assert serving(live, tmp_path / "models") == "push_b"


@pytest.mark.parametrize("lost", ["champion.json", "b", "."])
def test_a_store_that_loses_its_champion_goes_on_with_the_last_good_one(live, tmp_path, lost):
    make_model(tmp_path / "models", "b")
    serving(live, tmp_path / "models")
    victim = tmp_path / "models" / lost
    shutil.rmtree(victim) if victim.is_dir() else victim.unlink()

    assert serving(live, tmp_path / "models") == "b"


def test_a_named_model_is_read_once_and_again_when_it_changes(live, tmp_path):
    make_model(tmp_path, "a", promoted=False)

    first = live.get(str(tmp_path), "a")
    again = live.get(str(tmp_path), "a")
    damage(tmp_path / "a")

    assert again is first
    with pytest.raises(ModelIntegrityError, match="does not match its manifest"):
        live.get(str(tmp_path), "a")


def test_a_walk_through_the_store_does_not_keep_every_model(live, tmp_path):
    make_model(tmp_path, "champion")
    first = live.get(str(tmp_path), None)
    for i in range(12):
        make_model(tmp_path, f"m{i}", base_log_odds=float(i), promoted=False)
        live.get(str(tmp_path), f"m{i}")

    assert len(live._stores[str(tmp_path)]._entries) == live_model.MOST_NAMED_MODELS + 1
    assert live.get(str(tmp_path), None) is first


def test_while_one_thread_reads_the_new_champion_the_others_use_the_old_one(
    live, tmp_path, monkeypatch
):
    make_model(tmp_path, "a")
    serving(live, tmp_path)
    make_model(tmp_path, "b", base_log_odds=-3.0)
    is_reading, may_finish = hold_reads(monkeypatch, of="b")
    with ThreadPoolExecutor(1) as thread:
        reader = thread.submit(serving, live, tmp_path)
        is_reading.wait(60)
        meanwhile = serving(live, tmp_path)
        may_finish.set()

    assert (meanwhile, reader.result()) == ("a", "b")


def test_threads_that_wait_for_the_first_model_read_it_once(live, tmp_path, monkeypatch):
    make_model(tmp_path)
    reads = []
    read = live_model.read_model
    monkeypatch.setattr(live_model, "read_model", lambda folder: reads.append(1) or read(folder))

    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda _: live.get(str(tmp_path), None), range(32)))

    assert len({id(model) for model in found}) == 1
    assert len(reads) == 1


def test_a_slow_load_of_a_named_model_does_not_delay_a_new_champion(live, tmp_path, monkeypatch):
    make_model(tmp_path, "slow", base_log_odds=-4.0)
    make_model(tmp_path, "a")
    serving(live, tmp_path)
    make_model(tmp_path, "b", base_log_odds=-3.0)
    is_reading, may_finish = hold_reads(monkeypatch, of="slow")
    with ThreadPoolExecutor(1) as thread:
        named = thread.submit(live.get, str(tmp_path), "slow")
        is_reading.wait(60)
        meanwhile = serving(live, tmp_path)
        may_finish.set()

    assert (meanwhile, named.result().loaded.name) == ("b", "slow")


def test_a_champion_repaired_without_a_trace_in_its_files_is_picked_up(live, tmp_path, monkeypatch):
    make_model(tmp_path, "a")
    serving(live, tmp_path)
    make_model(tmp_path, "b", base_log_odds=-3.0)
    read = live_model.read_model

    def lack_memory(folder):
        raise ModelIntegrityError(f"{folder.name} cannot be read.")

    monkeypatch.setattr(live_model, "read_model", lack_memory)
    before = serving(live, tmp_path)
    monkeypatch.setattr(live_model, "read_model", read)

    assert (before, serving(live, tmp_path)) == ("a", "b")


def test_a_walk_through_stores_does_not_keep_every_champion(live, tmp_path):
    for number in range(live_model.MOST_STORES + 3):
        make_model(tmp_path / str(number))
        serving(live, tmp_path / str(number))

    assert len(live._stores) == live_model.MOST_STORES


def test_champions_and_named_models_change_the_cache_at_once_without_a_failure(live, tmp_path):
    interval = sys.getswitchinterval()
    folder = make_model(tmp_path, "a")
    for number in range(live_model.MOST_NAMED_MODELS + 2):
        make_model(tmp_path, f"m{number}", base_log_odds=-5.0 - number)

    def ask_for_named(_):
        return [live.get(str(tmp_path), f"m{n}") for n in range(live_model.MOST_NAMED_MODELS + 2)]

    def ask_for_champion(number):
        os.utime(tmp_path / "champion.json", ns=(number, number))
        return live.get(str(tmp_path), None)

    try:
        sys.setswitchinterval(1e-6)
        with ThreadPoolExecutor(2) as threads:
            named = threads.map(ask_for_named, range(30))
            champions = threads.map(ask_for_champion, range(300))
            assert len([*named]) + len([*champions]) == 330
    finally:
        sys.setswitchinterval(interval)
    assert folder.is_dir()
