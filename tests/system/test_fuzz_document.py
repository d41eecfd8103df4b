"""Fuzz the reading of model documents with a fuzzer that sees the branches."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# `python -m tests.faults.fuzz_document` goes on for as long as you like.
DOCUMENTS = 15_000


@pytest.mark.skipif(find_spec("atheris") is None, reason="atheris exists for Linux alone")
def test_a_fuzzer_finds_no_error_but_those_of_the_contract(tmp_path):
    fuzzer = subprocess.run(
        [
            sys.executable,
            "-m",
            "tests.faults.fuzz_document",
            "-seed=1",
            f"-runs={DOCUMENTS}",
            f"-artifact_prefix={tmp_path}/",
        ],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=1_200,
        check=False,
    )

    assert fuzzer.returncode == 0, fuzzer.stderr[-3_000:]
    assert not list(tmp_path.iterdir())
