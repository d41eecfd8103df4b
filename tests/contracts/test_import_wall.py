"""Check that a process that only serves loads the standard library and this package."""

import json
import os
import subprocess
import sys

import pytest

from push_model import FEATURES
from push_model.model import scoring

REPORT = """
import json, sys
before = set(sys.modules)
from push_model import handler_predict
{work}
loaded = {{name.partition(".")[0] for name in set(sys.modules) - before}}
print(json.dumps(sorted(loaded - sys.stdlib_module_names - {{"push_model"}})))
"""
USER = dict.fromkeys(FEATURES) | {"ordered_before": 1}


def third_party_loaded_by(work: str, **environment: str) -> list[str]:
    """Run a fresh interpreter without site-packages' start-up hooks and see what it loaded."""
    # -S keeps what .pth files load out of the account; the path is given instead.
    found = subprocess.run(
        [sys.executable, "-S", "-c", REPORT.format(work=work)],
        check=True,
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))} | environment,
    )
    return json.loads(found.stdout)


@pytest.mark.parametrize(("extra", "loaded"), [(-1, []), (0, ["numpy"])])
def test_only_a_large_batch_loads_numpy_and_nothing_loads_more(tmp_path, extra, loaded):
    n_products = scoring.WORTH_IMPORTING_NUMPY + extra
    event = {"users": json.dumps({"u": USER}), "explain": True, "details": True}
    work = f"""
from push_model.testing import make_model
make_model({str(tmp_path)!r})
assert handler_predict({event!r})["statusCode"] == "200"
handler_predict({{"users": {{"u": [{USER!r}] * {n_products}}}}})
"""

    assert third_party_loaded_by(work, PUSH_MODELS_DIR=str(tmp_path)) == loaded
