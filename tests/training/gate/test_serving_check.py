import json
from pathlib import Path

import pytest

from push_model.store.folder import document_bytes, write_model_folder
from push_model.testing import make_model
from push_model.training.estimators import make_pipeline
from push_model.training.export import export_model
from push_model.training.gate import serving_check
from push_model.training.gate.serving_check import check_serving
from push_model.training.golden import GOLDEN_ROWS, write_golden
from push_model.training.parametrisation import BoostedTrees
from tests.frames import make_frame

FAMILY = BoostedTrees(iterations=20, depth=4)
# Generous, for a busy machine: how fast serving is, benchmarks say.
LENIENT = {"budget_s": 1.0, "load_budget_s": 30.0}
PROBE = Path(serving_check.__file__).with_name("serving_probe.py").read_text()


@pytest.fixture(scope="module")
def trained():
    frame = make_frame(orders=60, seed=5)
    pipeline = make_pipeline(FAMILY, seed=0).fit(frame, frame["outcome"])
    document = export_model(pipeline, FAMILY, trained_on="2021-03-04", rows=frame)
    return document, write_golden(document, pipeline)


@pytest.fixture(scope="module")
def sound(trained, tmp_path_factory):
    return save(trained, tmp_path_factory.mktemp("sound"))


def save(trained, tmp_path, *, change_golden=None):
    document, content = trained
    golden = json.loads(content)
    if change_golden:
        change_golden(golden)
    files = {"model.json": document_bytes(document), "golden.json": document_bytes(golden)}
    return write_model_folder(tmp_path, "push_2021_03_04", files, {})


def probe(tmp_path, text):
    path = tmp_path / "probe.py"
    path.write_text(text)
    return path


def test_a_sound_model_passes(sound):
    check = check_serving(sound, **LENIENT)

    assert check.passed
    assert check.rows == GOLDEN_ROWS
    assert 0.0 <= check.largest_gap <= 1e-12
    assert 0.0 < check.answer_s < check.load_s
    assert check.sentence.startswith("A fresh process agrees with the trainer on 50 golden rows")


def test_a_model_that_scores_differently_is_reported_with_row_and_distance(trained, tmp_path):
    def shift(golden):
        golden["propensities"][16] += 2e-12

    check = check_serving(save(trained, tmp_path, change_golden=shift), **LENIENT)

    assert not check.passed
    assert check.largest_gap == pytest.approx(2e-12, rel=0.01)
    assert check.sentence == (
        "Golden row 17 of 50 differs from its trainer by 2e-12; at most 1e-12 is allowed."
    )


def test_a_row_that_serving_refuses_is_reported(trained, tmp_path):
    def spoil(golden):
        golden["rows"][3][0] = -7.0

    check = check_serving(save(trained, tmp_path, change_golden=spoil), **LENIENT)

    assert (check.passed, check.largest_gap) == (False, None)
    assert check.sentence.startswith("Golden row 4 of 50 is refused, but the trainer had an answer")
    assert "user_order_seq" in check.sentence


def test_a_slow_answer_is_reported_with_its_budget(sound):
    check = check_serving(sound, budget_s=1e-9, load_budget_s=1e-9)

    assert not check.passed
    assert "Answering for one user takes " in check.sentence
    assert "Loading the model and answering once takes " in check.sentence
    assert check.sentence.endswith("at most 1e-06 ms are allowed.")


def test_a_folder_without_golden_rows_is_a_finding(tmp_path):
    check = check_serving(make_model(tmp_path), **LENIENT)

    assert not check.passed
    assert "gives no SHA-256 of golden.json" in check.sentence


def test_a_damaged_model_is_a_finding(trained, tmp_path):
    folder = save(trained, tmp_path)
    (folder / "model.json").write_bytes(b"{}")

    check = check_serving(folder, **LENIENT)

    assert not check.passed
    assert "model.json does not match its manifest" in check.sentence


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("import time; time.sleep(60)", "gave no answer within 0.5 s and was ended."),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "was killed by signal 9."),
        ("raise SystemExit(3)", "ended with code 3: it wrote no error"),
        ("1 / 0", "ended with code 1: ZeroDivisionError: division by zero"),
        ("print('[]')", "wrote something that is not an answer."),
        ("import os; os.write(1, bytes(range(256)))", "wrote something that is not an answer."),
    ],
)
def test_a_process_that_does_not_answer_is_described(sound, tmp_path, text, sentence):
    timeout_s = 0.5 if "sleep" in text else 60
    check = check_serving(sound, probe=probe(tmp_path, text), timeout_s=timeout_s, **LENIENT)

    assert not check.passed
    assert check.sentence == f"The serving process {sentence}"


def test_a_training_library_in_serving_is_reported(sound, tmp_path):
    impure = PROBE.replace("    where = {", "    import pandas\n    where = {", 1)

    check = check_serving(sound, probe=probe(tmp_path, impure), **LENIENT)

    assert not check.passed
    assert "Serving loaded [" in check.sentence
    assert "'pandas'" in check.sentence


@pytest.mark.mltest("Infra 6")
@pytest.mark.parametrize("way", ["one_by_one", "batch"])
def test_single_users_and_batches_are_both_compared_with_the_trainer(sound, tmp_path, way):
    off = PROBE.replace(f'        "{way}": [', f'        "{way}": [0.999] * 50 + [', 1)

    check = check_serving(sound, probe=probe(tmp_path, off), **LENIENT)

    assert off != PROBE
    assert check.sentence.startswith("Golden row ")
    assert check.largest_gap > 0.1
