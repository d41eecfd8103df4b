import importlib
import socket

from push_ops.local import component
from push_ops.local.cluster.plan import plan_cluster


def test_a_component_goes_by_the_name_it_was_started_under(monkeypatch):
    monkeypatch.setenv("PUSH_COMPONENT", "worker-2")

    assert component.name() == "worker-2"


def test_elsewhere_the_machine_has_its_own_name(monkeypatch):
    monkeypatch.delenv("PUSH_COMPONENT", raising=False)

    assert component.name() == socket.gethostname()


def test_airflow_finds_it_under_the_name_it_is_told(tmp_path):
    settings = plan_cluster(tmp_path, port=8080, settings={}).preparation.environment
    module, function = settings["AIRFLOW__CORE__HOSTNAME_CALLABLE"].rsplit(".", 1)

    assert getattr(importlib.import_module(module), function) is component.name
