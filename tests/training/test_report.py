from push_model.training.metrics import measure
from push_model.training.report import card, metrics_table

MEASURED = measure([0, 1, 0, 1], [0.1, 0.9, 0.2, 0.8]).document()
FACTS = {
    "model_id": "0123456789abcdef",
    "trained_on": "2021-03-04",
    "parametrisation": {"model": "boosted_trees", "depth": 6},
    "seed": 0,
    "min_items": 5,
    "dataset": {"uri": "data/feature_frame_20210304.csv", "sha256": "ab" * 32, "bytes": 10},
    "windows": {
        "train": {
            "start": "2020-10-05",
            "end": "2021-02-05",
            "orders": 1822,
            "rows": 1500000,
            "purchases": 22000,
        }
    },
    "metrics": {"holdout": {"model": MEASURED, "popularity": MEASURED}},
    "versions": {"python": "3.11.7", "catboost": "1.2.10"},
    "git_revision": None,
}


def test_a_card_says_what_it_was_trained_on_how_good_it_is_and_how_to_do_it_again():
    text = card("push_2021_03_04", FACTS)

    assert text.startswith("# push_2021_03_04\n")
    for part in (
        "model boosted_trees, depth 6",
        "`data/feature_frame_20210304.csv`, SHA-256 `abab",
        "| train | 2020-10-05 | 2021-02-05 | 1,822 | 1,500,000 | 22,000 |",
        "| average precision | 1.0000 | 1.0000 |",
        "Revision `unknown`; python 3.11.7, catboost 1.2.10.",
    ):
        assert part in text


def test_a_dataset_without_a_digest_is_named_without_one():
    text = card("push_2021_03_04", FACTS | {"dataset": {"uri": "warehouse"}})

    assert "`warehouse`.\n" in text


def test_a_metric_that_one_column_lacks_is_left_out_of_the_table():
    table = metrics_table({"model": {"roc_auc": 0.8, "rows": 5}, "popularity": {"roc_auc": 0.7}})

    assert "ROC-AUC" in table
    assert "rows" not in table
