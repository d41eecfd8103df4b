"""The command line: `push-model --help` lists its commands."""

import sys

import typer
from rich.console import Console
from rich.markup import escape

from push_model.commands import explore, models, runs, train
from push_model.errors import PushModelError

app = typer.Typer(
    help="Train, inspect and query the models that predict who will buy a product.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for commands in (train, models, runs, explore):
    app.add_typer(commands.app)


def main() -> None:
    """Run the command line; a foreseen failure is one sentence and exit code 1."""
    try:
        app()
    except PushModelError as error:
        said = f"[bold red]{type(error).__name__}[/] {escape(str(error))}"
        Console(stderr=True).print(said, soft_wrap=True)
        sys.exit(1)
