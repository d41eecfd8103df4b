import os
import time

import pytest

from push_model.errors import InvalidSettingError
from push_ops.data.waiting import Patience, Watch, read_patience

WHOLE = b"a,b\n1,2\n"


def deliver(path, content=WHOLE, *, age_s=60):
    path.write_bytes(content)
    moment = time.time() - age_s
    os.utime(path, (moment, moment))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "frame.csv"


def test_how_long_to_wait_is_a_setting():
    assert read_patience({}) == Patience(wait_s=4 * 3600, settle_s=30)
    assert read_patience({"PUSH_DATASET_WAIT_S": "60", "PUSH_DATASET_SETTLE_S": ""}) == (60, 30)
    with pytest.raises(InvalidSettingError, match=r"^PUSH_DATASET_WAIT_S must be a whole number"):
        read_patience({"PUSH_DATASET_WAIT_S": "4h"})


def test_a_whole_file_that_came_long_ago_is_not_waited_for(path):
    deliver(path)
    watch = Watch(str(path), settle_s=30)

    assert watch.look() is None
    assert watch.is_there()


def test_a_file_that_is_not_there_is_waited_for(path):
    watch = Watch(str(path), settle_s=30)

    assert watch.look() == "is not there"
    assert not watch.is_there()


def test_a_file_that_is_written_to_is_waited_for_however_whole_it_looks(path):
    deliver(path, age_s=0)

    assert Watch(str(path), settle_s=30).look() == "was written to less than 30 s ago"


def test_a_file_from_a_clock_that_is_ahead_is_at_rest_once_it_was_watched_for_long_enough(path):
    deliver(path, age_s=-3600)
    watch = Watch(str(path), settle_s=0.2)

    assert watch.look() == "was written to less than 0.2 s ago"
    time.sleep(0.25)
    assert watch.look() is None


def test_a_file_that_is_cut_is_waited_for_until_it_is_whole(path):
    deliver(path, WHOLE[:-1])
    watch = Watch(str(path), settle_s=30)

    assert watch.look() == watch.look()
    assert watch.look().startswith("ends in the middle of a line")
    deliver(path)
    assert watch.look() is None


def test_a_file_is_examined_once_for_each_state_of_it(path, monkeypatch):
    examined = []
    monkeypatch.setattr("push_ops.data.waiting.find_fault", examined.append)
    deliver(path)
    watch = Watch(str(path), settle_s=30)

    assert [watch.look(), watch.look()] == [None, None]
    assert len(examined) == 1
    deliver(path, WHOLE * 2)
    watch.look()
    assert len(examined) == 2


def test_a_mount_that_fails_is_waited_for(path, monkeypatch):
    def fail(_):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("push_ops.data.waiting.take_snapshot", fail)

    assert Watch(str(path), settle_s=30).look() == "cannot be read: Input/output error"
