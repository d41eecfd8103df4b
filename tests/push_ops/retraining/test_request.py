from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner

from push_model.commands.app import app
from push_model.errors import InvalidEventError, InvalidSettingError, PushModelError
from push_model.serving.settings import find_store
from push_model.testing import make_model
from push_model.training.data.files import to_path
from push_model.training.fit_request import read_fit_request
from push_model.training.gate.policy import Policy
from push_model.training.parametrisation import (
    FINAL_MODEL,
    BoostedTrees,
    LogisticRegression,
    read_parametrisation,
)
from tests.push_ops.asked import read

L1 = {"model": "logistic_regression_l1"}


def test_an_untouched_form_trains_the_final_model_on_the_installations_dataset():
    request = read()

    assert request.dataset == "/data/frame.csv"
    assert request.parametrisation == read_parametrisation(FINAL_MODEL)
    assert (request.min_items, request.promotion) == (5, "auto")
    assert (request.runs_dir, request.models_dir) == (Path("/srv/runs"), Path("/srv/models"))
    assert request.policy == Policy()


@pytest.mark.parametrize(
    ("run_type", "asked", "promotion"),
    [
        ("backfill", "auto", "never"),
        ("backfill", "manual", "manual"),
        ("backfill", "never", "never"),
        ("scheduled", "auto", "auto"),
        ("manual", "auto", "auto"),
        ("asset_triggered", "auto", "auto"),
    ],
)
def test_a_backfill_alone_promotes_nothing_unless_a_person_approves_it(run_type, asked, promotion):
    request = read(run_type=run_type, promotion=asked)

    assert request.promotion == promotion
    assert request.is_backfill is (run_type == "backfill")


def test_the_log_gets_the_person_who_started_a_run_or_else_what_did():
    assert read(triggered_by="ana").requested_by == "ana"
    assert read(triggered_by=None, run_type="scheduled").requested_by == "scheduled"


@pytest.mark.parametrize(
    ("given", "dataset"),
    [
        (" /data/other.parquet ", "/data/other.parquet"),
        ("", "/data/frame.csv"),
        ("  ", "/data/frame.csv"),
        (None, "/data/frame.csv"),
    ],
)
def test_a_dataset_in_the_form_wins_over_the_installations(given, dataset):
    assert read(dataset=given).dataset == dataset


@pytest.mark.parametrize(
    ("own", "parametrisation"),
    [
        ({"model": "boosted_trees", "depth": 3}, BoostedTrees(depth=3)),
        (None, LogisticRegression(penalty="l1")),
        ({}, LogisticRegression(penalty="l1")),
    ],
)
def test_an_own_parametrisation_wins_over_the_preset(own, parametrisation):
    assert read(**L1, model_parametrisation=own).parametrisation == parametrisation


@pytest.mark.parametrize(
    ("setting", "error"),
    [
        ({"PUSH_DATASET": ""}, r"names no dataset .* set PUSH_DATASET"),
        ({"PUSH_RUNS_DIR": ""}, "PUSH_RUNS_DIR is not set"),
        ({"PUSH_MODELS_DIR": " "}, "PUSH_MODELS_DIR is not set"),
        ({"PUSH_POLICY": "/none.json"}, r"none\.json cannot be read"),
    ],
)
def test_a_setting_that_is_missing_or_leads_nowhere_is_named(setting, error):
    with pytest.raises(InvalidEventError, match=error):
        read(setting)


