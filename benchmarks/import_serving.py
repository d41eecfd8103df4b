"""Compare what a fresh process pays before its first answer with the usual way.

    python benchmarks/import_serving.py --repeats 11

Each way runs in processes of its own; the first line is what Python costs before any import.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path

from measure import measure, print_costs

# A store made once, so that only the answer is paid for.
FIRST_ANSWER = """
import json
from push_model import FEATURES, handler_predict
answer = handler_predict({"users": json.dumps({"u": dict.fromkeys(FEATURES)})})
assert answer["statusCode"] == "200", answer
"""

WAYS = {
    "python alone": "",
    "ours: from push_model import handler_predict": "from push_model import handler_predict",
    "ours: the first answer, 300 trees": FIRST_ANSWER,
    "usual: joblib, pandas, sklearn": (
        "import joblib, pandas, sklearn.pipeline, sklearn.linear_model, sklearn.impute"
    ),
    "with CatBoost: catboost, pandas": "import catboost, pandas",
}

COUNT = """
import sys
before = set(sys.modules)
{way}
loaded = {{name for name in set(sys.modules) - before if name.partition(".")[0]
           not in sys.stdlib_module_names and not name.startswith("push_model")}}
print(len(loaded))
"""


def main() -> None:
    """Print seconds and memory of each way, then how many modules of others it loads."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=11)
    repeats = parser.parse_args().repeats
    with tempfile.TemporaryDirectory() as store:
        make_store = [sys.executable, str(Path(__file__).with_name("trained_store.py")), store]
        subprocess.run(make_store, check=True, stdout=subprocess.DEVNULL)
        os.environ["PUSH_MODELS_DIR"] = store
        costs = measure(
            {name: [sys.executable, "-c", way] for name, way in WAYS.items()}, repeats=repeats
        )
        modules = {name: count_modules(way) for name, way in WAYS.items()}
    print(f"A fresh process, median of {repeats}\n")
    print_costs(costs, peer=list(WAYS)[3])
    print_sizes()
    print("\nModules of third parties loaded")
    for name, n_modules in modules.items():
        print(f"  {name:<46} {n_modules:5}")


def count_modules(way: str) -> int:
    """Count the modules of third parties that a fresh process loads."""
    command = [sys.executable, "-c", COUNT.format(way=way)]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def print_sizes() -> None:
    """Print what each way takes on the disk, without what it in turn needs beyond these."""
    ours = Path(find_spec("push_model").origin).parent
    rooms = (ours / room for room in ("model", "store", "serving"))
    serving = [*ours.glob("*.py"), *(path for room in rooms for path in room.rglob("*.py"))]
    print(f"\nInstalled, MB\n  {'ours, the wheel':<46} {megabytes(serving):7.2f}")
    for name in ("numpy", "pandas", "scipy", "sklearn", "catboost"):
        folder = Path(find_spec(name).origin).parent
        print(f"  {name:<46} {megabytes(folder.rglob('*')):7.2f}")


def megabytes(paths: Iterable[Path]) -> float:
    """Add up the sizes of files, without compiled Python."""
    return sum(p.stat().st_size for p in paths if p.is_file() and p.suffix != ".pyc") / 2**20


if __name__ == "__main__":
    main()
