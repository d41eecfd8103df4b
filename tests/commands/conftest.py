import getpass
import sys

import pytest

from push_model.commands import app as cli


@pytest.fixture
def run(monkeypatch, capsys, tmp_path):
    """Run the command line as a shell would, as ada; gives exit code, output and errors."""
    monkeypatch.setenv("PUSH_MODELS_DIR", str(tmp_path / "models"))
    monkeypatch.setenv("PUSH_RUNS_DIR", str(tmp_path / "runs"))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(getpass, "getuser", lambda: "ada")

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["push-model", *map(str, arguments)])
        try:
            cli.main()
        except SystemExit as stop:
            code = stop.code or 0
        else:
            code = 0
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return run
