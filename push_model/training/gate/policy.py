"""Which limits must a challenger keep, and why these? A file or a form may override them."""

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from push_model.errors import InvalidEventError
from push_model.training.bounds import limited, read_limited


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The limits of the gate; each field's metadata holds its reason.

    Attributes
    ----------
    alpha : float
        Error of each claim, both sides together: every interval holds the rest.
    resamples : int
        Times the orders are drawn anew.
    margin : float
        Share of the champion's average precision a challenger may lose.
    precision_margin : float
        The same of the precision of what is pushed.
    max_gain_over_champion, max_roc_auc : float
        Beyond them a challenger is too good to be true.
    min_expected_per_actual, max_expected_per_actual : float
        Purchases promised for each one made.
    max_ece_per_base_rate : float
        Expected calibration error as a share of the base rate.
    slice_margin : float
        Share of the champion's average precision that a slice may lose.
    min_slice_expected_per_actual, max_slice_expected_per_actual : float
        As above, in a slice.
    max_slice_ece_per_base_rate : float
        The same error in a slice.
    min_slice_purchases, min_slice_orders : int
        Fewer give no power, and the slice no say.
    max_changed_share : float
        Share of the champion's best 5 % that the challenger may replace.
    max_psi : float
        Population stability index of a feature against the champion's training.
    max_missing_change : float
        Change of a feature's share of missing values.
    max_outside_share : float
        Share of a feature's values outside the champion's range.
    max_base_rate_change : float
        Times the base rate may rise or fall against the champion's training.
    min_holdout_days, min_holdout_orders, min_holdout_users, min_holdout_purchases : int
        What a verdict needs.
    max_days_since_newest_order : int
        From the newest order to the run date.
    min_orders_per_champion : float
        Orders to learn from, as a share of the champion's.
    max_load_s, max_answer_s : float
        The latency budget of the serving check.
    """

    alpha: float = limited(
        0.05,
        above=0,
        at_most=0.25,
        reason="One daily verdict in twenty may claim wrongly; a rollback takes a second.",
    )
    resamples: int = limited(
        1000,
        at_least=200,
        at_most=20_000,
        reason="The 2.5 % quantile of so many moves by less than a tenth of its distance.",
    )
    margin: float = limited(
        0.05,
        at_least=0,
        below=1,
        reason="A model may lose so much to age before it is called stale (docs/staleness.md); a "
        "fresh one may cost as much, no more.",
    )
    precision_margin: float = limited(
        0.15,
        at_least=0,
        below=1,
        reason="A wrong push costs uninstalls. Precision of what is pushed is noisier than "
        "average precision, so its margin is wider.",
    )
    max_gain_over_champion: float = limited(
        1.5,
        above=1,
        reason="No honest change of this frame brought half as much again; a leaked outcome does.",
    )
    max_roc_auc: float = limited(
        0.97, above=0.5, at_most=1, reason="Published models reach .85 on this kind of frame."
    )
    min_expected_per_actual: float = limited(
        0.7, at_least=0, at_most=1, reason='Below it "send where p > 0.05" misses buyers.'
    )
    max_expected_per_actual: float = limited(
        1.43, at_least=1, reason="Above it pushes go to people who do not buy; as far as 0.7."
    )
    max_ece_per_base_rate: float = limited(
        0.5, above=0, reason="Propensities off by half the base rate rank, but promise nothing."
    )
    slice_margin: float = limited(
        0.1, at_least=0, below=1, reason="A group of users may not pay for the others' gain."
    )
    min_slice_expected_per_actual: float = limited(
        0.5, at_least=0, at_most=1, reason="Half of the purchases promised is no promise."
    )
    max_slice_expected_per_actual: float = limited(
        2.0, at_least=1, reason="As far as a half, on the other side."
    )
    max_slice_ece_per_base_rate: float = limited(
        1.0, above=0, reason="Twice what is taken overall, for a slice has few purchases in a bin."
    )
    min_slice_purchases: int = limited(
        50, at_least=1, reason="Average precision of fewer has an error of a third and more."
    )
    min_slice_orders: int = limited(
        15, at_least=2, reason="Orders are what is drawn anew; fewer show no spread."
    )
    max_changed_share: float = limited(
        0.6,
        at_least=0,
        at_most=1,
        reason="Another seed changes a fifth of the list, another family two fifths.",
    )
    max_psi: float = limited(
        2.0,
        above=0,
        reason="Seasons alone move popularity by an index of 1.0 against a champion 90 days "
        "older; a wrong unit or a column that is no longer filled gives 4 and more.",
    )
    max_missing_change: float = limited(
        0.2,
        above=0,
        at_most=1,
        reason="A column that a source stops filling changes by more.",
    )
    max_outside_share: float = limited(
        0.2,
        above=0,
        at_most=1,
        reason="Days turned to hours leave the range in most rows.",
    )
    max_base_rate_change: float = limited(
        2.0, above=1, reason="Seasons move it by a fifth; a wrong filter or join by multiples."
    )
    min_holdout_days: int = limited(2, at_least=1, reason="One day is one weekday's customers.")
    min_holdout_orders: int = limited(
        20, at_least=2, reason="Orders are what is drawn anew; fewer show no spread."
    )
    min_holdout_users: int = limited(10, at_least=2, reason="A few users' tastes are no sample.")
    min_holdout_purchases: int = limited(
        100, at_least=1, reason="Average precision of fewer is mostly luck."
    )
    max_days_since_newest_order: int = limited(
        7, at_least=0, reason="A week without any order is a source that dried up, not a shop."
    )
    min_orders_per_champion: float = limited(
        0.5, at_least=0, reason="Data that shrank by half was cut off somewhere on its way."
    )
    max_load_s: float = limited(1.0, above=0, reason="A worker of the API starts in a second.")
    max_answer_s: float = limited(
        0.002,
        above=0,
        reason="A score is 2 % of an API call of 100 ms; thirty times what it takes.",
    )


def read_policy(document: object, *, place: str = "policy") -> Policy:
    """Read a policy, refusing what is unknown or out of range.

    Parameters
    ----------
    document : mapping
        Limits by name; what is left out keeps its default.
    place : str
        Where it stands, for the message.

    Returns
    -------
    Policy

    Raises
    ------
    InvalidEventError
        If a name is unknown, or a value has the wrong type or range.

    Examples
    --------
    >>> read_policy({"margin": 0.02}).margin
    0.02
    """
    if not isinstance(document, Mapping):
        raise InvalidEventError(
            f'{place} must be an object such as {{"margin": 0.02}}, got {type(document).__name__}.'
        )
    return read_limited(Policy, document, place)


def read_policy_file(path: Path) -> dict[str, Any]:
    """Read the limits that a file overrides.

    Parameters
    ----------
    path : Path
        JSON, or TOML where it is so named.

    Returns
    -------
    dict
        Limits by name, checked.

    Raises
    ------
    InvalidEventError
        If it cannot be read, or is no policy.
    """
    try:
        text = path.read_text("utf-8")
        document = tomllib.loads(text) if path.suffix == ".toml" else json.loads(text)
    except (OSError, ValueError) as error:
        raise InvalidEventError(f"The policy file {path} cannot be read: {error}.") from error
    read_policy(document, place=str(path))
    return dict(document)
