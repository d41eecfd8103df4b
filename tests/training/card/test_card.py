import re

import numpy as np
import pytest

from push_model.evaluation.evaluation import evaluate
from push_model.evaluation.importances import Dependence
from push_model.evaluation.results import Metrics
from push_model.evaluation.scorers import score
from push_model.model.scoring import Model
from push_model.reporting.dependence import draw_dependences
from push_model.reporting.numbers import SHOWN_METRICS, write_percent
from push_model.training.card.pages import write_html, write_markdown
from push_model.training.parametrisation import read_parametrisation
from push_model.training.train import train
from tests.frames import make_frame
from tests.project.pages import Page
from tests.undrawn import undrawn

WRITERS = pytest.mark.parametrize("write", [write_html, write_markdown])
HOSTILE = "<script>alert(1)</script>|`$x$`\n# [a](javascript:b)&\"'"


@WRITERS
def test_a_card_says_what_a_model_is_and_how_good_it_is(write, facts, evaluation, judgement):
    written = write(facts, evaluation, judgement, model_name="push_2021_03_04")

    text = re.sub(
        r"\\(.)", r"\1", " ".join(Page(written).text if write is write_html else [written])
    )
    for part in (
        "push_2021_03_04",
        "0123456789abcdef",
        "2021-03-04",
        "boosted_trees",
        "data/feature_frame_20210304.csv",
        "ab" * 32,
        "1,500,000",
        "0.3166",
        "(0.2791 to 0.3512)",
        "90 % interval 0.279 to 0.351",
        "push_2021_03_03",
        "keep: push_2021_03_04. It loses 3 %.",
        "On holds against the champion.",
        "✗ failed",
        "? cannot tell",
        "1 of 2 passed",
        "above -0.02",
        "18 % of the champion's best 5 %",
        "-4.0%",
        "(0.210 to 0.290)",
        "median 4, now 7",
        "It helps.",
        "push-model rollback --reason",
        "catboost",
        "at least 5 items",
    ):
        assert part in text, part


def test_the_same_model_gives_the_same_bytes(page, facts, evaluation, judgement):
    text = write_markdown(facts, evaluation, judgement)

    assert write_html(facts, evaluation, judgement, model_name="push_2021_03_04") == page
    assert write_markdown(facts, evaluation, judgement) == text


@WRITERS
def test_before_the_gate_a_card_says_that_nothing_is_judged_yet(write, facts, bare):
    written = write(facts, bare)

    assert "Not judged yet" in written
    assert "failed" not in written


@WRITERS
def test_a_card_of_which_little_is_known_is_written_all_the_same(write, bare):
    judged = {"decision": "promote", "findings": [{}], "slices": [{}], "drift": [{}]}

    written = write({}, bare, judged)

    assert "model -" in written
    assert "Promote: it is fit to serve" in written


def test_a_promotion_is_said_in_short(facts, bare, judgement):
    findings = [found for found in judgement["findings"] if found["passed"] is not False]
    won = judgement | {"decision": "promote", "claim": "better", "findings": findings}

    written = write_markdown(facts, bare, won)

    said = "2 rules are kept, and none is broken; 2 more could not be told. "
    assert f"{said}It is better than the champion push\\_2021\\_03\\_03." in written


def test_the_failed_rules_come_first(page):
    shown = [page.index(f"On {rule}") for rule in ("holds against", "no drift", "enough orders")]

    assert shown == sorted(shown)


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
    read = Page(page)

    pictures = read.all("svg")
    assert len(pictures) >= 12
    assert {svg["role"] for svg in pictures} == {"img"}
    for svg in pictures:
        for label in (svg["aria-labelledby"], svg["aria-describedby"]):
            assert re.search(rf'id="{label}">[^<]{{10,}}<', page)


def test_tests_of_other_things_leave_pictures_out(facts, bare, judgement):
    with undrawn():
        read = Page(write_html(facts, bare, judgement))

    assert read.all("svg")
    assert not read.all("path")


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


def test_hostile_texts_stay_texts(facts, bare, judgement):
    facts |= {"dataset": {"uri": HOSTILE}, "parametrisation": {HOSTILE: HOSTILE}}
    judgement |= {"sentence": HOSTILE, "champion_name": HOSTILE, "decision": HOSTILE}
    judgement["findings"][0] |= {"rule": HOSTILE, "sentence": HOSTILE, "limit": HOSTILE}
    judgement["slices"][0] |= {"slice": HOSTILE}
    judgement["drift"][0] |= {"feature": HOSTILE, "says": HOSTILE}

    page = write_html(facts, bare, judgement, model_name=HOSTILE)
    text = write_markdown(facts, bare, judgement, model_name=HOSTILE)

    assert Page(page).all("script") == []
    assert HOSTILE in "".join(Page(page).text)
    assert not re.search(r"(?<!\\)<|(?<!\\)\[|\n\\#", text)
    assert sum(line.startswith("# ") for line in text.splitlines()) == 1


