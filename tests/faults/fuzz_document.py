"""Search for a model document that makes reading it fail, guided by coverage, until stopped.

Run it as long as you like, from the repository's root, on Linux:
``python -m tests.faults.fuzz_document -max_total_time=300``. It ends with code 0, or with the
document that failed in a file ``crash-...``; other options are libFuzzer's.
"""

from __future__ import annotations

import json
import random
import resource
import sys

LARGEST = 20_000
MOST_MEMORY = 4 << 30


def main() -> None:
    """Fuzz until an option of libFuzzer says stop."""
    import atheris  # noqa: PLC0415 - pytest looks into this file for doctests where it is absent

    with atheris.instrument_imports(include=["push_model"]):
        from push_model.testing import _document  # noqa: PLC0415 - branches are traced from here on
        from tests.faults.reading import read_and_score  # noqa: PLC0415
    from tests.faults.changes import change_somewhere, flip_or_cut  # noqa: PLC0415
    from tests.faults.samples import SAMPLES  # noqa: PLC0415

    samples = [*SAMPLES, _document(-4.7)]

    def change(data: bytes, max_size: int, seed: int) -> bytes:
        draw = random.Random(seed)
        if draw.random() < 0.02:
            return flip_or_cut(data, draw) if data else b"{"
        try:
            document = json.loads(data)
        except (ValueError, RecursionError):
            document = draw.choice(samples)
        if draw.random() < 0.4:
            document = draw.choice(samples)
        try:
            changed = json.dumps(change_somewhere(document, draw)).encode()
        except (ValueError, RecursionError):  # too large a number for Python to write, or too deep
            return data
        return changed if len(changed) <= max_size else data

    def try_one(data: bytes) -> None:
        read_and_score(data)

    # Not libFuzzer's own limit: it asks for the peak of the process, and Linux counts in what its
    # parent held when it started this one.
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    options = [f"-max_len={LARGEST}", "-rss_limit_mb=0", "-verbosity=0", *sys.argv[1:]]
    atheris.Setup([sys.argv[0], *options], try_one, custom_mutator=change)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
