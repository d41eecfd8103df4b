"""Read any model document at all: the result is a model that scores, or an error."""

import json
import random
from hashlib import sha256

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from push_model import handler_predict
from push_model.store.folder import document_bytes
from push_model.testing import _document
from tests.faults.changes import change_somewhere, flip_or_cut
from tests.faults.reading import read_and_score
from tests.faults.samples import FOREST, LINE, SAMPLES
from tests.forests import MODELS, TORN_MODEL, make_forest, make_model_document

laws = settings(max_examples=60)


def write(document) -> bytes | None:
    """Write a document as JSON, legal or not; None if Python cannot write it."""
    try:
        return json.dumps(document).encode()
    except (ValueError, RecursionError):
        return None


@pytest.mark.parametrize("document", [*SAMPLES, _document(-4.7)])
def test_what_damage_starts_from_is_valid(document):
    assert read_and_score(document_bytes(document)) == "scored"


@laws
@given(MODELS)
def test_every_valid_document_scores(document):
    assert read_and_score(document_bytes(document)) == "scored"


@laws
@given(
    st.binary(max_size=60) | st.text(max_size=60).map(lambda text: text.encode("utf-8", "replace"))
)
@example(b"")
@example(b"\xff\xfe{\x00}\x00")
@example(b"[" * 100_000)
@example(b'{"format": 1' + b"0" * 5_000 + b"}")
@example(b'{"format": NaN}')
def test_bytes_that_are_not_a_document_are_refused(content):
    assert read_and_score(content) == "refused"


@pytest.mark.mltest("Mon 5")
@settings(max_examples=300)
@given(st.sampled_from([*SAMPLES, _document(-4.7)]), st.randoms(use_true_random=False))
def test_a_document_changed_anywhere_scores_or_is_refused(document, draw):
    content = write(change_somewhere(document, draw))

    assert content is None or read_and_score(content) in {"scored", "refused"}


@laws
@given(MODELS, st.randoms(use_true_random=False), st.booleans())
def test_a_random_document_changed_anywhere_scores_or_is_refused(document, draw, as_bytes):
    content = document_bytes(document)
    damaged = flip_or_cut(content, draw) if as_bytes else write(change_somewhere(document, draw))

    assert damaged is None or read_and_score(damaged) in {"scored", "refused"}


def put(store, document) -> None:
    content = document_bytes(document)
    store.joinpath("m").mkdir()
    store.joinpath("m", "model.json").write_bytes(content)
    files = {"model.json": {"sha256": sha256(content).hexdigest()}}
    store.joinpath("m", "manifest.json").write_text(json.dumps({"files": files}))


def test_the_handler_answers_from_any_document_that_its_manifest_vouches_for(tmp_path, monkeypatch):
    # A digest proves that a file is what was saved, not that it was valid then.
    draw = random.Random(3)
    kinds = set()

    for number in range(100):
        store = tmp_path / str(number)
        store.mkdir()
        monkeypatch.setenv("PUSH_MODELS_DIR", str(store))
        try:
            put(store, change_somewhere(draw.choice([FOREST, LINE]), draw))
        except Exception as error:  # noqa: BLE001 - what cannot be written was never saved
            kinds.add(type(error).__name__)
            continue
        answer = handler_predict({"users": {"u": dict.fromkeys("abc", 1.0)}, "model": "m"})
        body = json.loads(answer["body"], parse_constant=pytest.fail)
        kinds.add(answer["statusCode"] if answer["statusCode"] == "200" else body["error"]["type"])

    assert kinds <= {"200", "ModelFormatError", "RecursionError"}
    assert kinds >= {"200", "ModelFormatError"}


def _leaf(value: float) -> dict:
    return {"splits": [], "leaves": [value], "weights": [1]}


REGRESSIONS = {
    # A mean leaf is leaf * rows / rows, and the product is more than a double holds.
    "mean leaf": make_model_document(
        make_forest(
            scale=1e-308,
            trees=[{"splits": [[0, 0]], "leaves": [1.7e308] * 2, "weights": [1, 1]}],
        )
    ),
    "two parts": TORN_MODEL,
}


@pytest.mark.parametrize("document", REGRESSIONS.values(), ids=REGRESSIONS)
def test_reasons_are_strict_json_however_large_the_numbers(document):
    features = {"a": 1.7e300, "b": 1.7e300, "c": 1.0}

    assert read_and_score(document_bytes(document), explain=True, values=[features]) == "scored"


def test_a_batch_of_trees_overflows_in_silence_as_one_row_does():
    document = make_model_document(make_forest(scale=1e300, trees=[_leaf(1.7e308)]))

    assert read_and_score(document_bytes(document), quietly=False) == "scored"
