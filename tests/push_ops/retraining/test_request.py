from datetime import date
from pathlib import Path

import pytest

from push_model.errors import InvalidEventError, InvalidSettingError
from push_model.training.gate.policy import Policy
from push_model.training.parametrisation import (
    BoostedTrees,
    LogisticRegression,
    read_parametrisation,
)
from push_ops.retraining.form import FORM
from push_ops.retraining.request import _name_of_day, is_daily, read_request

INSTALLATION = {
    "PUSH_DATASET": "/data/frame.csv",
    "PUSH_RUNS_DIR": "/srv/runs",
    "PUSH_MODELS_DIR": "/srv/models",
}

DAY = date(2021, 3, 1)
NAMES = {
    "data/feature_frame_{yyyymmdd}.csv": "data/feature_frame_20210301.csv",
    "{yyyy}/{mm}/{dd}/frame.parquet": "2021/03/01/frame.parquet",
    "frame_{yyyymmdd-1}.csv": "frame_20210228.csv",
    "{yyyy-1}-{mm-1}-{dd-1}.csv": "2021-02-28.csv",
    "conn://shop/exports/{yyyymmdd}.csv": "conn://shop/exports/20210301.csv",
}


def read(environ=INSTALLATION, run_type="scheduled", triggered_by=None, **form):
    untouched = {name: field["default"] for name, field in FORM.items()}
    return read_request(
        untouched | form,
        run_id="scheduled",
        run_date=date(2021, 3, 4),
        run_type=run_type,
        triggered_by=triggered_by,
        environ=environ,
    )


def test_an_untouched_form_trains_the_final_model_on_the_installations_dataset():
    request = read()

    assert request.dataset == "/data/frame.csv"
    assert request.parametrisation == read_parametrisation("final_model")
    assert request.min_items == 5
    assert request.promotion == "auto"
    assert request.runs_dir == Path("/srv/runs")
    assert request.models_dir == Path("/srv/models")


@pytest.mark.parametrize(
    ("asked", "promotion"), [("auto", "never"), ("manual", "manual"), ("never", "never")]
)
def test_a_backfilled_day_promotes_nothing_unless_a_person_approves_it(asked, promotion):
    request = read(run_type="backfill", promotion=asked)

    assert request.promotion == promotion
    assert request.is_backfill


@pytest.mark.parametrize("run_type", ["scheduled", "manual", "asset_triggered"])
def test_every_other_run_promotes_as_the_form_says(run_type):
    request = read(run_type=run_type)

    assert request.promotion == "auto"
    assert not request.is_backfill


def test_the_log_gets_the_person_who_started_a_run_or_else_what_did():
    assert read(triggered_by="ana", run_type="manual").requested_by == "ana"
    assert read(run_type="scheduled").requested_by == "scheduled"


def test_a_dataset_in_the_form_wins_over_the_installations():
    assert read(dataset=" /data/other.parquet ").dataset == "/data/other.parquet"


@pytest.mark.parametrize("nothing", ["", "  ", None])
def test_a_cleared_dataset_means_the_installations(nothing):
    assert read(dataset=nothing).dataset == "/data/frame.csv"


def test_an_own_parametrisation_wins_over_the_preset():
    request = read(
        model="logistic_regression_l1",
        model_parametrisation={"model": "boosted_trees", "depth": 3},
    )

    assert request.parametrisation == BoostedTrees(depth=3)


@pytest.mark.parametrize("nothing", [None, {}])
def test_an_empty_own_parametrisation_leaves_the_choice_to_the_preset(nothing):
    request = read(model="logistic_regression_l1", model_parametrisation=nothing)

    assert request.parametrisation == LogisticRegression(penalty="l1")


def test_no_dataset_anywhere_is_refused_with_what_to_do():
    environ = INSTALLATION | {"PUSH_DATASET": ""}

    with pytest.raises(InvalidEventError, match=r"names no dataset .* set PUSH_DATASET"):
        read(environ)


@pytest.mark.parametrize("variable", ["PUSH_RUNS_DIR", "PUSH_MODELS_DIR"])
def test_a_folder_that_is_not_set_is_refused_by_name(variable):
    environ = {name: value for name, value in INSTALLATION.items() if name != variable}

    with pytest.raises(InvalidEventError, match=f"{variable} is not set"):
        read(environ)


