"""A small exploration written by hand: strong facts, few draws, two of everything."""

import json

import numpy as np

from push_model.evaluation.curves import trace
from push_model.exploration.entries.entry import Entry
from push_model.exploration.fits.measure import fingerprint
from push_model.exploration.fits.protocol import Part

FOLDS = ["fold 1", "fold 2", "fold 3", "fold 4"]
DRAWS, ORDERS, ROWS, PURCHASES = 80, 200, 40_000, 600
FRAME, VERSIONS = "ef" * 32, {"catboost": "1.2.10"}
CODE = "ab" * 32
GROUNDS = {"frame": FRAME, "versions": VERSIONS, "code": CODE}
RULE = "The simplest servable entry within one standard error of the best servable one."


def _entry(name, family, ap, *, neighbour=None, complexity=1, features="request", **given):
    return {
        "name": name,
        "question": given.pop("question", f"What does {name} bring?"),
        "family": family,
        "settings": given.pop("settings", {}),
        "features": features,
        "treatment": given.pop("treatment", "plain"),
        "neighbour": neighbour,
        "complexity": complexity,
        "skipped": given.pop("skipped", None),
        "ap": ap,
        **given,
    }


def _line(name, ap, inverse, **given):
    settings = {"penalty": given.pop("penalty", "l2"), "C": inverse}
    return _entry(
        name,
        "logistic_regression",
        ap,
        settings=settings,
        neighbour="ridge",
        complexity=26,
        **given,
    )


def _trees(name, ap, settings=None, **given):
    base = {"iterations": 150, "depth": 6, "learning_rate": 0.1} | (settings or {})
    complexity = base["iterations"] * 2 ** base["depth"]
    given = {"neighbour": "trees", "complexity": complexity} | given
    return _entry(name, "boosted_trees", ap, settings=base, **given)


def entries():
    return [
        _entry("popularity", "popularity", 0.04),
        _entry("bought before", "bought_before", 0.12, neighbour="popularity"),
        _line("ridge", 0.23, 1e-3) | {"neighbour": "bought before"},
        _line("ridge, C 1e-6", 0.20, 1e-6),
        _line("ridge, C 1e-4", 0.232, 1e-4),
        _line("line without a penalty", 0.21, 1e12),
        _line("lasso", 0.229, 1e-3, penalty="l1"),
        _line(
            "ridge, class weights",
            0.225,
            1e-3,
            treatment="class weights",
            metrics={"expected_per_actual": 22.0},
        ),
        _trees("trees", 0.27, neighbour="ridge"),
        _trees("trees, depth 4", 0.262, {"depth": 4}),
        _trees("trees, depth 2", 0.25, {"depth": 2}),
        _trees("trees, 300", 0.2701, {"iterations": 300}),
        _trees("trees, 75", 0.261, {"iterations": 75}),
        _trees("trees, rate 0.2", 0.268, {"learning_rate": 0.2}),
        _trees("trees, history", 0.31, features="history"),
        _trees("trees, half of the orders", 0.255, treatment="half of the orders"),
        _trees("trees, a quarter of the orders", 0.235, treatment="a quarter of the orders"),
        _trees("trees, categories", 0.0, features="categories", skipped="lacks column(s) vendor"),
    ]


def _noise(part):
    rng = np.random.default_rng(len(part) + ord(part[-1]))
    return rng.normal(size=DRAWS)


def _draws(entry, part):
    shift = 0.01 * FOLDS.index(part) if part in FOLDS else 0.02
    own = np.random.default_rng(sum(map(ord, entry["name"] + part))).normal(size=DRAWS)
    level = entry["ap"] + shift + entry.get("shifts", {}).get(part, 0.0)
    return [level, *(level + 0.008 * _noise(part) + 0.0012 * own).round(6).tolist()]


