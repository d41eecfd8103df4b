"""The limits of the gate, and the file or the form that replaces some of them."""

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import Field

from push_model.errors import InvalidEventError
from push_model.serving.settings import expand_home
from push_model.training.parsing import Settings, parse

#: The limits that a form shows, beside the oldest champion; a policy file may set every limit.
FORM_LIMITS = ("margin", "min_holdout_orders")


class Policy(Settings):
    """The limits of the gate: each field says what it limits, and why there.

    Shares are fractions of 1, ratios of expected to actual purchases are 1 for a calibrated model,
    and a margin is a share of the champion's figure.

    Examples
    --------
    >>> Policy(margin=0.02).margin
    0.02
    """

    alpha: float = Field(
        0.05,
        gt=0,
        le=0.25,
        description="Error of each interval, both sides together. One claim in twenty may be "
        "wrong: a rollback takes a second.",
    )
    resamples: int = Field(
        1000,
        ge=200,
        le=20_000,
        description="Bootstrap replicates. With so many, the 2.5 % quantile moves by less than a "
        "tenth of its distance.",
    )
    margin: float = Field(
        0.05,
        ge=0,
        lt=1,
        description="Average precision that a challenger may lose. A model that lost so much to "
        "age is called stale (docs/staleness.md).",
    )
    precision_margin: float = Field(
        0.15,
        ge=0,
        lt=1,
        description="Precision of what is pushed that a challenger may lose. Wider than `margin`, "
        "because this precision is noisier.",
    )
    max_gain_over_champion: float = Field(
        1.5,
        gt=1,
        description="Average precision as a multiple of the champion's. A larger gain points to a "
        "data leak: no real change of this frame brought half as much.",
    )
    max_roc_auc: float = Field(
        0.97,
        gt=0.5,
        le=1,
        description="ROC-AUC. A larger one points to a data leak: published models reach 0.85 on "
        "this kind of frame.",
    )
    min_expected_per_actual: float = Field(
        0.7,
        ge=0,
        le=1,
        description='Expected purchases per actual one. With fewer, "send where p > 0.05" misses '
        "buyers.",
    )
    max_expected_per_actual: float = Field(
        1.43,
        ge=1,
        description="Expected purchases per actual one. With more, pushes go to people who do not "
        "buy.",
    )
    max_ece_per_base_rate: float = Field(
        0.5,
        gt=0,
        description="Expected calibration error as a share of the purchase rate. With a larger "
        "one a propensity is not a probability.",
    )
    slice_margin: float = Field(
        0.1,
        ge=0,
        lt=1,
        description="Average precision that a slice may lose. A group of users may not pay for "
        "the gain of others.",
    )
    min_slice_expected_per_actual: float = Field(
        0.5,
        ge=0,
        le=1,
        description="Expected purchases per actual one in a slice. A slice is small, so its limit "
        "is wider.",
    )
    max_slice_expected_per_actual: float = Field(
        2.0,
        ge=1,
        description="Expected purchases per actual one in a slice. As far from 1 as a half.",
    )
    max_slice_ece_per_base_rate: float = Field(
        1.0,
        gt=0,
        description="Expected calibration error in a slice, as a share of its purchase rate. "
        "Twice the overall limit, because a bin of a slice holds few purchases.",
    )
    min_slice_purchases: int = Field(
        50,
        ge=1,
        description="Purchases of the smallest slice that is checked. With fewer, the error of "
        "average precision is above a third.",
    )
    min_slice_orders: int = Field(
        15,
        ge=2,
        description="Orders of the smallest slice that is checked. Fewer bootstrapped orders show "
        "no spread.",
    )
    max_changed_share: float = Field(
        0.6,
        ge=0,
        le=1,
        description="Share of the champion's best 5 % of candidates that may be replaced. Another "
        "seed replaces a fifth, another model family two fifths.",
    )
    max_psi: float = Field(
        2.0,
        gt=0,
        description="Population stability index of a feature. Seasons alone move popularity by "
        "1.0 in 90 days; a wrong unit or a column that is no longer filled gives 4 and more.",
    )
    max_missing_change: float = Field(
        0.2,
        gt=0,
        le=1,
        description="Change of a feature's share of missing values. A column that a source stops "
        "filling changes by more.",
    )
    max_outside_share: float = Field(
        0.2,
        gt=0,
        le=1,
        description="Share of a feature's values outside the training's range. Days turned into "
        "hours leave the range in most rows.",
    )
    max_base_rate_change: float = Field(
        2.0,
        gt=1,
        description="Factor by which the purchase rate may change. Seasons move it by a fifth; a "
        "wrong filter or join moves it by multiples.",
    )
    max_candidates_change: float = Field(
        1.5,
        gt=1,
        description="Factor by which the number of candidates an order may change. A shop adds "
        "products one by one; a lost half of the rows doubles every purchase rate.",
    )
    max_signal_change: float = Field(
        0.02,
        gt=0,
        lt=0.5,
        description="Change of what a feature alone tells of purchases within an order, as "
        "ROC-AUC, beyond chance. On 240 days of two grocers no flag, price or popularity changed "
        "by half as much.",
    )
    min_purchases_per_usual: float = Field(
        0.25,
        ge=0,
        lt=1,
        description="Purchases of a product type in the newest days, as a share of those "
        "expected. Fashions do not end in a week; outcomes get lost.",
    )
    max_lead_loss: float = Field(
        0.1,
        ge=0,
        lt=1,
        description="Loss of the lead over popularity since the champion's own holdout, beyond "
        "chance. A join to other users lost a quarter of it.",
    )
    max_equal_orders: float = Field(
        0.01,
        ge=0,
        le=1,
        description="Share of orders that are there once more under another number. They would "
        "count twice in training.",
    )
    min_holdout_days: int = Field(
        2, ge=1, description="Days in the holdout. One day holds one weekday's customers."
    )
    min_holdout_orders: int = Field(
        20,
        ge=2,
        description="Orders in the holdout. Fewer bootstrapped orders show no spread.",
    )
    min_holdout_users: int = Field(
        10, ge=2, description="Users in the holdout or in a slice. A few users are not a sample."
    )
    min_holdout_purchases: int = Field(
        100,
        ge=1,
        description="Purchases in the holdout. With fewer, average precision is mostly luck.",
    )
    max_days_since_newest_order: int = Field(
        7,
        ge=0,
        description="Days from the newest order to the run date. A week without an order means "
        "that the source has stopped.",
    )
    min_orders_per_champion: float = Field(
        0.5,
        ge=0,
        description="Orders trained on, as a share of the champion's. Data that shrank by half "
        "was cut on its way.",
    )
    max_load_s: float = Field(
        1.0,
        gt=0,
        description="Seconds of processor time to load a model. A worker of the API starts in a "
        "second.",
    )
    max_answer_s: float = Field(
        0.002,
        gt=0,
        description="Seconds of processor time to score a user: 2 % of an API call of 100 ms, and "
        "thirty times the usual time.",
    )


