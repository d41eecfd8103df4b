"""Judge the champion in one word by a fixed rule, and choose the one thing to do now."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from push_model.errors import list_some
from push_model.evaluation.results import Interval
from push_model.status.status import Quality, RunStatus, ServiceRecord, Status, Word

if TYPE_CHECKING:  # it needs pydantic, which takes a third of a second to import
    from push_model.training.gate.policy import Policy

# A daily run may be late, or somebody has paused the DAG.
_LATEST_RUN = timedelta(days=2)
# From so many days in a row without a winner on, something is wrong with data or model.
_KEPT_TOO_OFTEN = 3


class Measured(NamedTuple):
    """What a verdict says of a model, as champion or as challenger."""

    run: RunStatus
    orders: int
    average_precision: Interval
    popularity: Interval | None
    gain: Interval | None  # over popularity, paired; for a challenger only
    expected_per_actual: Interval | None

    @property
    def where(self) -> str:
        """The orders, and the run that measured on them."""
        return f"{self.orders} orders up to {self.run.run_date}, run {self.run.run_id}"


class _Complaint(NamedTuple):
    word: Word
    sentence: str


def find_measured(model_name: str, runs: Sequence[RunStatus]) -> Measured | None:
    """Return the figures of a model from the newest verdict that measured it."""
    for run in runs:
        verdict = run.verdict
        if verdict is None or verdict.holdout is None:
            continue
        roles = {verdict.champion_name: "champion", verdict.model_name: "challenger"}
        scorer = roles.get(model_name)
        precision = verdict.by_scorer("average_precision")
        if scorer is None or scorer not in precision:
            continue
        return Measured(
            run,
            verdict.holdout.orders,
            precision[scorer],
            precision.get("popularity"),
            verdict.holdout.gains.get("popularity") if scorer == "challenger" else None,
            verdict.by_scorer("expected_per_actual").get(scorer),
        )
    return None


def judge_champion(
    *,
    faults: Sequence[str],
    age_days: int | None,
    max_age_days: int,
    measured: Measured | None,
    service: ServiceRecord | None,
    kept_in_a_row: int,
    policy: "Policy",
) -> Quality:
    """Return the worst word that a rule gives, with the sentences of the rules that gave it.

    docs/operations.md has the rules as a table.
    """
    complaints = [
        *_judge_files(faults, age_days, max_age_days),
        *_judge_ranks(measured),
        *_judge_calibration(measured, policy),
        *_judge_service(service, policy),
    ]
    if kept_in_a_row >= _KEPT_TOO_OFTEN:
        said = f"No challenger has replaced it for {kept_in_a_row} days in a row."
        complaints.append(_Complaint("weak", said))
    for word in ("failing", "weak"):
        if found := [each for each in complaints if each.word == word]:
            sentence = " ".join(each.sentence for each in found)
            return Quality(word=found[0].word, sentence=sentence)
    return Quality(
        word="good",
        sentence="Its files are whole, it is young enough, it ranks better than popularity, and it "
        "expects as many purchases as happen.",
    )


def _judge_files(
    faults: Sequence[str], age_days: int | None, max_age_days: int
) -> Iterator[_Complaint]:
    if faults:
        yield _Complaint("failing", faults[0])
    if age_days is None:
        if not faults:
            yield _Complaint("weak", "Its age is unknown: its manifest holds no training date.")
    elif age_days > max_age_days:
        yield _Complaint(
            "failing", f"It was trained {age_days} days ago; {max_age_days} are allowed."
        )


def _judge_ranks(measured: Measured | None) -> Iterator[_Complaint]:
    if measured is None:
        yield _Complaint("weak", "No run has measured it.")
        return
    own, popular, gain = measured.average_precision, measured.popularity, measured.gain
    if gain is None and popular is None:
        yield _Complaint("weak", "It was not compared with popularity.")
        return
    # The gain is paired. The champion of a verdict has none: its interval must clear popularity's.
    low, high = (gain.low, gain.high) if gain else (0.0, 0.0)
    if gain is None and popular is not None:
        low, high = own.low - popular.high, own.high - popular.low
    if high <= 0:
        yield _Complaint("failing", "Its average precision is not above popularity's.")
    elif low <= 0:
        yield _Complaint("weak", "Its average precision is not clearly above popularity's.")


def _judge_calibration(measured: Measured | None, policy: "Policy") -> Iterator[_Complaint]:
    if measured is None:
        return
    low, high = policy.min_expected_per_actual, policy.max_expected_per_actual
    found = measured.expected_per_actual
    if found is None:
        yield _Complaint("weak", "Its expected purchases were not compared with actual ones.")
        return
    said = (
        f"It expects {found.estimate:.2f} purchases for each that happens ({found.low:.2f} to "
        f"{found.high:.2f}; allowed {low:g} to {high:g})."
    )
    if found.high < low or found.low > high:
        yield _Complaint("failing", said)
    elif found.low < low or found.high > high:
        yield _Complaint("weak", said)


def _judge_service(service: ServiceRecord | None, policy: "Policy") -> Iterator[_Complaint]:
    if service is None or service.ratio is None:
        return
    low, high = policy.min_expected_per_actual, policy.max_expected_per_actual
    is_enough = service.actual >= policy.min_holdout_purchases
    if is_enough and not low <= service.ratio <= high:
        yield _Complaint(
            "failing",
            f"While it served it expected {service.ratio:.2f} purchases for each that happened "
            f"(allowed {low:g} to {high:g}).",
        )


def choose_next_step(status: Status) -> str:
    """Return what to do now: the first of these steps, the worst state first."""
    return next(chain(_urgent_steps(status), _steps(status)), "No action needed.")


def _urgent_steps(status: Status) -> Iterator[str]:
    newest, champion = status.newest, status.champion
    if status.pointer_fault:
        yield status.pointer_fault
    if champion and champion.faults:
        yield from _steps_for_damage(status, champion.model_name)
    if newest and newest.outcome == "failed":
        yield f"The newest run failed. {newest.next_step}"
    if newest and newest.outcome == "unfinished":
        yield newest.next_step
    if champion is None:
        yield _step_to_the_first(newest)
    if champion and champion.quality.word == "failing":
        yield (
            f"{champion.model_name} is failing. {champion.quality.sentence} Retrain, or roll back: "
            "push-model rollback --reason ..."
        )


def _steps(status: Status) -> Iterator[str]:
    newest = status.newest
    if moved := [line.feature for line in status.drift if line.changed]:
        yield f"Find out what changed in the dataset: {list_some(moved)} moved."
    if status.kept_in_a_row >= _KEPT_TOO_OFTEN:
        yield (
            f"No challenger has won for {status.kept_in_a_row} days in a row. Fix what the newest "
            "run's reasons name."
        )
    if newest and _is_late(status.at, newest.at):
        yield "The newest run is older than two days. Check that push_retraining is not paused."
    if status.moves and status.moves[0].kind == "rollback":
        yield (
            "Find out why the rollback was needed: the next run may promote a challenger over "
            "the present champion."
        )
    if status.faults:
        yield status.faults[0]
    if status.champion and status.champion.quality.word == "weak":
        yield f"See whether the next run's challenger wins. {status.champion.quality.sentence}"


def _steps_for_damage(status: Status, name: str) -> Iterator[str]:
    earlier = [each for each in status.models if each.was_champion and not each.faults]
    if any(each.name != name for each in earlier):
        yield (
            f"{name} is damaged. Roll back to the last whole champion: "
            "push-model rollback --reason ..., or restore its files from a backup."
        )
    yield f"{name} is damaged. Restore its files from a backup, or retrain."


def _step_to_the_first(newest: RunStatus | None) -> str:
    if newest is None:
        return "Train a first model: make retrain, or start push_retraining in Airflow."
    if newest.verdict and newest.verdict.decision == "promote":
        return f"Nothing serves. Promote it: push-model promote {newest.model_name} --reason ..."
    return "Nothing serves. Fix what the newest run's reasons name, then retrain."


def _is_late(now: str, newest: str) -> bool:
    return datetime.fromisoformat(now) - datetime.fromisoformat(newest) > _LATEST_RUN
