"""`push-model` commands that score models of the store on a dataset: `judge` and `compare`."""

import logging
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from push_model.columns import MIN_ITEMS
from push_model.commands.options import (
    DEFAULT_MODELS_DIR,
    HoldoutDays,
    MinItems,
    ModelName,
    ModelsDir,
    Until,
    read_until,
    show_reading,
)
from push_model.commands.tables import print_folder, print_plain, print_table, print_verdict
from push_model.store.folder import read_manifest
from push_model.store.pointer import model_path

#: Exit code of `judge` where the verdict is not to promote.
NOT_PROMOTED = 3

app = typer.Typer()

_Dataset = Annotated[
    str, typer.Option("--dataset", help="Path or URI of a feature frame.", show_default=False)
]
_Policy = Annotated[
    str,
    typer.Option(
        envvar="PUSH_POLICY",
        metavar="FILE",
        help="Limits of the gate that a TOML or JSON file replaces.",
        show_default=False,
    ),
]


@app.command(epilog="Exit code: 0 promote, 1 error, 3 keep or inconclusive.")
def judge(
    model: ModelName,
    dataset: _Dataset,
    until: Annotated[
        str | None,
        typer.Option(help="Last day to read, yyyy-mm-dd. Default: the model's training date."),
    ] = None,
    min_items: MinItems = MIN_ITEMS,
    holdout_days: HoldoutDays = None,
    policy: _Policy = "",
    card: Annotated[  # noqa: FBT002 - a flag
        bool, typer.Option("--card", help="Write the verdict into the model's card.")
    ] = False,
    models_dir: ModelsDir = DEFAULT_MODELS_DIR,
) -> None:
    """Judge a model as the gate does, on the newest orders of a dataset. It changes no champion."""
    from push_model.training.gate.policy import read_installed_policy  # noqa: PLC0415 - keeps --help instant
    from push_model.training.gate.validation import validate_model  # noqa: PLC0415 - as above

    path, limits = model_path(models_dir, model), read_installed_policy({"PUSH_POLICY": policy})
    day = read_until(until or str(read_manifest(path)["trained_on"]))
    with _bring_in(dataset, until=day) as copy:
        verdict = validate_model(
            copy,
            model_name=model,
            models_dir=str(models_dir),
            min_items=min_items,
            training_date=day,
            holdout_days=holdout_days,
            policy=limits,
            writes_card=card,
        )
    print_verdict(verdict)
    if card:
        print_folder(path)
    else:
        print_plain("Every rule with its value and limit: --card writes them into the model card.")
    if verdict.decision != "promote":
        raise typer.Exit(NOT_PROMOTED)


@app.command()
def compare(
    first: ModelName,
    second: ModelName,
    dataset: _Dataset,
    until: Until = None,
    min_items: MinItems = MIN_ITEMS,
    policy: _Policy = "",
    html: Annotated[
        Path | None, typer.Option(dir_okay=False, help="Also write a page with pictures here.")
    ] = None,
    models_dir: ModelsDir = DEFAULT_MODELS_DIR,
) -> None:
    """Compare two models on the newest orders of a dataset, which neither was trained on."""
    from push_model.training.card.comparison_page import (  # noqa: PLC0415 - keeps --help instant
        tabulate_differences,
        tabulate_scores,
        write_comparison,
    )
    from push_model.training.gate.comparison import compare_models  # noqa: PLC0415 - as above
    from push_model.training.gate.policy import read_installed_policy  # noqa: PLC0415 - as above

    day, limits = read_until(until), read_installed_policy({"PUSH_POLICY": policy})
    with _bring_in(dataset, until=day) as copy:
        found = compare_models(
            copy,
            (first, second),
            models_dir=models_dir,
            min_items=min_items,
            until=day,
            policy=limits,
        )
    print_plain(found.headline)
    for sentence in found.sentences:
        print_plain(f"  - {sentence}")
    for table in (tabulate_scores(found), tabulate_differences(found)):
        print_table(table)
    if html:
        write_comparison(html, found)
        print_plain(f"Comparison    {html}")


@contextmanager
def _bring_in(dataset: str, *, until: date) -> Iterator[str]:
    """Check and copy a dataset as a retraining run does; the copy goes away in the end."""
    from push_model.training.data.delivery import COPY, bring_in  # noqa: PLC0415 - as above

    with tempfile.TemporaryDirectory() as folder:
        with show_reading() as report:
            # Within: the bar moves aside for the lines of the log.
            logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
            copy = bring_in(dataset, Path(folder) / COPY, until=until, report=report)
        yield str(copy.path)
