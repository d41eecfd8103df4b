"""Compare our reasons with CatBoost's SHAP values: agreement and cost.

    python benchmarks/reasons.py FRAME

Beside ours stands what was weighed and left: moving the expectation question by question, in the
order in which each tree asks. Both are held against CatBoost's SHAP values on the same rows.
"""

import argparse
import time
from datetime import date

import numpy as np
from catboost import Pool
from predict import time_in_turns
from scipy.stats import spearmanr

from push_model.columns import FEATURES
from push_model.model.scoring import Model
from push_model.model.shapley import LeafShares, Tree
from push_model.training.data.dataset import load_dataset
from push_model.training.data.frames import collect_sorted
from push_model.training.data.orders import keep_large_orders
from push_model.training.data.split import split_by_time
from push_model.training.estimators import make_pipeline
from push_model.training.export import export_model
from push_model.training.parametrisation import BoostedTrees

ROWS = 500
TOP = 5


def main() -> None:
    """Train the default trees on a frame, then compare on candidates of the holdout."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("frame")
    frame = load_dataset(parser.parse_args().frame, until=date(2100, 1, 1))
    split = split_by_time(collect_sorted(keep_large_orders(frame)))
    family = BoostedTrees()
    pipeline = make_pipeline(family, seed=0).fit(split.train, split.train["outcome"])
    document = export_model(pipeline, family, trained_on="2021-03-04")
    model = Model.from_document(document)
    rows = split.holdout.sample(ROWS, random_state=0)
    inputs = np.asarray(pipeline.named_steps["prepare"].transform(rows), dtype=float)
    catboost = pipeline.named_steps["classify"]
    shap = catboost.get_feature_importance(Pool(inputs), type="ShapValues")[:, :-1]
    print(f"\nAgreement with CatBoost's SHAP values on {ROWS} candidates, medians")
    scorer = model._scorer
    print_agreement("ours: over all orders", [scorer.contributions(row)[1] for row in inputs], shap)
    by_path = [PathShares(tree) for tree in scorer._trees]
    in_order = [contributions_by_path(by_path, scorer._leaf_numbers(row)) for row in inputs]
    print_agreement("in the tree's own order", in_order, shap)
    print_cost(model, document, rows[list(FEATURES)].to_numpy(dtype=float).tolist())


class PathShares:
    """What each question moves the expectation by, in the order of the tree."""

    def __init__(self, tree: Tree) -> None:
        self.splits = tree.splits
        shares = LeafShares(Tree(tuple((i, 0) for i in range(len(tree.splits))), *tree[1:]))
        self._means = dict(shares._means)

    def of(self, leaf: int) -> list[float]:
        """Give one share a question."""
        prefixes = [(1 << level) - 1 for level in range(len(self.splits) + 1)]
        known = [self._means[prefix][leaf & prefix] for prefix in prefixes]
        return np.diff(known).tolist()


def contributions_by_path(trees: list[PathShares], leaves: bytes) -> list[float]:
    """Add up the shares of all trees by input."""
    found = [0.0] * (1 + max(index for tree in trees for index, _ in tree.splits))
    for tree, leaf in zip(trees, leaves, strict=True):
        for (index, _), share in zip(tree.splits, tree.of(leaf), strict=True):
            found[index] += share
    return found


def print_agreement(name: str, ours: list[list[float]], shap: np.ndarray) -> None:
    """Print rank correlation, shared top features, same strongest, and relative distance."""
    ours = [np.pad(row, (0, shap.shape[1] - len(row))) for row in np.array(ours)]
    pairs = [(np.abs(a), np.abs(b)) for a, b in zip(ours, shap, strict=True)]
    rank = np.median([spearmanr(a, b).statistic for a, b in pairs])
    top = np.mean([len({*np.argsort(-a)[:TOP]} & {*np.argsort(-b)[:TOP]}) / TOP for a, b in pairs])
    first = np.mean([np.argmax(a) == np.argmax(b) for a, b in pairs])
    gaps = [np.abs(a - b).sum() / np.abs(b).sum() for a, b in zip(ours, shap, strict=True)]
    print(
        f"  {name:<26} Spearman {rank:.3f}, top {TOP} shared {top:.1%}, "
        f"same strongest {first:.1%}, distance {np.median(gaps):.3f}"
    )


def print_cost(model: Model, document: dict, rows: list[list[float]]) -> None:
    """Print the first reasons of a process, then warm reasons as multiples of a plain score."""
    cold = Model.from_document(document)
    start = time.perf_counter()
    cold.reasons(rows[0])
    print(f"\nThe first reasons of a process: {(time.perf_counter() - start) * 1e3:.0f} ms")
    ways = {
        "a plain score": lambda: model.propensity(rows[0]),
        "its reasons": lambda: model.reasons(rows[0]),
    }
    seconds = time_in_turns(ways, repeats=15)
    plain = seconds["a plain score"]
    for name, taken in seconds.items():
        print(f"  {name:<16} {taken * 1e6:8.1f} us {taken / plain:6.1f} x")


if __name__ == "__main__":
    main()
