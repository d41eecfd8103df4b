import json

import pytest

from push_model.store.folder import document_bytes, write_model_folder
from push_model.testing import make_model
from push_model.training.estimators import make_pipeline
from push_model.training.export import export_model
from push_model.training.gate.serving_check import check_serving
from push_model.training.gate.serving_probe import NOT_SERVING, ServingFinder
from push_model.training.golden import GOLDEN_ROWS, write_golden
from push_model.training.parametrisation import BoostedTrees
from tests.frames import make_frame

FAMILY = BoostedTrees(iterations=20, depth=4)
# Generous, for a busy machine: how fast serving is, benchmarks say.
LENIENT = {"budget_s": 1.0, "load_budget_s": 30.0}


@pytest.fixture(scope="module")
def trained():
    frame = make_frame(orders=60, seed=5)
    pipeline = make_pipeline(FAMILY, seed=0).fit(frame, frame["outcome"])
    document = export_model(pipeline, FAMILY, trained_on="2021-03-04", rows=frame)
    return document, write_golden(document, pipeline)


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


def test_a_sound_model_passes(trained, tmp_path):
    check = check_serving(save(trained, tmp_path), **LENIENT)

    assert check.passed
    assert check.rows == GOLDEN_ROWS
    assert 0.0 <= check.largest_gap <= 1e-12
    assert 0.0 < check.answer_s < check.load_s
    assert check.has_numpy
    assert check.sentence.startswith("50 golden rows agree with the trainer")
    assert json.loads(json.dumps(check.document()))["passed"] is True


def test_a_model_that_scores_otherwise_is_told_with_row_and_distance(trained, tmp_path):
    def shift(golden):
        golden["propensities"][16] += 2e-12

    check = check_serving(save(trained, tmp_path, change_golden=shift), **LENIENT)

    assert not check.passed
    assert check.largest_gap == pytest.approx(2e-12, rel=0.01)
    assert check.sentence == (
        "Golden row 17 of 50 differs from its trainer by 2e-12; at most 1e-12 is allowed."
    )


def test_a_row_that_serving_refuses_is_told(trained, tmp_path):
    def spoil(golden):
        golden["rows"][3][0] = -7.0

    check = check_serving(save(trained, tmp_path, change_golden=spoil), **LENIENT)

    assert (check.passed, check.largest_gap) == (False, None)
    assert check.sentence.startswith("Golden row 4 of 50 is refused, where the trainer had an")
    assert "user_order_seq" in check.sentence


def test_a_slow_answer_is_told_with_its_budget(trained, tmp_path):
    check = check_serving(save(trained, tmp_path), budget_s=1e-9, load_budget_s=1e-9)

    assert not check.passed
    assert "Answering for a user takes " in check.sentence
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
    assert "model.json does not match its manifest" in check.sentence


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("import time; time.sleep(60)", "gave no answer within 0.5 s and was ended."),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "was killed by signal 9."),
        ("raise SystemExit(3)", "ended with code 3: it said nothing"),
        ("1 / 0", "ended with code 1: ZeroDivisionError: division by zero"),
        ("print('hello')", "answered with something that is no answer."),
        ("print('[]')", "answered with something that is no answer."),
        ("import os; os.write(1, bytes(range(256)))", "answered with something that is no answer."),
    ],
)
def test_a_process_that_does_not_answer_is_told_in_words(trained, tmp_path, text, sentence):
    check = check_serving(save(trained, tmp_path), probe=probe(tmp_path, text), timeout_s=0.5)

    assert not check.passed
    assert check.sentence == f"The serving process {sentence}"


def test_the_process_finds_no_installed_package_and_no_training(trained, tmp_path):
    seen = """
import json, sys
sys.path.insert(0, {folder!r})
from serving_probe import ServingFinder
question = json.load(sys.stdin)
sys.meta_path.insert(0, ServingFinder(question["package"], None))
import push_model.model.scoring
found = []
for name in ("numpy", "pandas", "sklearn", "push_model.training", "push_model.commands", "tests"):
    try:
        __import__(name)
    except ModuleNotFoundError:
        continue
    found.append(name)
sys.exit(str(found))
"""
    folder = check_serving.__globals__["PROBE"].parent

    check = check_serving(
        save(trained, tmp_path), probe=probe(tmp_path, seen.format(folder=str(folder)))
    )

    assert check.sentence == "The serving process ended with code 1: []"


def test_a_third_partys_module_in_serving_is_told(trained, tmp_path):
    lying = check_serving.__globals__["PROBE"].read_text().replace('- {"push_model"}', '| {"yaml"}')

    check = check_serving(save(trained, tmp_path), probe=probe(tmp_path, lying), **LENIENT)

    assert not check.passed
    assert "Serving loaded [" in check.sentence
    assert "'yaml'" in check.sentence


@pytest.mark.mltest("Infra 6")
@pytest.mark.parametrize("way", ["one_by_one", "batch"])
def test_single_users_and_batches_are_both_held_against_the_trainer(trained, tmp_path, way):
    honest = check_serving.__globals__["PROBE"].read_text()
    off = honest.replace(f'        "{way}": [', f'        "{way}": [0.999] * 50 + [', 1)

    check = check_serving(save(trained, tmp_path), probe=probe(tmp_path, off), **LENIENT)

    assert off != honest
    assert check.sentence.startswith("Golden row ")
    assert check.largest_gap > 0.1


@pytest.mark.parametrize("room", [*sorted(NOT_SERVING), "training.fit"])
def test_the_finder_refuses_what_the_wheel_leaves_out(room):
    finder = ServingFinder("push_model", None)

    with pytest.raises(ModuleNotFoundError, match="is not part of serving"):
        finder.find_spec(f"push_model.{room}")
    assert finder.find_spec("push_model.model.scoring") is None
    assert finder.find_spec("json.cli") is None
    assert finder.find_spec("numpy") is None
