"""The report of a small exploration, drawn once; other numbers are filled in undrawn."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from push_model.evaluation.results import Interval
from push_model.exploration.final_window import Claim, _read_outcome
from push_model.exploration.fits.protocol import CLAIMING
from push_model.exploration.folder import open_exploration
from push_model.exploration.report import inspection
from push_model.exploration.report.found import LEAST_ORDERS, Sender, gather
from push_model.exploration.report.inspection import inspect_chosen
from push_model.exploration.report.pages import _make_report, _write_files
from push_model.exploration.search import _entry_of
from push_model.exploration.work import read_current
from push_model.training.parametrisation import FINAL_MODEL, FINAL_MODEL_WITH_HISTORY
from tests.project.pages import Page

MOST_WORDS = 2500
FEW_USERS = 4


def read(folder):
    exploration, outcome = open_exploration(folder), _read_outcome(folder)
    entries = [standing.entry for standing in outcome.standings]
    results = read_current(exploration, entries, purposes=(CLAIMING,))
    seen = inspect_chosen(exploration, outcome.choice.chosen)
    return gather(exploration, outcome, results, seen)


@pytest.fixture(scope="module")
def found(explored):
    return read(explored)


@pytest.fixture(scope="module")
def folder(found, tmp_path_factory):
    """Return the folder of a drawn report."""
    out = tmp_path_factory.mktemp("report")
    (out / "pictures").mkdir()
    (out / "pictures" / "of-an-earlier-run.svg").touch()
    _write_files(out, _make_report(found))
    return out


@pytest.fixture(scope="module")
def page(folder):
    return (folder / "report.html").read_text("utf-8")


@pytest.fixture(scope="module")
def text(folder):
    return (folder / "report.md").read_text("utf-8")


@pytest.fixture(scope="module")
def with_history(found):
    """Let the rule choose both final models, which are in use."""
    models = (FINAL_MODEL_WITH_HISTORY, FINAL_MODEL)
    entries = [_entry_of(model, features=model["features"]) for model in models]
    standings = [replace(found.chosen, entry=e, gain_on_neighbour=None) for e in entries]
    claims = tuple(
        Claim(
            entry=ours.name,
            part="final",
            average_precision=Interval(0.34, 0.3, 0.37),
            gain_on={theirs.name: Interval(0.01, 0.005, 0.013)},
            metrics=found.claim.metrics,
        )
        for ours, theirs in (entries, reversed(entries))
    )
    ours, plain = (
        replace(found.outcome.choice, chosen=entry, best=entry, within=(entry,))
        for entry in entries
    )
    outcome = replace(
        found.outcome,
        standings=(*standings, *found.outcome.standings),
        choice=ours,
        choice_request_only=plain,
        claims=claims,
        in_use=tuple(entry.name for entry in entries),
        fits={},
    )
    senders = [
        Sender("ours", 234.2, 82.0, 0.48),
        Sender("plain", 233.1, 79.0, 0.48),
        Sender("random", 10.0, 1.0, 0.02),
    ]
    return replace(found, outcome=outcome, senders=senders, curves={})


def words_of(found) -> str:
    """Return the paragraphs of the page."""
    return "\n".join(p for section in _make_report(found).sections for p in section.paragraphs)


def choose_runner_up(found, margin):
    """Let another entry be the best on the folds, with a margin in the final window."""
    best = next(s.entry for s in found.outcome.standings if s.entry != found.chosen.entry)
    claim = replace(found.claim, gain_on={**found.claim.gain_on, best.name: margin})
    level = Interval(0.001, -0.001, 0.003)
    outcome = replace(
        found.outcome,
        choice=replace(found.outcome.choice, best=best),
        claims=(claim,),
        standings=tuple(replace(s, behind_best=level) for s in found.outcome.standings),
    )
    return replace(found, outcome=outcome)


def test_the_page_is_well_formed_and_loads_nothing(page):
    read = Page(page)

    assert len(read.ids) == len(set(read.ids))
    assert set(re.findall(r'href="#([^"]+)"', page)) <= set(read.ids)
    assert not {"script", "link", "img", "iframe", "object"} & {tag for tag, _ in read.tags}
    assert not re.search(r"https?:|url\((?!#)|@import", page)


def test_the_page_is_short_and_the_appendix_is_folded(page, text):
    before, appendix = text.split("<details>")

    assert len(before.split()) < MOST_WORDS
    assert appendix.rstrip().endswith("</details>")
    assert page.index('id="method"') < page.index("<details") < page.index('id="leaderboard"')


def test_the_published_page_is_short_too():
    text = Path(__file__).parents[3].joinpath("docs/exploration/report.md").read_text("utf-8")

    assert len(text.split("<details>")[0].split()) < MOST_WORDS


def test_every_picture_of_the_page_is_beside_the_text_too(folder, page, text):
    pictures = [svg for svg in Page(page).all("svg") if svg.get("role") == "img"]
    named = re.findall(r"!\[.+\]\((.+?)\)$", text, flags=re.MULTILINE)

    assert len(pictures) == len(named) > 10
    written = {path.relative_to(folder).as_posix() for path in folder.rglob("*.*")}
    assert written == {*named, "report.html", "report.md"}


def test_a_picture_beside_the_text_needs_no_style_sheet(folder):
    for path in folder.rglob("*.svg"):
        drawn = path.read_text("utf-8")
        assert drawn.startswith('<svg xmlns="http://www.w3.org/2000/svg"')
        assert "var(" not in drawn


def test_markdown_tables_have_as_many_cells_as_headings(text):
    tables = re.findall(r"(?:^\|.*\|\n)+", text, flags=re.MULTILINE)

    assert len(tables) > 12
    for table in tables:
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}) == 1


def test_the_report_names_no_user_order_or_product(folder, explored, frame):
    written = [path.read_text("utf-8") for path in folder.rglob("*.*")]
    written.append((explored / "inspection.json").read_text("utf-8"))
    numbers = {number for text in written for number in re.findall(r"\d{13,}", text)}

    for column in ("user_id", "order_id", "variant_id"):
        assert not {str(number) for number in frame[column].unique()} & numbers


def test_the_report_holds_the_parametrisation_to_train_again(found, text):
    (written,) = re.findall(r"```json\n(.*?)```", text, re.DOTALL)

    document = json.loads(written)
    assert document["report"] == found.report_id
    assert document["chosen"]["model"] == found.chosen.entry.family


def test_the_leaderboard_has_every_entry(found, text):
    leaderboard = text.split("## Leaderboard")[1].split("## All comparisons")[0]

    for standing in found.outcome.standings:
        assert f"| {standing.average_precision.estimate:.4f} (" in leaderboard


def test_the_chosen_model_has_its_name_in_the_form(with_history):
    words = words_of(with_history)

    assert "final_model_with_history" in words
    assert "Until then use final_model," in words
    assert "found: " not in words


def test_history_improves_the_order_of_the_list(found, with_history):
    assert "best 100 pushes 82 instead of 79 are bought" in words_of(with_history)
    assert "instead of" not in words_of(found)


def test_the_margin_over_the_model_in_use_has_its_interval(with_history):
    report = _make_report(with_history)

    words = " ".join(report.sections[0].paragraphs)
    assert "is +0.0100 (+0.0050 to" in words
    assert any(tile.value == "+0.010" for tile in report.tiles)


@pytest.mark.parametrize(
    ("margin", "is_defended"),
    [(Interval(-0.003, -0.005, -0.001), True), (Interval(-0.003, -0.005, 0.001), False)],
)
def test_the_choice_is_defended_where_the_final_window_shows_it_worse(found, margin, is_defended):
    words = words_of(choose_runner_up(found, margin))

    assert "statistically tied" in words
    assert ("The choice stands." in words) == is_defended
    assert "-0.0030 (-0.0050 to" in words


def test_what_helped_and_what_did_not_are_of_the_family_of_the_chosen_entry(found):
    families = {found.label(s.entry): s.entry.family for s in found.outcome.standings}
    (helped,), (unhelpful,) = (
        section.tables
        for section in _make_report(found).sections
        if section.name in {"helped", "unhelpful"}
    )

    shown = {row[0] for row in (*helped.rows, *unhelpful.rows)}
    assert {families[name] for name in shown} == {found.chosen.entry.family}


def test_others_send_as_many_pushes_as_the_chosen_model(found):
    metrics = found.curves[found.chosen.entry.name].metrics
    ours, *others = found.senders

    assert ours.bought == pytest.approx(1000 * metrics["precision_when_pushed"])
    assert others[-1].bought == pytest.approx(1000 * metrics["base_rate"])
    for sender in others:
        pushed = metrics["pushed_share"] / metrics["base_rate"]
        assert sender.bought * pushed == pytest.approx(1000 * sender.reached)


def test_a_model_that_pushes_nothing_is_reported_too(found):
    metrics = {"all": found.claim.metrics["all"], "new": None, "returning": None}
    outcome = replace(found.outcome, claims=(replace(found.claim, metrics=metrics),))

    words = words_of(replace(found, senders=(), outcome=outcome, curves={}))

    assert "pushes above 5 %" not in words


def test_the_report_id_changes_with_rows_rule_and_choice_alone(found, explored):
    assert read(explored).report_id == found.report_id
    assert replace(found, facts={**found.facts, "seed": 1}).report_id != found.report_id


def test_partial_dependence_ends_where_few_users_are(copied, monkeypatch):
    monkeypatch.setattr(inspection, "LEAST_USERS", FEW_USERS)
    (copied / "inspection.json").unlink()
    seen = inspect_chosen(open_exploration(copied), _read_outcome(copied).choice.chosen)
    start, end = seen.window.split(" <= day < ")
    rows = open_exploration(copied).read_rows()
    days = rows["order_date"].astype(str)
    rows = rows[(days >= start) & (days < end)]

    assert seen.dependences
    for line in seen.dependences:
        values = rows[line.feature]
        for beyond in (values <= line.values[0], values >= line.values[-1]):
            assert rows.loc[beyond, "user_id"].nunique() >= FEW_USERS


def test_a_model_is_inspected_once(copied):
    chosen = _read_outcome(copied).choice.chosen
    kept = copied / "inspection.json"
    before = kept.read_bytes()

    kept.write_text(json.dumps(json.loads(before) | {"orders": 1}), "utf-8")
    assert inspect_chosen(open_exploration(copied), chosen).orders == 1

    kept.write_text(json.dumps(json.loads(before) | {"model_sha256": "another"}), "utf-8")
    inspect_chosen(open_exploration(copied), chosen)
    assert kept.read_bytes() == before


def test_small_groups_are_not_kept(found):
    assert all(group.orders >= LEAST_ORDERS for group in found.inspection.groups)
