import numpy as np
import pytest

from push_model import predict
from push_model.columns import FEATURES
from push_model.errors import ModelIntegrityError
from push_model.store.folder import document_bytes, write_model_folder
from push_model.training.estimators import make_pipeline
from push_model.training.export import export_model
from push_model.training.golden import GOLDEN_ROWS, _make_rows, read_golden, write_golden
from push_model.training.parametrisation import BoostedTrees, LogisticRegression
from tests.frames import make_frame

FAMILIES = [BoostedTrees(iterations=20, depth=4), LogisticRegression(C=1.0)]


@pytest.fixture(scope="module")
def frame():
    return make_frame(orders=60, seed=5)


@pytest.fixture(scope="module", params=FAMILIES, ids=lambda family: family.model)
def fitted(request, frame):
    pipeline = make_pipeline(request.param, seed=0).fit(frame, frame["outcome"])
    return export_model(pipeline, request.param, trained_on="2021-03-04", rows=frame), pipeline


@pytest.fixture
def folder(fitted, tmp_path):
    document, _ = fitted
    files = {"model.json": document_bytes(document), "golden.json": write_golden(*fitted)}
    return write_model_folder(tmp_path, "push_2021_03_04", files, {})


def test_the_same_model_gives_the_same_bytes(fitted):
    assert write_golden(*fitted) == write_golden(*fitted)


def test_what_was_written_is_read_again(fitted, folder):
    golden = read_golden(folder)

    assert golden.rows == _make_rows(fitted[0])
    assert len(golden.rows) == len(golden.propensities) == GOLDEN_ROWS


def test_the_answers_are_the_trainers(fitted, folder):
    _, pipeline = fitted
    golden = read_golden(folder)
    frame = make_frame(orders=GOLDEN_ROWS, products=1).astype({"user_order_seq": float})
    frame[list(FEATURES)] = np.array(golden.rows, dtype=float)

    assert golden.propensities == pipeline.predict_proba(frame)[:, 1].tolist()
    assert len({round(answer, 6) for answer in golden.propensities}) > GOLDEN_ROWS / 3


def test_every_row_may_be_sent_and_is_scored_as_the_trainer_did(folder):
    golden = read_golden(folder)
    users = {str(i): dict(zip(FEATURES, row, strict=True)) for i, row in enumerate(golden.rows)}

    answer = predict(users, model=folder.name, models_dir=folder.parent)

    assert "errors" not in answer
    assert [*answer["prediction"].values()] == pytest.approx(golden.propensities, abs=1e-12)


def test_nothing_known_and_both_ends_are_among_them(fitted):
    first, lowest, highest = _make_rows(fitted[0])[:3]

    assert set(first) == {None}
    assert all(low <= high for low, high in zip(lowest, highest, strict=True))


def test_no_row_is_a_row_of_the_frame(frame, fitted):
    real = {tuple(row) for row in frame[list(FEATURES)].to_numpy(dtype=float).tolist()}

    assert not real & {tuple(row) for row in _make_rows(fitted[0])}


def test_golden_rows_that_changed_are_refused(folder):
    file = folder / "golden.json"
    file.write_text(file.read_text().replace("0.", "1.", 1))

    with pytest.raises(ModelIntegrityError, match=r"golden\.json does not match its manifest"):
        read_golden(folder)


def test_a_folder_without_golden_rows_is_refused(folder):
    (folder / "golden.json").unlink()

    with pytest.raises(ModelIntegrityError, match=r"golden\.json cannot be read \(No such"):
        read_golden(folder)


@pytest.mark.parametrize("manifest", ["{}", "[]", "{", '{"files": {"golden.json": 3}}'])
def test_a_manifest_that_does_not_vouch_for_them_is_refused(folder, manifest):
    (folder / "manifest.json").write_text(manifest)

    with pytest.raises(ModelIntegrityError, match=r"gives no SHA-256 of golden\.json"):
        read_golden(folder)
