"""A feature is added by one line in `columns.py`: it is trained, evaluated and served."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.frames import make_frame

ROOT = Path(__file__).parents[2]
LINE = (
    '    Column("loyalty", "feature", "number", 0.0, 100.0, "points of the user", "not known"),\n'
)

RUN = """
import json, sys
from datetime import date
from push_model import FEATURES, handler_fit, predict
from push_model.reporting.picture import Picture
from push_model.training.gate.policy import Policy
from push_model.training.gate.policy import Policy
from push_model.training.gate.validation import validate_model

Picture.svg = lambda _: "<svg></svg>"
folder = sys.argv[1]
event = {
    "model_parametrisation": {"model": "boosted_trees", "iterations": 30, "depth": 3},
    "dataset": f"{folder}/frame.csv",
    "models_dir": f"{folder}/models",
    "training_date": "2021-03-04",
}
handler_fit(event)
verdict = validate_model(
    event["dataset"], model_name="push_2021_03_04", models_dir=event["models_dir"],
    min_items=5, training_date=date(2021, 3, 4), holdout_days=None, policy=Policy(),
)
where = {"models_dir": event["models_dir"], "model": "push_2021_03_04"}
user = dict.fromkeys(FEATURES)
values = {"rich": 90, "poor": 1, "wrong": -1}
asked = {name: user | {"loyalty": points} for name, points in values.items()}
del user["loyalty"]
answer = predict(asked | {"absent": user}, **where)
serves = [f.passed for f in verdict.findings if f.rule == "serves in a fresh process"]
print(json.dumps([len(FEATURES), serves, answer]))
"""


@pytest.mark.mltest("Data 6")
def test_one_line_of_the_schema_takes_a_new_feature_from_the_frame_to_the_answer(tmp_path):
    shutil.copytree(ROOT / "push_model", tmp_path / "push_model")
    columns = tmp_path / "push_model" / "columns.py"
    head, tail = columns.read_text().split("\n)\n", 1)  # where the table ends
    columns.write_text(f"{head}\n{LINE})\n{tail}")
    frame = make_frame(orders=300)
    loyalty = np.random.default_rng(0).uniform(0, 100, len(frame)).round()
    bought = frame["outcome"].to_numpy() * (loyalty > 50)
    frame.assign(loyalty=loyalty, outcome=bought).to_csv(tmp_path / "frame.csv", index=False)

    done = subprocess.run(
        [sys.executable, "-c", RUN, str(tmp_path)],
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    number, serves, answer = json.loads(done.stdout.splitlines()[-1])
    assert (number, serves) == (20, [True])
    assert answer["prediction"]["rich"] > 2 * answer["prediction"]["poor"]
    assert "'loyalty'" in answer["errors"]["absent"]
    assert "loyalty" in answer["errors"]["wrong"]
