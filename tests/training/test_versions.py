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
