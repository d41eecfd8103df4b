import pytest

from push_ops.local import cluster_api
from push_ops.local.cluster_api import list_complaints, list_unread_dags, log_in
from push_ops.local.network import find_free_ports

BROKEN = {"filename": "one.py", "stack_trace": "Traceback:\nNameError: x\n"}


@pytest.fixture
def says(monkeypatch):
    """Let the API answer a path with what is set for it."""
    answers = {}
    monkeypatch.setattr(cluster_api, "ask", lambda _, path, **__: answers.get(path))
    return answers


@pytest.fixture
def dags(tmp_path):
    for name in ("one.py", "two.py", "three.py"):
        (tmp_path / name).touch()
    return tmp_path


def test_a_dag_is_waited_for_until_it_was_read_or_cannot_be(says, dags):
    says["/api/v2/dags"] = {"dags": [{"dag_id": "deux", "relative_fileloc": "two.py"}]}
    says["/api/v2/importErrors"] = {"import_errors": [BROKEN]}

    assert list_unread_dags(8080, "token", dags) == ["three.py"]


def test_an_api_that_says_nothing_has_read_no_dag(says, dags):
    assert says == {}
    assert list_unread_dags(8080, "token", dags) == ["one.py", "three.py", "two.py"]
    assert list_complaints(8080, "token") == []


def test_a_dag_that_cannot_be_read_is_told_with_the_reason(says):
    says["/api/v2/importErrors"] = {"import_errors": [BROKEN]}

    (complaint,) = list_complaints(8080, "token")

    assert complaint.startswith("The DAG file one.py cannot be read:\n")
    assert complaint.endswith("\nNameError: x")


def test_a_login_that_fails_gives_no_token():
    assert log_in(find_free_ports(1)[0], "a guess") is None
