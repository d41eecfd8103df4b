import re
from dataclasses import replace

import numpy as np
import pytest

from push_model.evaluation.evaluation import evaluate
from push_model.evaluation.results import Metrics
from push_model.evaluation.scorers import score
from push_model.model.scoring import Model
from push_model.reporting.numbers import SHOWN_METRICS
from push_model.training.card.content import compose
from push_model.training.card.pages import _write_html, _write_markdown
from push_model.training.parametrisation import read_parametrisation
from push_model.training.train import train
from tests.frames import make_frame
from tests.project.pages import Page
from tests.training.card.conftest import FACTS, FINDINGS, SLICE
from tests.undrawn import undrawn

NAME = "push_2021_03_04"
HOSTILE = "<script>alert(1)</script>|`$x$`\n# [a](javascript:b)&\"'"


def plain(markdown):
    return re.sub(r"\\(.)", r"\1", markdown)


@pytest.mark.parametrize("kind", ["page", "text"])
def test_a_card_shows_what_a_model_is_and_how_good_it_is(kind, request):
    written = request.getfixturevalue(kind)

    shown = " ".join(Page(written).text) if kind == "page" else plain(written)
    for part in (
        NAME,
        "0123456789abcdef",
        "2021-03-04",
        "boosted_trees",
        "data/feature_frame_20210304.csv",
        "ab" * 32,
        "1,500,000",
        "(0.2791 to 0.3512)",
        "90 % interval 0.279 to 0.351",
        "Compared with the champion push_2021_03_03 on 262 orders: worse.",
        "On non-inferior to the champion.",
        "✗ failed",
        "? too little data",
        "Slice rules: 1 of 2 passed",
        "above -0.02",
        "36,502",
        "18 % of the champion's best 5 %",
        "(-10 % to +2 %)",
        "median 4, now 7",
        "slope 1.2, intercept 0.1",
        "It helps.",
        "push-model rollback --reason",
        "catboost",
        "at least 5 items",
    ):
        assert part in shown, part
    assert not re.search(r"\d[eE][+]\d", shown)


def test_the_same_model_gives_the_same_bytes(page, text, evaluation, verdict):
    content = compose(NAME, FACTS, evaluation, verdict)

    assert _write_html(content) == page
    assert _write_markdown(content) == text


def test_before_the_gate_a_card_says_so_once(evaluation):
    text = _write_markdown(compose(NAME, FACTS, evaluation, None))

    assert text.count("Not judged yet") == text.count("The gate writes this card again") == 1
    assert "failed" not in text


def test_the_first_model_is_compared_with_no_champion(evaluation, verdict):
    first = replace(verdict, champion_name=None, champion_line=None, claim=None)

    text = _write_markdown(compose(NAME, FACTS, evaluation, first))

    assert "First model, evaluated on 262 orders." in text
    assert "There is no champion yet, so nothing serves." in text.split("## ")[0]


def test_a_promotion_counts_the_rules_that_the_card_lists(evaluation, verdict):
    slices = [replace(FINDINGS[3], rule=f"ranks slice {number}") for number in range(3)]
    passed = [found for found in FINDINGS if found.passed is not False and found.about != "slice"]
    won = replace(verdict, decision="promote", claim="better", findings=(*passed, *slices))

    text = _write_markdown(compose(NAME, FACTS, evaluation, won))

    listed = re.findall(r"\| (?:✓ passed|\? too little data) \|", text)
    assert f"1 of {len(listed)} rules passed, none failed. 1 had too little data." in text
    assert "3 of 3 slice rules passed." in text
    assert "Better than the champion: average precision" in text


def test_a_holdout_too_small_for_slices_has_a_card_without_them(evaluation):
    text = _write_markdown(compose(NAME, FACTS, replace(evaluation, slices=()), None))

    assert "for whom it is good" not in text


def test_the_failed_rules_come_first(page):
    shown = [page.index(f"On {rule}") for rule in ("non-inferior", "no drift", "enough orders")]

    assert shown == sorted(shown)


def test_the_metrics_speak_of_metrics_alone(text):
    section = text.split("## Metrics")[1].split("\n## ")[0]

    assert "global\\_popularity" in section
    assert "no measurable effect" not in section
    assert section.count("shuffle") == 0


def test_the_page_is_well_formed_and_no_id_is_twice(page):
    read = Page(page)

    assert len(read.ids) == len(set(read.ids))
    assert set(re.findall(r'href="#([^"]+)"', page)) <= set(read.ids)
    assert set(re.findall(r"url\(#([^)]+)\)", page)) <= set(read.ids)
    assert read.all("html") == [{"lang": "en"}]


