"""Score golden rows in a fresh process, as a process of the API would.

`check_serving` starts this file with ``python -I``: no environment. It reads a question from
standard input and writes its answer to standard output, both JSON.
"""

import json
import sys
from statistics import median
from time import process_time
from typing import Any


def _answer(question: dict[str, Any]) -> dict[str, Any]:
    """Load the model, score the golden rows one by one and in a batch, and measure the time."""
    before = set(sys.modules)
    started = process_time()
    from push_model import predict  # noqa: PLC0415 - the import is what is timed

    where = {"models_dir": question["models_dir"], "model": question["model"]}
    users = [dict(zip(question["features"], row, strict=True)) for row in question["rows"]]
    predict({"0": users[0]}, **where)
    load_s = process_time() - started
    alone = [predict({"0": user}, **where) for user in users]
    times = []
    for call in range(question["calls"]):
        started = process_time()
        predict({"0": users[call % len(users)]}, **where)
        times.append(process_time() - started)
    repeats = -(-question["batch"] // len(users))
    batch = predict({str(place): user for place, user in enumerate(users * repeats)}, **where)
    return {
        "one_by_one": [found["prediction"].get("0") for found in alone],
        "batch": [batch["prediction"].get(str(place)) for place in range(len(users) * repeats)],
        "refused": [*batch.get("errors", {}).values()],
        "load_s": load_s,
        "call_s": median(times),
        "loaded": sorted({name.partition(".")[0] for name in set(sys.modules) - before}),
    }


def main() -> None:
    """Answer the question on standard input."""
    question = json.load(sys.stdin)
    sys.path.insert(0, question.pop("path"))
    json.dump(_answer(question), sys.stdout)


if __name__ == "__main__":
    main()
