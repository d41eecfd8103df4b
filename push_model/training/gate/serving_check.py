"""Does a fresh process with the serving modules alone answer as the trainer did, and in time?"""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from math import inf
from pathlib import Path
from typing import Any

import push_model
from push_model.errors import ModelFormatError, ModelIntegrityError
from push_model.model.scoring import WORTH_IMPORTING_NUMPY
from push_model.store.folder import read_model
from push_model.training.export import TOLERANCE
from push_model.training.gate.policy import Policy
from push_model.training.golden import Golden, read_golden

BUDGET_S = Policy().max_answer_s
LOAD_BUDGET_S = Policy().max_load_s
# Far beyond any load: what has not answered by then hangs.
TIMEOUT_S = 60.0
CALLS = 300

PROBE = Path(__file__).with_name("serving_probe.py")
_ANSWERED = {"one_by_one", "batch", "refused", "load_s", "call_s", "loaded"}


class _NoAnswerError(Exception):
    """A process gave no answer; its message says how."""


@dataclass(frozen=True, slots=True)
class ServingCheck:
    """What a fresh process made of a model folder.

    Attributes
    ----------
    passed : bool
        Whether it may serve.
    sentence : str
        Why, or why not.
    rows : int
        Golden rows that were scored.
    largest_gap : float or None
        Largest distance to the trainer's propensities; None where they could not be compared.
    load_s, answer_s : float or None
        Seconds of processor time until the first answer, import and all, and for a single user
        after that (median): a busy machine makes no model slow.
    has_numpy : bool
        Whether NumPy is installed, and was checked, too.
    """

    passed: bool
    sentence: str
    rows: int = 0
    largest_gap: float | None = None
    load_s: float | None = None
    answer_s: float | None = None
    has_numpy: bool = False

    def document(self) -> dict[str, Any]:
        """Give it as JSON-able data."""
        return asdict(self)


def check_serving(
    folder: Path,
    *,
    budget_s: float = BUDGET_S,
    load_budget_s: float = LOAD_BUDGET_S,
    timeout_s: float = TIMEOUT_S,
    probe: Path = PROBE,
) -> ServingCheck:
    """Let a fresh process without site-packages score the golden rows of a model folder.

    Notes
    -----
    Two processes: one finds the standard library and the serving modules, nothing else; where
    NumPy is installed another finds it too, and scores a batch large enough to use it.
    """
    numpy = _folder_of_numpy()
    asked = [None] if numpy is None else [None, numpy]
    try:
        golden = read_golden(folder)
        names = read_model(folder).model.feature_names
        answers = [
            _ask(probe, _question(folder, golden, names, numpy=found), timeout_s=timeout_s)
            for found in asked
        ]
    except (ModelIntegrityError, ModelFormatError, _NoAnswerError) as error:
        return ServingCheck(passed=False, sentence=str(error))
    gap, row = _largest_gap(golden, answers)
    load_s, answer_s = (max(found[key] for found in answers) for key in ("load_s", "call_s"))
    complaints = [
        *_complain_of_answers(golden, answers, gap, row),
        *_complain_of_time("Loading the model and answering once", load_s, load_budget_s),
        *_complain_of_time("Answering for a user", answer_s, budget_s),
    ]
    return ServingCheck(
        passed=not complaints,
        sentence=" ".join(complaints) or _praise(golden, gap, load_s, answer_s),
        rows=len(golden.rows),
        largest_gap=gap if gap < inf else None,
        load_s=load_s,
        answer_s=answer_s,
        has_numpy=numpy is not None,
    )


def _folder_of_numpy() -> str | None:
    found = find_spec("numpy")
    return str(Path(found.origin).parents[1]) if found and found.origin else None


def _question(
    folder: Path, golden: Golden, names: Sequence[str], *, numpy: str | None
) -> dict[str, Any]:
    return {
        "package": str(Path(push_model.__file__).parent),
        "numpy": numpy,
        "models_dir": str(folder.absolute().parent),
        "model": folder.name,
        "features": names,
        "rows": golden.rows,
        "calls": CALLS,
        # Without NumPy at hand the largest batch that plain Python scores.
        "batch": WORTH_IMPORTING_NUMPY if numpy else 1,
    }


def _ask(probe: Path, question: Mapping[str, Any], *, timeout_s: float) -> dict[str, Any]:
    """Run the probe and read its answer."""
    try:
        done = subprocess.run(  # noqa: S603 - this Python, and a script of ours
            [sys.executable, "-I", "-S", str(probe)],
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
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise _NoAnswerError(f"The serving process ended with code {done.returncode}: {last:.300}")
    try:
        answer = json.loads(done.stdout)
    except ValueError:
        answer = None
    if not isinstance(answer, dict) or set(answer) != _ANSWERED:
        raise _NoAnswerError("The serving process answered with something that is no answer.")
    return answer


def _largest_gap(golden: Golden, answers: list[dict[str, Any]]) -> tuple[float, int]:
    """Find the largest distance to the trainer, and in which row; a refusal is infinitely far."""
    trained, gaps = golden.propensities, []
    for answer in answers:
        for place, found in enumerate((*answer["one_by_one"], *answer["batch"])):
            row = place % len(trained)
            gaps.append((inf if found is None else abs(found - trained[row]), row))
    return max(gaps)


def _complain_of_answers(
    golden: Golden, answers: list[dict[str, Any]], gap: float, row: int
) -> Iterator[str]:
    for answer, allowed in zip(answers, ([], ["numpy"]), strict=False):
        if answer["loaded"] != allowed:
            yield (f"Serving loaded {answer['loaded']} of third parties, where {allowed} is right.")
    where = f"Golden row {row + 1} of {len(golden.rows)}"
    if gap == inf:
        reasons = [reason for answer in answers for reason in answer["refused"]]
        yield f"{where} is refused, where the trainer had an answer: it {reasons[0]}"
    elif gap > TOLERANCE:
        yield f"{where} differs from its trainer by {gap:.3g}; at most {TOLERANCE:g} is allowed."


def _complain_of_time(what: str, took: float, most: float) -> Iterator[str]:
    if took > most:
        yield f"{what} takes {1e3 * took:.3g} ms; at most {1e3 * most:.3g} ms are allowed."


def _praise(golden: Golden, gap: float, load_s: float, answer_s: float) -> str:
    return (
        f"{len(golden.rows)} golden rows agree with the trainer to {gap:.1g} in a fresh process "
        f"with serving alone: loaded in {1e3 * load_s:.0f} ms, {1e6 * answer_s:.0f} us a user."
    )
