"""The command line: `push-model --help` lists its commands."""

import sys

import typer
from rich.console import Console
from rich.markup import escape

from push_model.commands import check, explore, judge, models, runs, train
from push_model.commands.tables import describe_os_error
from push_model.errors import PushModelError

app = typer.Typer(
    help="Train, inspect and query the models that predict who will buy a product.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for commands in (train, check, judge, models, runs, explore):
    app.add_typer(commands.app)


def main() -> None:
    """Run the command line; a foreseen failure is one sentence and exit code 1."""
    try:
        app()
    except (PushModelError, OSError) as error:
        said = describe_os_error(error) if isinstance(error, OSError) else str(error)
        complaint = f"[bold red]{type(error).__name__}[/] {escape(said)}"
        Console(stderr=True).print(complaint, soft_wrap=True)
        sys.exit(1)