def _metrics(ap):
    return {
        "average_precision": ap,
        "roc_auc": 0.7 + ap / 2,
        "log_loss": 0.06 - ap / 20,
        "brier_score": 0.012,
        "ece": 0.001,
        "precision_at_1pct": ap * 1.2,
        "recall_at_5pct": ap * 2,
        "lift_at_5pct": 40 * ap,
        "precision_when_pushed": ap * 0.8,
        "recall_when_pushed": min(0.9, ap * 2),
        "pushed_share": 0.04,
        "expected_per_actual": 1.05,
        "base_rate": PURCHASES / ROWS,
        "rows": ROWS,
        "purchases": PURCHASES,
    }


def _curve(ap):
    """Trace scores of few candidates: purchases first as often as `ap` has it."""
    rng = np.random.default_rng(0)
    outcomes = np.arange(2000) % 50 == 0
    scores = np.where(outcomes & (rng.random(2000) < 2 * ap), 0.3, 0.02) * rng.random(2000)
    traced = trace(outcomes, scores)
    return {
        "places": traced.places,
        "gains": [gain._asdict() for gain in traced.gains],
        "reliability": [found._asdict() for found in traced.reliability],
        "histogram": traced.histogram._asdict(),
    }


def _facts(entry):
    if entry["family"] == "logistic_regression":
        size = min(1.0, (entry["settings"]["C"] / 1e-3) ** 0.2)
        weights = {"ordered_before": 0.8, "log_global_popularity": 0.7, "set_as_regular": 0.2}
        return {"coefficients": {name: size * w for name, w in weights.items()}, "importances": {}}
    if entry["family"] == "boosted_trees":
        shares = {"ordered_before": 0.4, "global_popularity": 0.35, "discount_pct": 0.25}
        return {"coefficients": {}, "importances": shares}
    return {"coefficients": {}, "importances": {}}


