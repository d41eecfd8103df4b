"""Check that a fresh process answers as the trainer did, in time, and without training code."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Any

import push_model
from push_model.errors import ModelFormatError, ModelIntegrityError
from push_model.model.scoring import WORTH_IMPORTING_NUMPY
from push_model.store.folder import read_model
from push_model.training.export import TOLERANCE
from push_model.training.golden import Golden, read_golden

# A process that has not answered by then hangs, whatever the load of the machine.
_TIMEOUT_S = 60.0

_PROBE = Path(__file__).with_name("serving_probe.py")
_CALLS = 300
_ANSWERED = {"one_by_one", "batch", "refused", "load_s", "call_s", "loaded"}


class _NoAnswerError(Exception):
    """A process gave no answer; the message says why."""


@dataclass(frozen=True, slots=True)
class ServingCheck:
    """What a fresh process made of a model folder."""

    passed: bool
    sentence: str
    rows: int = 0  # golden rows that were scored
    largest_gap: float | None = None  # to the trainer's propensities; None: not comparable
    load_s: float | None = None  # processor time until the first answer, imports included
    answer_s: float | None = None  # processor time for one user after that, the median


def check_serving(
    folder: Path,
    *,
    budget_s: float,
    load_budget_s: float,
    timeout_s: float = _TIMEOUT_S,
    probe: Path = _PROBE,
) -> ServingCheck:
    """Let a fresh process score the golden rows of a model folder.

    Notes
    -----
    The process scores single users in plain Python, then a batch that is large enough for NumPy.
    Processor time is measured, so a busy machine does not make a model slow.
    """
    try:
        golden = read_golden(folder)
        names = read_model(folder).model.feature_names
        answer = _ask(probe, _question(folder, golden, names), timeout_s=timeout_s)
    except (ModelIntegrityError, ModelFormatError, _NoAnswerError) as error:
        return ServingCheck(passed=False, sentence=str(error))
    gap, row = _largest_gap(golden, answer)
    load_s, answer_s = answer["load_s"], answer["call_s"]
    complaints = [
        *_complain_of_modules(answer["loaded"]),
        *_complain_of_answers(golden, answer, gap, row),
        *_complain_of_time("Loading the model and answering once", load_s, load_budget_s),
        *_complain_of_time("Answering for one user", answer_s, budget_s),
    ]
    return ServingCheck(
        passed=not complaints,
        sentence=" ".join(complaints)
        or f"A fresh process agrees with the trainer on {len(golden.rows)} golden rows to "
        f"{gap:.1g}; it loads in {1e3 * load_s:.0f} ms and takes {1e6 * answer_s:.0f} us a user.",
        rows=len(golden.rows),
        largest_gap=gap if gap < inf else None,
        load_s=load_s,
        answer_s=answer_s,
    )


def _question(folder: Path, golden: Golden, names: Sequence[str]) -> dict[str, Any]:
    return {
        "path": str(Path(push_model.__file__).parents[1]),
        "models_dir": str(folder.absolute().parent),
        "model": folder.name,
        "features": names,
        "rows": golden.rows,
        "calls": _CALLS,
        "batch": WORTH_IMPORTING_NUMPY,
    }


def _ask(probe: Path, question: Mapping[str, Any], *, timeout_s: float) -> dict[str, Any]:
    """Run the probe and read its answer."""
    try:
        done = subprocess.run(  # noqa: S603 - this Python, and a script of ours
            [sys.executable, "-I", str(probe)],
            input=json.dumps(question),
            capture_output=True,
            text=True,
            errors="replace",
            env={},
            timeout=timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise _NoAnswerError(
            f"The serving process gave no answer within {timeout_s:g} s and was ended."
        ) from None
    if done.returncode < 0:
        raise _NoAnswerError(f"The serving process was killed by signal {-done.returncode}.")
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["it wrote no error"])[-1]
        raise _NoAnswerError(f"The serving process ended with code {done.returncode}: {last:.300}")
    try:
        answer = json.loads(done.stdout)
    except ValueError:
        answer = None
    if not isinstance(answer, dict) or set(answer) != _ANSWERED:
        raise _NoAnswerError("The serving process wrote something that is not an answer.")
    return answer


def _largest_gap(golden: Golden, answer: Mapping[str, Any]) -> tuple[float, int]:
    """Find the largest distance to the trainer, and its row; a refusal is infinitely far."""
    trained, gaps = golden.propensities, []
    for place, found in enumerate((*answer["one_by_one"], *answer["batch"])):
        row = place % len(trained)
        gaps.append((inf if found is None else abs(found - trained[row]), row))
    return max(gaps)


def _complain_of_modules(loaded: Sequence[str]) -> Iterator[str]:
    others = sorted({*loaded} - {*sys.stdlib_module_names, "push_model", "numpy"})
    if others:
        yield f"Serving loaded {others}; it may load NumPy alone."


def _complain_of_answers(
    golden: Golden, answer: Mapping[str, Any], gap: float, row: int
) -> Iterator[str]:
    where = f"Golden row {row + 1} of {len(golden.rows)}"
    if gap == inf:
        yield f"{where} is refused, but the trainer had an answer: it {answer['refused'][0]}"
    elif gap > TOLERANCE:
        yield f"{where} differs from its trainer by {gap:.3g}; at most {TOLERANCE:g} is allowed."


def _complain_of_time(what: str, took: float, most: float) -> Iterator[str]:
    if took > most:
        yield f"{what} takes {1e3 * took:.3g} ms; at most {1e3 * most:.3g} ms are allowed."