def test_relative_folders_are_pinned_down_at_once(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    assert read({"PUSH_RUNS_DIR": "runs"}).runs_dir == tmp_path / "runs"


def of_command(path):
    """Return the first model that a command finds in a store."""
    return (
        CliRunner().invoke(app, ["models"], env={"PUSH_MODELS_DIR": path, "COLUMNS": "200"}).output
    )


def fit_in(path):
    event = {"model_parametrisation": FINAL_MODEL, "models_dir": path}
    return read_fit_request(event, today=date(2021, 3, 4)).models_dir


EXPANDED = {
    "PUSH_RUNS_DIR": lambda path: read({"PUSH_RUNS_DIR": path}).runs_dir,
    "PUSH_MODELS_DIR": lambda path: read({"PUSH_MODELS_DIR": path}).models_dir,
    "PUSH_POLICY": lambda path: read({"PUSH_POLICY": f"{path}/policy.json"}).policy.margin,
    "PUSH_DATASET": lambda path: to_path(read({"PUSH_DATASET": path}).dataset),
    "the store that serves": find_store,
    "a command's option": of_command,
    "the event of handler_fit": fit_in,
}


@pytest.mark.parametrize("use", EXPANDED.values(), ids=EXPANDED)
def test_a_tilde_is_the_home_folder_in_each_setting(tmp_path, monkeypatch, use):
    monkeypatch.setenv("HOME", str(tmp_path))
    make_model(tmp_path / "here", "push_here")
    (tmp_path / "here" / "policy.json").write_text('{"margin": 0.5}')

    assert str(use("~/here")) == str(use(str(tmp_path / "here")))
    # As in a container whose user has neither HOME nor a name.
    try:
        found = str(use("~no-such-user/here"))
    except PushModelError as error:
        found = str(error)
    assert "begins with '~'" in found


def test_limits_of_the_form_win_over_the_installations_and_those_over_the_defaults(tmp_path):
    (tmp_path / "policy.toml").write_text("margin = 0.02\nmax_psi = 9.0\n")

    found = read({"PUSH_POLICY": str(tmp_path / "policy.toml")}, policy={"margin": 0.01}).policy

    assert (found.margin, found.max_psi, found.alpha) == (0.01, 9.0, Policy().alpha)


def test_limits_that_the_form_changed_are_kept_with_the_usual_ones(tmp_path):
    (tmp_path / "policy.json").write_text('{"margin": 0.02, "max_psi": 9}')
    setting = {"PUSH_POLICY": str(tmp_path / "policy.json"), "PUSH_MAX_AGE_DAYS": "50"}
    loosened = {"margin": 0.2, "min_holdout_orders": 20, "max_age_days": 90}

    assert read(setting).changed_limits == {}
    assert read(setting, policy=loosened).changed_limits == {
        "margin": {"value": 0.2, "usual": 0.02},
        "max_age_days": {"value": 90, "usual": 50},
    }


def test_a_mistyped_key_of_the_form_is_refused_with_the_one_that_was_meant():
    with pytest.raises(
        InvalidEventError, match=r"unknown key 'modle'\. Did you mean 'model'\? It takes \['data"
    ):
        read(modle="boosted_trees_fast")


def test_the_oldest_champion_is_a_limit_of_the_form_and_a_setting():
    setting = {"PUSH_MAX_AGE_DAYS": "50"}

    assert read(setting).max_age_days == 50
    assert read(setting, policy={"max_age_days": 30}).max_age_days == 30


@pytest.mark.parametrize(
    "uri", ["postgresql://ana:hunter2@db/shop?table=f", "conn://ana:hunter2@db?table=f_{ds}"]
)
def test_a_password_in_the_datasets_uri_is_refused_and_not_repeated(uri):
    with pytest.raises(InvalidEventError, match="Keep them in an Airflow connection") as error:
        read(dataset=uri)

    assert "hunter2" not in str(error.value)


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        ("data/feature_frame_{yyyymmdd}.csv", "data/feature_frame_20210301.csv"),
        ("{yyyy}/{mm}/{dd}/frame.parquet", "2021/03/01/frame.parquet"),
        ("frame_{yyyymmdd-1}.csv", "frame_20210228.csv"),
        ("{yyyy-1}-{mm-1}-{dd-1}.csv", "2021-02-28.csv"),
        ("conn://shop/exports/{yyyymmdd}.csv", "conn://shop/exports/20210301.csv"),
    ],
)
def test_a_day_is_put_where_the_name_has_a_place_for_it(pattern, name):
    for request in (
        read(day=date(2021, 3, 1), dataset=pattern),
        read({"PUSH_DATASET": pattern}, day=date(2021, 3, 1)),
    ):
        assert (request.dataset, request.is_daily) == (name, True)


@pytest.mark.parametrize("plain", ["data/frame.csv", "file:///a%20b.csv", "a{{yyyymmdd}}.csv"])
def test_a_name_without_a_place_for_the_day_is_not_daily(plain):
    request = read(dataset=plain)

    assert request.dataset == plain.replace("{{", "{").replace("}}", "}")
    assert not request.is_daily


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
        read(dataset=pattern)

    assert f"holds {part!r}. Known placeholders: ['{{yyyymmdd}}', " in str(error.value)


def test_how_long_a_dataset_is_waited_for_is_a_setting():
    request = read({"PUSH_DATASET_WAIT_S": "60", "PUSH_DATASET_SETTLE_S": ""})

    assert (request.wait_s, request.settle_s) == (60, 30)
    assert read().wait_s == 4 * 3600
    with pytest.raises(InvalidSettingError, match=r"^PUSH_DATASET_WAIT_S must be a whole number"):
        read({"PUSH_DATASET_WAIT_S": "4h"})