def _result(entry, part):
    shift = 0.01 * FOLDS.index(part) if part in FOLDS else 0.02
    ap = entry["ap"] + shift + entry.get("shifts", {}).get(part, 0.0)
    rows = 200_000
    judged = {"rows": ROWS, "orders": ORDERS, "purchases": PURCHASES}
    users = {"all": ap, "new": 0.8 * ap, "returning": 1.1 * ap}
    return {
        "format": 1,
        "fingerprint": fingerprint(
            Entry.from_document(entry), Part.from_document(_PARTS[part]), seed=0, grounds=GROUNDS
        ),
        "entry": Entry.from_document(entry).document(),
        "part": part,
        "train": {"rows": rows, "orders": rows // 200, "purchases": rows // 70},
        "judged": judged,
        "metrics": {
            name: _metrics(level + entry.get("users", {}).get(name, 0.0))
            | entry.get("metrics", {})
            | entry.get("metrics_of", {}).get(part, {})
            for name, level in users.items()
        },
        "draws": _draws(entry, part),
        "fit_s": 0.001 * entry["complexity"] + 0.01,
        "score_us": 0.1 + entry["complexity"] / 10_000,
        "size_bytes": 500 + 12 * entry["complexity"],
        "inputs": 21,
        "facts": _facts(entry) | {"calibration": None} | entry.get("facts", {}),
        "curve": None if part in FOLDS else _curve(ap),
    }


def _parts():
    purposes = {"usual validation": "comparing", "usual test": "claiming", "final": "claiming"}
    window = {"start": "2021-01-01", "end": "2021-02-01", "rows": ROWS, "orders": ORDERS}
    window |= {"purchases": PURCHASES}
    return [
        {"name": name, "slug": name.replace(" ", "-"), "purpose": purposes.get(name, "choosing")}
        | {"train": window, "judged": window}
        for name in (*FOLDS, *purposes)
    ]


_PARTS = {part["name"]: part for part in _parts()}


def _exploration(listed):
    return {
        "format": 1,
        "dataset": {"uri": "frame.csv", "sha256": "cd" * 32, "bytes": 123},
        "min_items": 5,
        "until": "2021-03-04",
        "size": "small",
        "seed": 0,
        "frame": {
            "sha256": FRAME,
            "rows": 400_000,
            "orders": 2000,
            "users": 1200,
            "products": 900,
            "purchases": 6000,
            "first_day": "2020-10-05",
            "last_day": "2021-03-03",
            "columns": ["outcome"],
            "orders_with_whole_history": 0.98,
        },
        "parts": _parts(),
        "entries": [
            Entry.from_document(entry).document() | {"skipped": entry["skipped"]}
            for entry in listed
        ],
        "resamples": DRAWS,
        "alpha": 0.1,
        "rule": RULE,
        "versions": VERSIONS,
        "git_revision": "0123abc",
        "code": CODE,
    }


INSPECTION = {
    "entry": "trees",
    "window": "2021-02-01 <= day < 2021-03-01",
    "orders": 200,
    "model_sha256": "00",
    "shuffled": [
        {"feature": "ordered_before", "lost": 0.12, "low": 0.11, "high": 0.13},
        {"feature": "global_popularity", "lost": 0.09, "low": 0.08, "high": 0.1},
    ],
    "reasons": {"global_popularity": 0.61, "ordered_before": 0.55},
    "dependences": [
        {
            "feature": "discount_pct",
            "values": [0.0, 0.1, 0.3, 0.6],
            "propensities": [0.01, 0.012, 0.02, 0.03],
            "when_missing": None,
            "missing": "",
            "rows": [900, 400, 90, 10],
        }
    ],
    "slices": [
        {"slice": name, "rows": 9000, "orders": orders, "purchases": bought}
        | {"average_precision": ap, "expected_per_actual": ratio}
        for name, orders, bought, ap, ratio in (
            ("new users", 70, 200, 0.2, 0.9),
            ("returning users", 130, 400, 0.33, 1.1),
            ("products new to the user", 190, 300, 0.09, 1.0),
            ("product type tea", 80, 90, 0.3, 1.4),
            ("product type soap", 60, 70, 0.1, 0.7),
            ("product type rare things", 3, 31, 0.9, 5.0),
        )
    ],
}


FINALISTS = frozenset({"trees", "trees, 300", "ridge, C 1e-4", "popularity", "bought before"})


def write_exploration(
    folder,
    *,
    finals=True,
    listed=None,
    parts=(*FOLDS, "usual validation"),
    finalists=FINALISTS,
    plain=None,
    **choice,
):
    """Write an exploration's folder; give back the folder."""
    listed = entries() if listed is None else listed
    _write(folder / "exploration.json", _exploration(listed))
    for entry in listed:
        last = ("usual test", "final") if finals and entry["name"] in finalists else ()
        for part in (*parts, *last) if not entry["skipped"] else ():
            slug = part.replace(" ", "-")
            _write(
                folder / "results" / Entry.from_document(entry).slug / f"{slug}.json",
                _result(entry, part),
            )
    if finals:
        _write(
            folder / "standings.json",
            {"choice": CHOICE | choice, "choice_request_only": plain or CHOICE | choice},
        )
        _write(folder / "finals.json", {"openings": [OPENING]})
        _write(folder / "inspection.json", INSPECTION)
    return folder


def write_second_fits(folder, names, *, higher):
    """Write second fits of entries on every fold, whose average precision is `higher`."""
    for entry in (entry for entry in entries() if entry["name"] in names):
        known = Entry.from_document(entry)
        for fold in FOLDS:
            again = Part.from_document(_PARTS[fold]).repeated
            result = _result(entry | {"ap": entry["ap"] + higher}, fold)
            result["part"] = again.name
            result["fingerprint"] = fingerprint(known, again, seed=0, grounds=GROUNDS)
            _write(folder / "results" / known.slug / f"{again.slug}.json", result)


CHOICE = {
    "rule": RULE,
    "best": "trees, 300",
    "chosen": "trees",
    "within": ["trees, 300", "trees"],
    "parametrisation": {"model": "boosted_trees", "depth": 6, "iterations": 150},
}
OPENING = {
    "moment": "2021-03-04T10:11:12+00:00",
    "frame_sha256": FRAME,
    "entries": ["trees", "popularity"],
    "winner": "trees",
    "reason": None,
}


def _write(path, document):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document), "utf-8")
