import json
import re
from dataclasses import replace

import pytest

from push_model.exploration.folder import open_exploration
from push_model.exploration.report import inspection
from push_model.exploration.report.inspection import inspect_chosen
from push_model.exploration.report.leaning import find_importances
from push_model.exploration.report.reading import read_found
from push_model.exploration.run import finish, plan, run_entry
from tests.exploration.report.results import write_exploration
from tests.frames import make_frame

FEW_USERS = 4


@pytest.fixture(scope="module")
def frame():
    return make_frame(orders=120)


@pytest.fixture(scope="module")
def finished(frame, tmp_path_factory):
    folder = tmp_path_factory.mktemp("finished")
    frame.to_csv(folder / "frame.csv", index=False)
    for slug in plan(folder, str(folder / "frame.csv"), size="small"):
        run_entry(folder, slug)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(inspection, "LEAST_USERS", FEW_USERS)
        finish(folder)
        yield folder


def test_a_finished_exploration_says_what_was_looked_at_in_the_chosen_model(finished):
    text = (finished / "report" / "report.md").read_text("utf-8")

    assert re.search(r"Looked at on \d+ orders of 20", text)
    assert "Not measured" not in text
    assert "mean propensity" in text


def test_the_report_names_no_user_order_or_product(finished, frame):
    written = [path.read_text("utf-8") for path in (finished / "report").rglob("*.*")]
    written.append((finished / "inspection.json").read_text("utf-8"))

    for column in ("user_id", "order_id", "variant_id"):
        ids = {str(number) for number in frame[column].unique()}
        assert not ids & {number for text in written for number in re.findall(r"\d{13,}", text)}


def test_no_line_runs_to_values_of_a_few_users(finished):
    seen = json.loads((finished / "inspection.json").read_bytes())
    start, end = seen["window"].split(" <= day < ")
    rows = open_exploration(finished).read_rows()
    days = rows["order_date"].astype(str)
    rows = rows[(days >= start) & (days < end)]

    assert seen["dependences"]
    for line in seen["dependences"]:
        low, high = line["values"][0], line["values"][-1]
        for beyond in (rows[line["feature"]] <= low, rows[line["feature"]] >= high):
            assert rows.loc[beyond, "user_id"].nunique() >= FEW_USERS


def test_a_model_is_looked_at_once(finished):
    before = (finished / "inspection.json").read_bytes()

    assert not inspect_chosen(finished)
    assert (finished / "inspection.json").read_bytes() == before


def test_what_was_seen_in_another_model_is_forgotten(finished):
    kept = finished / "inspection.json"
    before = kept.read_bytes()
    kept.write_text(json.dumps(json.loads(before) | {"entry": "another"}), "utf-8")

    assert read_found(finished).inspection == {}
    assert inspect_chosen(finished)
    assert kept.read_bytes() == before


def test_without_a_choice_or_its_model_nothing_is_looked_at(tmp_path):
    undecided = write_exploration(tmp_path / "undecided", finals=False)
    lost = write_exploration(tmp_path / "lost")

    assert not inspect_chosen(undecided)
    assert not inspect_chosen(lost)


def test_a_line_s_own_importance_is_the_size_of_its_coefficients(found):
    of_line = replace(found, choice={"chosen": "ridge"}, inspection={})

    own = find_importances(of_line)["own"]

    assert sum(own.values()) == pytest.approx(1)
    assert next(iter(own)) == "ordered_before"
