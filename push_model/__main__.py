"""Start `push-model`, also in a serving-only install, which has no commands."""

import sys


def main() -> None:
    """Run the command line, or explain in one sentence where to get it."""
    try:
        from push_model.commands.app import main as run  # noqa: PLC0415 - the wheel leaves it out
    except ModuleNotFoundError as error:
        sys.exit(
            f"push-model's commands need {error.name!r}, which the serving-only install leaves "
            "out: clone the repository and run them there. handler_predict works here."
        )
    run()


if __name__ == "__main__":
    main()
