import json
from datetime import date

import pandas as pd
import pytest

from push_model.columns import HISTORY
from push_model.errors import DatasetError, InvalidEventError
from push_model.exploration.entries.all import ENTRIES
from push_model.exploration.folder import open_exploration
from push_model.exploration.start import start_exploration
from push_model.training.data.orders import keep_large_orders


def start(folder, dataset, **differs):
    given = {"size": "full", "min_items": 5, "until": date(2021, 3, 4), "seed": 0}
    return start_exploration(folder, dataset, **given | differs)


def test_rows_of_large_orders_alone_are_kept(frame, dataset, tmp_path):
    exploration = start(tmp_path, dataset)

    rows = exploration.read_rows()
    assert len(rows) == len(keep_large_orders(frame)) == exploration.facts["frame"]["rows"]
    assert rows["order_date"].is_monotonic_increasing
    assert {"user_id", "product_type", "vendor"} <= set(rows.columns)


def test_what_is_written_is_what_is_read_again(dataset, tmp_path):
    exploration = start(tmp_path, dataset)

    found = open_exploration(tmp_path)

    assert json.loads(json.dumps(exploration.facts, allow_nan=False)) == found.facts
    assert found.parts[-1].name == "final"
    assert [part.name for part in found.folds] == ["fold 1", "fold 2", "fold 3", "fold 4"]


def test_each_window_says_what_it_holds(dataset, tmp_path):
    parts = start(tmp_path, dataset).facts["parts"]

    orders = [part["train"]["orders"] for part in parts[:4]]
    assert orders == sorted(orders)
    assert all(part["judged"]["purchases"] > 0 for part in parts)


def test_entries_that_ask_for_columns_the_frame_lacks_are_left_out_with_a_reason(frame, tmp_path):
    frame.drop(columns="user_id").to_csv(tmp_path / "frame.csv", index=False)

    exploration = start(tmp_path / "out", str(tmp_path / "frame.csv"))

    skipped = {e["name"]: e["skipped"] for e in exploration.facts["entries"] if e["skipped"]}
    with_past = {entry.name for entry in ENTRIES if entry.needs_history}
    assert set(skipped) == with_past
    assert "earlier_orders" in skipped["trees, history"]
    assert not set(skipped) & {entry.name for entry in exploration.entries}


def test_a_frame_with_users_has_their_history_derived_and_leaves_nothing_out(dataset, tmp_path):
    exploration = start(tmp_path / "out", dataset)

    assert set(HISTORY) <= set(exploration.read_rows().columns)
    assert all(entry["skipped"] is None for entry in exploration.facts["entries"])


def test_it_says_of_how_many_orders_the_history_is_whole(frame, tmp_path):
    orders = frame.drop_duplicates("order_id").set_index("order_id")
    place = orders.groupby("user_id")["order_date"].rank("min").astype(int)
    whole = frame.assign(user_order_seq=frame["order_id"].map(place) + 1)
    cut = whole.assign(user_order_seq=whole["user_order_seq"] + 1)
    shares = []
    for name, rows in (("whole", whole), ("cut", cut)):
        rows.to_csv(tmp_path / f"{name}.csv", index=False)
        exploration = start(tmp_path / name, str(tmp_path / f"{name}.csv"))
        shares.append(exploration.facts["frame"]["orders_with_whole_history"])

    assert shares == [1.0, 0.0]


def test_results_of_other_code_are_not_these_grounds(dataset, tmp_path, monkeypatch):
    ours = start(tmp_path / "a", dataset)
    monkeypatch.setattr("push_model.exploration.start.code_digest", lambda **_: "another")

    assert start(tmp_path / "b", dataset).grounds != ours.grounds


def test_the_same_rows_in_another_file_and_order_are_the_same_frame(frame, dataset, tmp_path):
    parquet = tmp_path / "shuffled.csv.gz"
    frame.sample(frac=1.0, random_state=0).to_csv(parquet, index=False)

    ours, theirs = start(tmp_path / "a", dataset), start(tmp_path / "b", str(parquet))

    assert ours.facts["frame"] == theirs.facts["frame"]
    assert ours.grounds == theirs.grounds


def test_rows_after_the_last_day_are_not_read(dataset, tmp_path):
    exploration = start(tmp_path, dataset, until=date(2020, 11, 20))

    assert exploration.facts["frame"]["last_day"] <= "2020-11-20"


def test_a_window_without_a_purchase_is_refused(frame, tmp_path):
    late = frame["order_date"] >= pd.Timestamp("2020-11-01")
    # Every candidate of late orders was bought: there is nothing to rank.
    frame.assign(outcome=frame["outcome"].mask(late, 1.0)).to_csv(tmp_path / "f.csv", index=False)

    with pytest.raises(DatasetError, match=r"The judged window of fold \d .* longer history"):
        start(tmp_path / "out", str(tmp_path / "f.csv"))


def test_an_unknown_size_is_refused_before_anything_is_read(tmp_path):
    with pytest.raises(InvalidEventError, match="size must be one of"):
        start(tmp_path, "no_such_file.csv", size="huge")