def test_the_page_loads_nothing(page):
    read = Page(page)

    assert not {"script", "link", "img", "iframe", "object"} & {tag for tag, _ in read.tags}
    assert "http:" not in page
    assert "https:" not in page
    assert not re.search(r"url\((?!#)|@import", page)
    assert {"default-src 'none'; style-src 'unsafe-inline'"} == {
        meta["content"] for meta in read.all("meta") if "http-equiv" in meta
    }


def test_every_picture_says_what_it_shows(page):
    pictures = Page(page).all("svg")

    assert len(pictures) >= 12
    assert {svg["role"] for svg in pictures} == {"img"}
    for svg in pictures:
        for label in (svg["aria-labelledby"], svg["aria-describedby"]):
            assert re.search(rf'id="{label}">[^<]{{10,}}<', page)


def test_pictures_take_every_colour_from_the_page(page):
    drawn = "".join(re.findall(r"<svg.*?</svg>", page, flags=re.DOTALL))

    assert re.findall(r"#[0-9a-f]{6}\b|font-family", drawn) == []
    assert set(re.findall(r"var\((--\w+)\)", page)) <= set(re.findall(r"(--[\w-]+):", page)) | {
        f"--{name}" for name in ("good", "bad", "open")
    }


def test_every_table_has_a_caption_and_its_headings_a_scope(page):
    read = Page(page)

    assert len(read.all("table")) == len(read.all("caption")) >= 8
    assert {heading.get("scope") for heading in read.all("th")} == {"col", "row"}


def test_hostile_texts_stay_texts(evaluation, verdict):
    facts = FACTS | {"dataset": {"uri": HOSTILE}, "parametrisation": {HOSTILE: HOSTILE}}
    found = replace(FINDINGS[0], rule=HOSTILE, sentence=HOSTILE, limit=HOSTILE)
    hostile = replace(verdict, champion_name=HOSTILE, findings=(found,))
    slices = (replace(SLICE, name=HOSTILE), *evaluation.slices[1:])

    content = compose(HOSTILE, facts, replace(evaluation, slices=slices), hostile)
    with undrawn():
        page, text = _write_html(content), _write_markdown(content)

    assert Page(page).all("script") == []
    assert HOSTILE in "".join(Page(page).text)
    assert not re.search(r"(?<!\\)<|(?<!\\)\[|\n\\#", text)
    assert sum(line.startswith("# ") for line in text.splitlines()) == 1


@pytest.mark.parametrize("flat", [False, True])
def test_a_single_purchase_is_drawn(holdout, model, flat):
    rows = holdout.assign(outcome=0.0)
    rows.loc[rows.index[3], "outcome"] = 1.0
    ours = np.zeros(len(rows)) if flat else np.linspace(0, 1, len(rows))

    found = evaluate(rows, {"challenger": ours}, model=model)
    page = _write_html(compose(NAME, FACTS, found, None))

    assert len(Page(page).all("svg")) >= 7


def test_markdown_tables_have_as_many_cells_as_headings(text):
    tables = re.findall(r"(?:^\|.*\|\n)+", text, flags=re.MULTILINE)

    assert len(tables) >= 8
    for table in tables:
        widths = {len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}
        assert len(widths) == 1


def test_probability_metrics_of_baselines_are_left_blank(text):
    (line,) = [line for line in text.splitlines() if line.startswith("| log loss |")]
    ours, champion, popularity, before, raw = [cell.strip() for cell in line.split("|")[2:-1]]

    assert popularity == before == "-"
    assert all(float(value) > 0 for value in (ours, champion, raw))


def test_every_metric_shown_is_one_that_is_measured():
    assert {name for name, _, _ in SHOWN_METRICS} <= set(Metrics.__dataclass_fields__)


@pytest.mark.mltest("Data 2")
def test_a_feature_that_is_noise_is_doubted_and_named_on_the_card():
    rng = np.random.default_rng(0)

    def with_noise(frame):
        return frame.assign(count_pets=rng.integers(0, 6, len(frame)).astype(float))

    asked = read_parametrisation({"model": "boosted_trees", "iterations": 30, "depth": 3})
    trained, held = (with_noise(make_frame(orders=n, seed=n)) for n in (200, 300))
    document = train(trained, asked, seed=0, trained_on="2021-03-04").evaluated.document
    model = Model.from_document(document)

    found = evaluate(held, {"challenger": score(model, held)}, model=model)

    doubted = {each.feature for each in found.importances if each.is_doubtful}
    assert "count_pets" in doubted
    assert not doubted & {"ordered_before", "global_popularity"}
    text = plain(_write_markdown(compose(NAME, FACTS, found, None)))
    (said,) = re.findall(r"consider removing: ([^\n]*)", text)
    assert "count_pets" in said
    assert "ordered_before" not in said