def read_policy(document: object, *, place: str = "policy") -> Policy:
    """Read a policy; limits that are left out keep their defaults.

    Parameters
    ----------
    document : mapping
        Limits by name.
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
    policy: Policy = parse(Policy, document, place=place, example='{"margin": 0.02}')
    return policy


def read_policy_file(path: Path) -> dict[str, Any]:
    """Read the limits that a file replaces.

    Parameters
    ----------
    path : Path
        TOML if its name ends in ``.toml``, else JSON.

    Returns
    -------
    dict
        Limits by name, checked.

    Raises
    ------
    InvalidEventError
        If the file cannot be read, or is not a policy.
    """
    try:
        text = path.read_text("utf-8")
        document = tomllib.loads(text) if path.suffix == ".toml" else json.loads(text)
    except (OSError, ValueError) as error:
        raise InvalidEventError(f"The policy file {path} cannot be read: {error}.") from error
    read_policy(document, place=str(path))
    return dict(document)


def read_installed_policy(environ: Mapping[str, str]) -> Policy:
    """Read the policy of this installation: the file that ``PUSH_POLICY`` names, if it is set.

    Parameters
    ----------
    environ : mapping
        The environment of the process.

    Returns
    -------
    Policy
    """
    file = environ.get("PUSH_POLICY", "").strip()
    return read_policy(read_policy_file(Path(expand_home(file, "PUSH_POLICY"))) if file else {})
