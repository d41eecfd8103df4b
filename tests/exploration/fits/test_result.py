import json

import numpy as np
import pytest

from push_model.exploration.fits.result import Result, read_result, result_path
from push_model.store.durable import write_json
from tests.exploration.results import make_entry, make_result


def test_a_result_survives_its_file(tmp_path):
    result = make_result(make_entry("a", settings={"depth": 3}), "fold 1", 0.25, noise=0.01)
    path = result_path(tmp_path, "a", "fold-1")

    write_json(path, result.document())

    assert read_result(path) == result


def test_a_draw_without_a_purchase_is_null_in_the_file_and_nan_in_the_figures():
    result = make_result(make_entry("a"), "fold 1", 0.25, draws=(0.25, None))

    found = Result.from_document(json.loads(json.dumps(result.document(), allow_nan=False)))

    assert np.isnan(found.average_precision).tolist() == [False, True]


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"format": 0}'])
def test_what_is_no_whole_result_is_work_to_do_again(tmp_path, text):
    path = tmp_path / "fold-1.json"
    path.write_text(text)

    assert read_result(path) is None


def test_a_result_of_another_format_is_work_to_do_again(tmp_path):
    document = make_result(make_entry("a"), "fold 1", 0.2).document()
    write_json(tmp_path / "a.json", document | {"format": 0})

    assert read_result(tmp_path / "a.json") is None
