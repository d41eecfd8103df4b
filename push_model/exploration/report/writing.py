"""How does a report get onto the disk? Read, look at what was chosen, write."""

from pathlib import Path

from push_model.exploration.report.inspection import inspect_chosen
from push_model.exploration.report.pages import HTML_FILE, PICTURES, write_pages
from push_model.exploration.report.reading import read_found
from push_model.store.durable import write_aside


def write_report(folder: Path, out: Path | None = None) -> Path:
    """Write the report of an exploration: a page, a text, and pictures."""
    inspect_chosen(folder)
    files = write_pages(read_found(folder))
    out = folder / "report" if out is None else out
    (out / PICTURES).mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        write_aside(out / name, content)
    for picture in (out / PICTURES).glob("*.svg"):
        if f"{PICTURES}/{picture.name}" not in files:
            picture.unlink()
    return out / HTML_FILE