def test_a_letter_that_no_font_has_is_drawn_all_the_same(facts, bare, judgement):
    judgement["slices"][0]["slice"] = "茶 🍵 $x$"

    assert re.search("<text[^>]*>茶 🍵 \\$x\\$</text>", write_html(facts, bare, judgement))


@pytest.mark.parametrize("flat", [False, True])
def test_a_single_purchase_is_drawn(facts, holdout, flat):
    rows = holdout.assign(outcome=0.0)
    rows.loc[rows.index[3], "outcome"] = 1.0
    ours = np.zeros(len(rows)) if flat else np.linspace(0, 1, len(rows))

    page = write_html(facts, evaluate(rows, {"challenger": ours}))

    assert len(Page(page).all("svg")) == 6


def test_what_the_gate_did_not_measure_is_the_evaluations(facts, bare):
    text = write_markdown(facts, bare, {"decision": "keep", "metrics": {"challenger": {}}})

    assert f"{bare.scorers['challenger'].metrics['roc_auc']:.4f}" in text


def test_where_a_value_may_be_missing_its_picture_says_what_that_means():
    (picture,) = draw_dependences([Dependence("days", (1.0, 9.0), (0.2, 0.1), 0.01, "never")])

    assert ">never</text>" in picture.svg()
    assert "(never): 1 %" in picture.alt


def test_an_interval_of_no_stated_level_is_given_none(facts, bare, judgement):
    del judgement["interval_level"]

    assert "precision, interval 0.279 to 0.351" in write_markdown(facts, bare, judgement)


def test_markdown_tables_have_as_many_cells_as_headings(facts, evaluation, judgement):
    text = write_markdown(facts, evaluation, judgement)

    tables = re.findall(r"(?:^\|.*\|\n)+", text, flags=re.MULTILINE)
    assert len(tables) >= 8
    for table in tables:
        widths = {len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}
        assert len(widths) == 1


def test_a_baseline_is_not_held_to_what_only_propensities_promise(facts, evaluation):
    text = write_markdown(facts, evaluation)

    (line,) = [line for line in text.splitlines() if line.startswith("| log loss |")]
    ours, champion, popularity, before, raw = [cell.strip() for cell in line.split("|")[2:-1]]
    assert popularity == before == "-"
    assert float(ours) > 0
    assert float(champion) > 0
    assert float(raw) > 0


def test_every_metric_shown_is_one_that_is_measured():
    assert {name for name, _, _ in SHOWN_METRICS} <= set(Metrics.__dataclass_fields__)


def test_small_shares_keep_two_digits():
    assert [write_percent(share) for share in (0.996, 0.0999, 0.0)] == ["100 %", "10 %", "0 %"]


def test_slices_too_small_to_have_a_say_are_shown_all_the_same(facts, evaluation, judgement):
    text = write_markdown(facts, evaluation, judgement | {"slices": []})

    assert {"| new users |", "| returning users |"} <= {
        line[: line.index("|", 1) + 1] for line in text.splitlines() if line.startswith("| ")
    }


@pytest.mark.mltest("Data 2")
def test_a_feature_that_is_noise_is_doubted_and_named_on_the_card(facts):
    rng = np.random.default_rng(0)

    def with_noise(frame):
        return frame.assign(count_pets=rng.integers(0, 6, len(frame)).astype(float))

    asked = read_parametrisation({"model": "boosted_trees", "iterations": 30, "depth": 3})
    learnt, held = (with_noise(make_frame(orders=n, seed=n)) for n in (200, 300))
    document = train(learnt, asked, seed=0, trained_on="2021-03-04").validated.document
    model = Model.from_document(document)

    found = evaluate(held, {"challenger": score(model, held)}, model=model)

    doubted = {each.feature for each in found.importances if each.is_doubtful}
    assert "count_pets" in doubted
    assert not doubted & {"ordered_before", "global_popularity"}
    (said,) = re.findall(r"may cost more than it brings: ([^<]*)", write_html(facts, found))
    assert "count_pets" in said
    assert "ordered_before" not in said
