import subprocess
from importlib.metadata import version

from push_model.training import versions


def test_every_library_that_shapes_a_model_is_named_with_its_version():
    found = versions.library_versions()

    assert found["catboost"] == version("catboost")
    assert found["scikit-learn"] == version("scikit-learn")
    assert {"python", "push-model", "numpy", "pandas"} < set(found)


def test_the_revision_is_the_commit_that_is_checked_out():
    head = subprocess.run(
        ["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False
    ).stdout.strip()

    found = versions.git_revision()

    assert found is None if not head else found.removesuffix("-dirty") == head


def test_without_git_there_is_no_revision(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")

    assert versions.git_revision() is None


def test_the_digest_of_the_code_changes_with_what_counts_alone(tmp_path, monkeypatch):
    package = tmp_path / "push_model"
    (package / "report").mkdir(parents=True)
    for name in ("__init__", "model", "report/page"):
        (package / f"{name}.py").write_text("x = 1\n")
    monkeypatch.setattr(versions.push_model, "__file__", str(package / "__init__.py"))
    before = versions.code_digest(without="report")

    (package / "report" / "page.py").write_text("x = 2\n")
    (package / "notes.txt").write_text("no code")
    assert versions.code_digest(without="report") == before

    (package / "model.py").write_text("x = 2\n")
    assert versions.code_digest(without="report") != before
