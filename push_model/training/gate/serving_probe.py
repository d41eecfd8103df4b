"""What does a fresh process answer that has the serving modules alone? A script, run by its path.

`check_serving` starts it with ``python -I -S``: no environment, no site-packages. It reads a
question from standard input, and writes its answer to standard output, both JSON.
"""

import json
import sys
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import spec_from_file_location
from pathlib import Path
from statistics import median
from time import process_time
from typing import Any

# What the wheel leaves out.
NOT_SERVING = frozenset({"commands", "evaluation", "exploration", "reporting", "training"})


class ServingFinder:
    """Find the serving modules, NumPy where it is allowed, and nothing else beside the library."""

    def __init__(self, package: str, numpy: str | None) -> None:
        self._package, self._numpy = Path(package), numpy

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """Find a module, as importlib asks."""
        del path, target
        if name == "push_model":
            folders = [str(self._package)]
            start = self._package / "__init__.py"
            return spec_from_file_location(name, start, submodule_search_locations=folders)
        if name == "numpy" and self._numpy:
            return PathFinder.find_spec(name, [self._numpy])
        if not NOT_SERVING.isdisjoint(name.split(".")[1:2]) and name.startswith("push_model."):
            raise ModuleNotFoundError(f"{name} is not part of serving", name=name)
        return None


def answer(question: dict[str, Any]) -> dict[str, Any]:
    """Load the model, score the golden rows one by one and all at once, and take the time."""
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
    loaded = {name.partition(".")[0] for name in set(sys.modules) - before}
    return {
        "one_by_one": [found["prediction"].get("0") for found in alone],
        "batch": [batch["prediction"].get(str(place)) for place in range(len(users) * repeats)],
        "refused": [*batch.get("errors", {}).values()],
        "load_s": load_s,
        "call_s": median(times),
        "loaded": sorted(loaded - sys.stdlib_module_names - {"push_model"}),
    }


def main() -> None:
    """Answer the question on standard input."""
    question = json.load(sys.stdin)
    sys.meta_path.insert(0, ServingFinder(question.pop("package"), question.pop("numpy")))
    json.dump(answer(question), sys.stdout)


if __name__ == "__main__":
    main()
