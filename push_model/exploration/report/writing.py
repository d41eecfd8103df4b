"""How does a report get onto the disk? Read, look at what was chosen, write."""

from pathlib import Path

from push_model.exploration.report.inspection import inspect_chosen
from push_model.exploration.report.pages import HTML_FILE, PICTURES, write_pages
from push_model.exploration.report.reading import read_found
from push_model.store.durable import write_aside


def write_report(folder: Path, out: Path | None = None) -> Path:
    """Write the report of an exploration: a page, a text, and pictures.

    Parameters
    ----------
    folder : Path
        The exploration's; finished or not.
    out : Path, optional
        Folder to write into, ``report`` inside `folder` without it; made where it is not there.
        Pictures of an earlier report go.

    Returns
    -------
    Path
        Of ``report.html``; ``report.md`` and ``pictures/`` stand beside it.

    Raises
    ------
    DatasetError
        If there is no exploration in `folder`.
    """
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
