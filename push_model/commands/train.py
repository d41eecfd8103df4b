"""`push-model` commands that make data and models: `sample`, `fit` and `features`."""

import logging
import sys
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from push_model.columns import HISTORY
from push_model.commands.options import (
    DEFAULT_MODELS_DIR,
    Dataset,
    HoldoutDays,
    MinItems,
    ModelsDir,
    Seed,
    Until,
    read_model,
    read_until,
    show_reading,
)
from push_model.commands.tables import print_folder, print_metrics, print_plain, read_facts

app = typer.Typer()


@app.command()
def sample(
    out: Annotated[Path, typer.Argument(help="The CSV file to write.")],
    orders: Annotated[
        int, typer.Option(min=10, help="Repeat orders; each gives about 840 rows.")
    ] = 350,
    seed: Seed = 0,
    until: Annotated[
        str | None, typer.Option(help="Last day of the data, yyyy-mm-dd. Default: yesterday (UTC).")
    ] = None,
) -> None:
    """Create synthetic demo data with the real columns."""
    from push_model.training.sample import write_sample  # noqa: PLC0415 - keeps --help instant

    last = read_until(until) if until else read_until(None) - timedelta(days=1)
    rows = write_sample(out, until=last, orders=orders, seed=seed)
    print_plain(f"Wrote {rows:,} rows of {orders:,} orders to {out}.")


@app.command()
def fit(
    dataset: Dataset,
    model: Annotated[
        str,
        typer.Option(help='A name, or JSON such as \'{"model": "boosted_trees", "depth": 4}\'.'),
    ] = "final_model",
    training_date: Until = None,
    min_items: MinItems = 5,
    holdout_days: HoldoutDays = None,
    seed: Seed = 0,
    models_dir: ModelsDir = DEFAULT_MODELS_DIR,
) -> None:
    """Train one model and save its folder. It does not serve until it is promoted."""
    from push_model.evaluation.scorers import score  # noqa: PLC0415 - keeps --help instant
    from push_model.model.scoring import Model  # noqa: PLC0415 - as above
    from push_model.training.card.pages import HTML_FILE, write_card  # noqa: PLC0415 - as above
    from push_model.training.fit import fit_model  # noqa: PLC0415 - as above

    event = {
        "model_parametrisation": read_model(model),
        "dataset": dataset,
        "training_date": read_until(training_date, "--training-date"),
        "min_items": min_items,
        "holdout_days": holdout_days,
        "seed": seed,
        "models_dir": str(models_dir),
    }
    with show_reading() as report:
        # Within: the bar moves aside for the lines of the log.
        logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
        path, trained = fit_model(event, report=report)
    # The same model may already have a card with its verdict.
    if trained and not (path / HTML_FILE).exists():
        evaluated, holdout = Model.from_document(trained.evaluated.document), trained.split.holdout
        scores = {"challenger": score(evaluated, holdout)}
        write_card(path, holdout, scores, model=evaluated)
    print_metrics(read_facts(path)["metrics"]["holdout"], title="Holdout")
    print_folder(path)


@app.command()
def features(
    dataset: Dataset,
    out: Annotated[Path, typer.Argument(help="The Parquet file to write.")],
    until: Until = None,
) -> None:
    """Write each user's purchase history (5 features) for the API to send."""
    from push_model.training.data.history import write_history  # noqa: PLC0415 - keeps --help instant

    rows = write_history(dataset, out, until=read_until(until))
    print_plain(
        f"Wrote {rows:,} rows to {out}: {', '.join(HISTORY)}. Each user has a row for products "
        "never bought, and a row for each product and each vendor bought. docs/serving.md has "
        "the query that joins them."
    )
