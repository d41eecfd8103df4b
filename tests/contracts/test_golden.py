"""Load every released model format and compare its answers; these files never change."""

import json
from hashlib import sha256
from math import isnan, log, nan
from pathlib import Path

import pytest

from push_model import predict
from push_model.model.scoring import Model
from push_model.store.folder import FORMAT, write_model_folder
from push_model.store.promotion import promote

GOLDEN = Path(__file__).parent / "golden"
MODELS = sorted(path for path in GOLDEN.glob("format-*/*.json") if ".vectors" not in path.name)


@pytest.fixture(params=MODELS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def golden(request):
    vectors = request.param.with_suffix(".vectors.json").read_text("utf-8")
    return request.param.read_bytes(), json.loads(vectors)


def test_every_format_up_to_this_one_has_its_vectors():
    assert {path.parent.name for path in MODELS} == {f"format-{n + 1}" for n in range(FORMAT)}


def test_what_was_released_stays_as_it_was():
    found = [
        f"{sha256(path.read_bytes()).hexdigest()}  {path.relative_to(GOLDEN).as_posix()}"
        for path in sorted(GOLDEN.glob("format-*/*.json"))
    ]

    assert found == (GOLDEN / "SHA256SUMS").read_text("utf-8").splitlines()


def test_a_released_model_answers_as_it_did(golden):
    content, vectors = golden
    model = Model.from_document(json.loads(content))
    rows = [
        [nan if vector["features"][name] is None else vector["features"][name] for name in names]
        for names in [model.feature_names]
        for vector in vectors
    ]

    assert any(isnan(value) for row in rows for value in row)
    assert [model.log_odds(row) for row in rows] == [v["log_odds"] for v in vectors]
    # The last bit of exp is the C library's own.
    expected = pytest.approx([v["propensity"] for v in vectors], rel=1e-15)
    assert model.propensities(rows) == expected


def test_a_released_model_serves_requests(golden, tmp_path):
    content, vectors = golden
    write_model_folder(tmp_path, "released", {"model.json": content}, {})
    facts = {"verdict": None, "reason": "", "promoted_at": "", "by": "a test"}
    promote(tmp_path, "released", expected=None, **facts)
    users = {str(n): vector["features"] for n, vector in enumerate(vectors)}

    answer = predict(json.dumps(users), models_dir=tmp_path)

    assert "errors" not in answer
    assert list(answer["prediction"].values()) == pytest.approx(
        [v["propensity"] for v in vectors], rel=1e-15
    )


def test_a_scorer_written_from_the_page_alone_agrees(golden):
    """Ours is fast by bit masks; this one walks the document as docs/model-format.md says."""
    content, vectors = golden
    document = json.loads(content)

    for vector in vectors:
        values = {
            name: nan if value is None else float(value)
            for name, value in vector["features"].items()
        }
        assert plain_log_odds(document, values) == pytest.approx(vector["log_odds"], abs=1e-12)


def plain_log_odds(document: dict, values: dict[str, float]) -> float:
    for step in document["steps"]:
        do_step(step, values)
    inputs = [values[name] for name in document["inputs"]]
    scorer = document["scorer"]
    if scorer["kind"] == "linear":
        terms = zip(scorer["weights"], inputs, scorer["centers"], strict=True)
        return scorer["intercept"] + sum(
            0.0 if isnan(value) else weight * (value - center) for weight, value, center in terms
        )
    return (
        scorer["scale"] * sum(leaf(scorer, tree, inputs) for tree in scorer["trees"])
        + (scorer["bias"])
    )


def leaf(scorer: dict, tree: dict, inputs: list[float]) -> float:
    number = 0
    for bit, (index, border) in enumerate(tree["splits"]):
        value = inputs[index]
        is_above = value > scorer["borders"][index][border]
        number |= (scorer["missing_is_above"][index] if isnan(value) else is_above) << bit
    return tree["leaves"][number]


def do_step(step: dict, values: dict[str, float]) -> None:
    name, kind = step["name"], step["kind"]
    if kind == "missing_if":
        if values[name] == step["equals"] and values[step["flag"]] == 0:
            values[name] = nan
    elif kind == "fill":
        values[name] = step["value"] if isnan(values[name]) else values[name]
    elif kind == "ratio":
        below = values[step["denominator"]]
        values[name] = values[step["numerator"]] / below if below > 0 else nan
    elif kind == "log":
        shifted = values[step["of"]] + step["offset"]
        values[name] = log(shifted) if shifted > 0 else nan
    else:
        assert kind == "product"
        values[name] = values[step["left"]] * values[step["right"]]
