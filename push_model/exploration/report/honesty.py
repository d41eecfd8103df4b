"""Does a calibration make propensities more honest? Told in calibration error, not in ranking."""

from push_model.exploration.report.comparing import Difference
from push_model.exploration.report.found import Found, metric_of

CALIBRATED = "calibrated"
MORE, LESS, ALIKE = "more honest", "less honest", "as honest"


def asks_honesty(difference: Difference) -> bool:
    """Say whether a comparison asks for honesty.

    Notes
    -----
    A line through the log-odds keeps the order of candidates, and so average precision.
    """
    return difference.entry.treatment == CALIBRATED != difference.rival.treatment


def judge_honesty(found: Found, difference: Difference) -> str:
    """Answer in calibration error whether an entry is more honest than its neighbour."""
    error, before = _means(found, difference, "ece")
    changes, folds = _changes(found, difference, "ece"), len(found.folds)
    if not error < before and not error > before:
        return ALIKE
    word, sign = (MORE, -1) if error < before else (LESS, 1)
    agreeing = sum(sign * change > 0 for change in changes)
    return word if agreeing == folds else f"{word} on the mean, on {agreeing} of {folds} folds"


def say_honesty(found: Found, difference: Difference) -> str:
    """Give calibration error and log loss before and after a calibration."""
    says = []
    for metric, name in (("ece", "Calibration error (ECE)"), ("log_loss", "log loss")):
        after, before = _means(found, difference, metric)
        fell = count_lower(found, difference, metric)
        says.append(
            f"{name} {before:.5f} before and {after:.5f} after, lower on {fell} of "
            f"{len(found.folds)} folds"
        )
    results = (difference.entry.results[fold] for fold in found.folds)
    decided = [(result.facts.get("calibration") or {}).get("method") for result in results]
    if all(decided):
        kept = sum(method != "none" for method in decided)
        says.append(f"a line was found worth keeping on {kept} of {len(found.folds)} folds")
    return f"{'; '.join(says)}. No interval: only average precision was drawn anew."


def count_lower(found: Found, difference: Difference, metric: str = "ece") -> int:
    """Count the folds on which a metric fell."""
    return sum(change < 0 for change in _changes(found, difference, metric))


def _means(found: Found, difference: Difference, metric: str) -> tuple[float, float]:
    return found.mean(difference.entry, metric), found.mean(difference.rival, metric)


def _changes(found: Found, difference: Difference, metric: str) -> list[float]:
    pairs = [
        [metric_of(entry.results[fold], metric) for entry in (difference.entry, difference.rival)]
        for fold in found.folds
    ]
    return [after - before for after, before in pairs if after is not None and before is not None]