def test_relative_folders_are_pinned_down_at_once(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    request = read(INSTALLATION | {"PUSH_RUNS_DIR": "runs"})

    assert request.runs_dir == tmp_path / "runs"


def test_limits_of_the_form_win_over_the_installations_and_those_over_the_defaults(tmp_path):
    (tmp_path / "policy.toml").write_text("margin = 0.02\nmax_psi = 9.0\n")
    environ = INSTALLATION | {"PUSH_POLICY": str(tmp_path / "policy.toml")}

    found = read(environ, policy={"margin": 0.01}).policy

    assert (found.margin, found.max_psi, found.alpha) == (0.01, 9.0, Policy().alpha)
    assert read().policy == Policy()


def test_the_oldest_champion_is_a_limit_of_the_form_and_a_setting():
    environ = INSTALLATION | {"PUSH_MAX_AGE_DAYS": "50"}

    assert read(environ).max_age_days == 50
    assert read(environ, policy={"max_age_days": 30}).max_age_days == 30


def test_a_policy_file_that_is_not_there_is_named():
    with pytest.raises(InvalidEventError, match=r"none\.json cannot be read"):
        read(INSTALLATION | {"PUSH_POLICY": "/none.json"})


def test_the_run_date_is_put_into_the_name_of_a_daily_dataset():
    environ = INSTALLATION | {"PUSH_DATASET": "/data/feature_frame_{yyyymmdd}.csv"}

    request = read(environ)

    assert request.dataset == "/data/feature_frame_20210304.csv"
    assert request.is_daily
    assert not read(environ, dataset="/data/frame.csv").is_daily


@pytest.mark.parametrize(
    "uri", ["postgresql://ana:hunter2@db/shop?table=f", "conn://ana:hunter2@db?table=f_{ds}"]
)
def test_a_password_in_the_datasets_uri_is_refused_and_not_repeated(uri):
    with pytest.raises(InvalidEventError, match="Keep them in an Airflow connection") as error:
        read(dataset=uri)

    assert "hunter2" not in str(error.value)


@pytest.mark.parametrize(("pattern", "name"), NAMES.items())
def test_a_day_is_put_where_the_name_has_a_place_for_it(pattern, name):
    assert _name_of_day(pattern, DAY) == name
    assert is_daily(pattern)


@pytest.mark.parametrize("plain", ["data/frame.csv", "file:///a%20b.csv", "a{{yyyymmdd}}.csv"])
def test_a_name_without_a_place_for_the_day_is_not_daily(plain):
    assert _name_of_day(plain, DAY) == plain.replace("{{", "{").replace("}}", "}")
    assert not is_daily(plain)


@pytest.mark.parametrize(
    ("pattern", "part"),
    [
        ("frame_{ds}.csv", "{ds}"),
        ("frame_{YYYYMMDD}.csv", "{YYYYMMDD}"),
        ("frame_{yyyymmdd+1}.csv", "{yyyymmdd+1}"),
        ("frame_{}.csv", "{}"),
        ("frame_{yyyymmdd.csv", "{"),
        ("frame_yyyymmdd}.csv", "}"),
    ],
)
def test_an_unknown_placeholder_is_refused_with_the_known_ones(pattern, part):
    with pytest.raises(InvalidEventError) as error:
        _name_of_day(pattern, DAY)

    assert f"holds {part!r}. Known placeholders: ['{{yyyymmdd}}', " in str(error.value)


def test_how_long_a_dataset_is_waited_for_is_a_setting():
    request = read(INSTALLATION | {"PUSH_DATASET_WAIT_S": "60", "PUSH_DATASET_SETTLE_S": ""})

    assert (request.wait_s, request.settle_s) == (60, 30)
    assert read().wait_s == 4 * 3600
    with pytest.raises(InvalidSettingError, match=r"^PUSH_DATASET_WAIT_S must be a whole number"):
        read(INSTALLATION | {"PUSH_DATASET_WAIT_S": "4h"})
