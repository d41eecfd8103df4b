"""What do type checkers make of the public names? Checked by mypy and pyright, never run.

A line with two ignores is one that both must refuse: an ignore that is not needed is an error.
"""

from pathlib import Path
from typing import Any, Literal, assert_type

import push_model
from push_model import FEATURES, Answer, Health, handler_predict, health, predict
from push_model.errors import (
    InvalidEventError,
    InvalidSettingError,
    MissingDependencyError,
    ModelFormatError,
    ModelIntegrityError,
    ModelNotFoundError,
    PushModelError,
    RequestTooLargeError,
)
from push_model.testing import make_model


def constants() -> None:
    assert_type(push_model.__version__, str)
    assert_type(FEATURES, tuple[str, ...])
    push_model.predcit()  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]


def the_handler(event: dict[str, Any], context: object) -> None:
    assert_type(handler_predict(event), dict[str, str])
    assert_type(handler_predict(event, context), dict[str, str])
    assert_type(handler_predict(event)["body"], str)

    handler_predict()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


def the_function(
    text: str, folder: Path, by_text: dict[str, Any], by_number: dict[int, Any]
) -> None:
    assert_type(predict(text), Answer)
    predict({"u_17": {"ordered_before": 1}, "u_18": [{"ordered_before": None}]})
    predict({17: {"ordered_before": 1}})
    predict(by_text)
    predict(by_number)
    predict({"u_17": dict.fromkeys(FEATURES)})
    predict(text, threshold=0.05, explain=True, model="a", details=True, models_dir=folder)
    predict(text, threshold=None, explain=None, model=None, details=None, models_dir=None)
    predict(text, threshold=1, models_dir=str(folder))

    predict(17)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    predict([text])  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    predict(text, 0.05)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    predict(text, thresholds=0.05)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    predict(text, threshold="0.05")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    predict(text, model=folder)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def an_answer(answer: Answer) -> None:
    assert_type(answer["prediction"]["u_17"], float | list[float])
    if "errors" in answer:
        assert_type(answer["errors"]["u_17"], str)
    if "reasons" in answer:
        reasons = answer["reasons"]["u_17"]
        if not isinstance(reasons, list):
            assert_type(reasons["base_value"], float)
            assert_type(reasons["log_odds"], float)
            assert_type(reasons["contributions"], dict[str, float])
            assert_type(reasons["others"], float)
            assert_type(reasons["words"], dict[str, str])
    if "details" in answer:
        assert_type(answer["details"]["model_name"], str)
        assert_type(answer["details"]["model_id"], str)
        assert_type(answer["details"]["trained_on"], str)
        assert_type(answer["details"]["ignored_features"], int)

    answer["predictions"]  # type: ignore[typeddict-item]  # pyright: ignore[reportGeneralTypeIssues]


def its_health(folder: Path) -> None:
    found = health()
    assert_type(found, Health)
    assert_type(health(details=True, models_dir=folder), Health)
    assert_type(health(models_dir=str(folder)), Health)
    assert_type(found["status"], Literal["ok", "degraded", "unavailable"])
    assert_type(found["version"], str)
    assert_type(found["model_name"], str | None)
    assert_type(found["model_id"], str | None)
    assert_type(found["trained_on"], str | None)
    assert_type(found["age_days"], int | None)
    assert_type(found["loaded_at"], str | None)
    assert_type(found["requests"], int)
    assert_type(found["failed_requests"], int)
    assert_type(found["users"], int)
    assert_type(found["errors"], int)
    assert_type(found["unknown_features"], int)
    assert_type(found["unknown_feature_names"], list[str])
    if (error := found["last_error"]) is not None:
        assert_type(error["type"], str)
        assert_type(error["message"], str)
        assert_type(error["at"], str)
        assert_type(error["model_name"], str | None)

    health(detail=True)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    found["model"]  # type: ignore[typeddict-item]  # pyright: ignore[reportGeneralTypeIssues]
    if found["status"] == "fine":  # type: ignore[comparison-overlap]  # pyright: ignore[reportUnnecessaryComparison]
        pass


def a_model_for_tests(folder: Path) -> None:
    assert_type(make_model(folder), Path)
    assert_type(make_model(str(folder), "a", base_log_odds=-3.0, promoted=False), Path)

    make_model()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    make_model(folder, "a", -3.0)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


def errors(text: str) -> None:
    foreseen: list[type[PushModelError]] = [
        InvalidEventError,
        RequestTooLargeError,
        InvalidSettingError,
        ModelNotFoundError,
        ModelIntegrityError,
        ModelFormatError,
        MissingDependencyError,
    ]
    callers: list[type[ValueError]] = [InvalidEventError, RequestTooLargeError]
    assert_type((foreseen, callers), tuple[list[type[PushModelError]], list[type[ValueError]]])
    try:
        predict(text)
    except RequestTooLargeError as error:
        assert_type(error, RequestTooLargeError)
    except PushModelError as error:
        assert_type(error, PushModelError)
