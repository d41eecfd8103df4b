"""Where does the report get its numbers? From the JSON files of an exploration's folder alone."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from push_model.errors import DatasetError
from push_model.exploration.report.found import Entry, Found, Result


def read_found(folder: Path) -> Found:
    """Read what an exploration found so far.

    Parameters
    ----------
    folder : Path
        With ``exploration.json``; whatever else is absent is taken as not done yet.

    Returns
    -------
    Found

    Raises
    ------
    DatasetError
        If there is no exploration in `folder`, or a file of it is not JSON.
    """
    facts = _read(folder / "exploration.json")
    if facts is None:
        raise DatasetError(
            f"{folder} holds no exploration.json; run `push-model explore` on it first."
        )
    documents = [*(facts.get("entries") or ()), *(_read(folder / "search.json") or ())]
    standings = _read(folder / "standings.json") or {}
    choice = standings.get("choice") or {}
    inspection = _read(folder / "inspection.json") or {}
    return Found(
        facts=facts,
        entries=read_entries(documents, _read_results(folder)),
        choice=choice,
        choice_request_only=standings.get("choice_request_only") or {},
        openings=tuple((_read(folder / "finals.json") or {}).get("openings") or ()),
        # What was looked at in another entry says nothing of this one.
        inspection=inspection if inspection.get("entry") == choice.get("chosen") else {},
        learning=tuple(_read(folder / "learning.json") or ()),
    )


def read_entries(
    documents: Iterable[Mapping[str, Any]], results: Iterable[Mapping[str, Any]]
) -> dict[str, Entry]:
    """Give the entries with their results.

    Parameters
    ----------
    documents, results : iterable of mapping
        Entry documents in order, and results in any order.

    Returns
    -------
    dict of str to Entry
        By name.
    """
    found: dict[str, dict[str, Result]] = {}
    for result in results:
        found.setdefault(result["entry"]["name"], {})[result["part"]] = read_result(result)
    return {
        entry["name"]: Entry(
            name=str(entry["name"]),
            slug=str(entry["slug"]),
            question=str(entry.get("question") or ""),
            family=str(entry.get("family") or ""),
            features=str(entry.get("features") or ""),
            treatment=str(entry.get("treatment") or "plain"),
            settings=dict(entry.get("settings") or {}),
            neighbour=entry.get("neighbour"),
            complexity=float(entry.get("complexity") or 0),
            is_servable=bool(entry.get("is_servable")),
            skipped=str(entry.get("skipped") or ""),
            results=found.get(entry["name"], {}),
        )
        for entry in documents
    }


def read_result(document: Mapping[str, Any]) -> Result:
    """Give one result.

    Parameters
    ----------
    document : mapping
        As ``results/<slug>/<part>.json`` has it.

    Returns
    -------
    Result
    """
    draws = [np.nan if value is None else value for value in document["draws"]]
    return Result(
        train=document["train"],
        judged=document["judged"],
        metrics=document["metrics"],
        draws=np.asarray(draws, dtype=np.float64),
        fit_s=float(document["fit_s"]),
        score_us=float(document["score_us"]),
        size_bytes=int(document["size_bytes"]),
        inputs=int(document["inputs"]),
        facts=document.get("facts") or {},
        curve=document.get("curve") or {},
    )


def _read_results(folder: Path) -> list[Any]:
    paths = sorted((folder / "results").glob("*/*.json"))
    return [_read(path) for path in paths if not path.name.endswith(".model.json")]


def _read(path: Path) -> Any:
    if not path.exists():
        return None
    try:
        return json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise DatasetError(
            f"{path} is not JSON ({error}). Remove it and run the exploration again: "
            "what is done already is kept."
        ) from error
