import re
from html import unescape

import pytest

from push_model.errors import DatasetError
from push_model.exploration.report import write_report
from push_model.exploration.report.content import SECTIONS, compose
from push_model.exploration.report.pages import write_pages
from push_model.exploration.report.reading import read_found
from tests.exploration.report.results import entries, write_exploration
from tests.project.pages import Page

HOSTILE = "<script>alert(1)</script>|`$x$`\n# [a](javascript:b)&\"'"


def test_the_report_has_every_section_in_its_order(page):
    names = re.findall(r'<section id="([a-z]+)"', page)

    assert names == [
        *("sales", "decision", "neighbours", "paths", "trees", "learning"),
        *("curves", "users", "leaning", "errors", "costs", "protocol"),
    ]
    assert len(names) == len(SECTIONS)


def test_the_page_is_well_formed_and_loads_nothing(page):
    read = Page(page)

    assert len(read.ids) == len(set(read.ids))
    assert set(re.findall(r'href="#([^"]+)"', page)) <= set(read.ids)
    assert not {"script", "link", "img", "iframe", "object"} & {tag for tag, _ in read.tags}
    assert not re.search(r"https?:|url\((?!#)|@import", page)


def test_every_picture_of_the_page_stands_beside_the_text_too(files, page, text):
    pictures = [svg for svg in Page(page).all("svg") if svg.get("role") == "img"]
    named = re.findall(r"!\[.+\]\((.+?)\)$", text, flags=re.MULTILINE)

    assert len(pictures) == len(named) > 30
    assert set(named) | {"report.html", "report.md"} == set(files)


def test_a_picture_beside_the_text_needs_no_style_sheet(files):
    drawn = [content.decode() for name, content in files.items() if name.endswith(".svg")]

    for svg in drawn:
        assert svg.startswith('<svg xmlns="http://www.w3.org/2000/svg"')
        assert "var(" not in svg
        assert 'width="100%"' in svg


def test_markdown_and_page_say_the_same_numbers(page, text):
    shown = Page(re.sub(r"<(style|svg)\b.*?</\1>", "", page, flags=re.DOTALL))

    assert _numbers(" ".join(shown.text)) == _numbers(re.sub(r"!\[.*?\]\(.*?\)", "", _plain(text)))


def test_the_same_results_give_the_same_bytes(files, folder):
    assert write_pages(read_found(folder)) == files


def test_hostile_names_stay_text(tmp_path):
    listed = [e | {"name": HOSTILE} if e["name"] == "trees, depth 4" else e for e in entries()]
    written = write_pages(read_found(write_exploration(tmp_path, listed=listed)))

    page, text = (written[name].decode() for name in ("report.html", "report.md"))
    assert Page(page).all("script") == []
    assert HOSTILE in unescape(page)
    assert not re.search(r"(?<!\\)<|\n\\?# \[", text)
    assert sum(line.startswith("# ") for line in text.splitlines()) == 1


def test_markdown_tables_have_as_many_cells_as_headings(text):
    tables = re.findall(r"(?:^\|.*\|\n)+", text, flags=re.MULTILINE)

    assert len(tables) > 12
    for table in tables:
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}) == 1


def test_the_report_is_written_into_a_folder_of_its_own(folder, tmp_path, files):
    (tmp_path / "out" / "pictures").mkdir(parents=True)
    (tmp_path / "out" / "pictures" / "of-an-earlier-run.svg").touch()

    written = write_report(folder, tmp_path / "out")

    assert written == tmp_path / "out" / "report.html"
    assert written.read_bytes() == files["report.html"]
    shown = {p.relative_to(tmp_path / "out").as_posix() for p in (tmp_path / "out").rglob("*.*")}
    assert shown == set(files)


def test_without_a_place_it_stands_in_the_exploration_s_folder(tmp_path):
    listed = [entry for entry in entries() if entry["family"] == "popularity"]
    folder = write_exploration(tmp_path, listed=listed, finals=False)

    assert write_report(folder) == tmp_path / "report" / "report.html"


@pytest.mark.parametrize("parts", [(), ("fold 1", "fold 2", "fold 3", "fold 4")])
def test_an_exploration_that_is_not_done_yet_is_reported_all_the_same(tmp_path, parts):
    found = read_found(write_exploration(tmp_path, parts=parts, finals=False))

    report = compose(found)

    assert report.headline == "Nothing is chosen yet"
    assert "The final window has not been opened." in report.sections[1].paragraphs
    for section in report.sections:
        for picture in section.pictures:
            assert picture.svg().startswith("<svg")


def test_a_folder_without_an_exploration_is_refused(tmp_path):
    with pytest.raises(DatasetError, match=r"exploration.json"):
        write_report(tmp_path)


def _plain(text):
    return re.sub(r"\\(.)", r"\1", text)


def _numbers(text):
    found = re.findall(r"\d[\d,]*\.?\d*", text.replace("\N{NO-BREAK SPACE}", " "))
    return {number.strip(".,") for number in found if len(number.strip(".,")) > 2}
