from concurrent.futures import ThreadPoolExecutor

from push_model import FEATURES, handler_predict, health
from push_model.serving.process import MOST_UNKNOWN_NAMES, TALLY, Counts, Tally
from push_model.testing import make_model
from tests.forks import FORK_WARNING, WITH_FORKS, code_of, in_fork, start


def test_threads_lose_no_count():
    tally = Tally()

    def ask(_):
        for _ in range(500):
            tally.count_answer(users=3, errors=1)
            tally.count_failure()

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(ask, range(4)))

    assert tally.counts() == Counts(
        requests=4_000, failed_requests=2_000, users=6_000, errors=2_000
    )


def test_unknown_names_are_kept_few_and_short():
    tally = Tally()

    tally.count_unknown(100, (f"{i:03}" + "x" * 1_000 for i in range(100)))

    counts = tally.counts()
    assert counts.unknown_features == 100
    assert len(counts.unknown_feature_names) == MOST_UNKNOWN_NAMES
    assert {len(name) for name in counts.unknown_feature_names} == {60}


@WITH_FORKS
@FORK_WARNING
def test_a_fork_sketches_from_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("PUSH_MODELS_DIR", str(make_model(tmp_path).parent))
    handler_predict({"users": {str(n): dict.fromkeys(FEATURES) for n in range(100)}})

    assert in_fork(lambda: health(details=True)["skew"]["rows"]) == 0
    assert health(details=True)["skew"]["rows"] > 0


@WITH_FORKS
@FORK_WARNING
def test_a_fork_counts_from_nothing_and_waits_for_no_lock_of_its_parent():
    def has_counted_wrong():
        TALLY.count_answer(users=1, errors=0)
        return TALLY.counts() != Counts(requests=1, users=1)

    TALLY.count_failure()
    with TALLY._lock:  # a thread of the parent may hold it at that moment
        child = start(has_counted_wrong)

    assert code_of(child) == 0
    assert TALLY.counts() == Counts(requests=1, failed_requests=1)
