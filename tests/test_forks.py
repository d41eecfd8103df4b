import gc
import weakref

from tests.forks import WITH_FORKS, in_fork

pytestmark = WITH_FORKS


class Cycle:
    def __init__(self):
        self.itself = self


def test_a_fork_collects_nothing_that_it_inherited():
    gc.disable()
    try:
        ended = []
        weakref.finalize(Cycle(), ended.append, "ended")

        def collect():
            gc.collect()
            return len(ended)

        assert in_fork(collect) == 0
        assert collect() == 1
    finally:
        gc.enable()
