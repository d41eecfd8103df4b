"""A small finished exploration, made once a session for all tests that read one."""

import fcntl
from datetime import date
from pathlib import Path

from push_model.exploration import run
from tests.frames import make_frame
from tests.undrawn import undrawn

UNTIL = date(2021, 3, 4)


def make_rows():
    """Make large orders and small ones of 60 days, sorted as training reads them."""
    return make_frame(orders=120, seed=3).sort_values(
        ["order_date", "order_id", "variant_id"], ignore_index=True
    )


def finished(tmp_path_factory, worker_id: str) -> Path:
    """Return the folder, beside its dataset `explored.csv`; copy it to change it."""
    own = tmp_path_factory.getbasetemp()
    folder = (own if worker_id == "master" else own.parent) / "explored"
    with Path(f"{folder}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "standings.json").exists():
            make_rows().to_csv(f"{folder}.csv", index=False)
            for slug in run.plan(folder, f"{folder}.csv", size="small", until=UNTIL):
                run.run_entry(folder, slug)
            with undrawn():
                run.finish(folder)
    return folder
