"""Dashboard, alerts and gauges name the same metrics; services listen where others send."""

import json
import re
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml

from push_model.serving.settings import MAX_AGE_DAYS
from push_model.training.gate.policy import Policy
from push_ops.retraining.signals import GAUGES
from tests.project.containers import COMPOSE, ROOT

FOLDER = ROOT / "monitoring"
DASHBOARD = json.loads((FOLDER / "grafana" / "push_retraining.json").read_text("utf-8"))
PANELS = {panel["title"]: panel for panel in DASHBOARD["panels"]}
ALERTS = yaml.safe_load((FOLDER / "alerts.yaml").read_text("utf-8"))["groups"][0]["rules"]
STACK = yaml.safe_load((FOLDER / "compose.yaml").read_text("utf-8"))
SENDERS = {name: of for name, of in STACK["services"].items() if "image" not in of}
SERVICES = {name: of for name, of in STACK["services"].items() if "image" in of}
HEALTHY = {"condition": "service_healthy"}
SETTINGS = COMPOSE["x-airflow-environment"]
OURS = {f"airflow_{name.replace('.', '_')}" for name in GAUGES}
DRAWN = [target["expr"] for panel in PANELS.values() for target in panel["targets"]]


def names_in(expression):
    return set(re.findall(r"\bairflow_\w+", expression))


def read_airflows_own():
    (installed,) = find_spec("airflow").submodule_search_locations
    path = Path(installed, "_shared", "observability", "metrics", "metrics_template.yaml")
    return {metric["name"] for metric in yaml.safe_load(path.read_text("utf-8"))["metrics"]}


AIRFLOWS_OWN = read_airflows_own()


def is_airflows_own(name):
    dotted = name.removeprefix("airflow_")
    places = [at for at, letter in enumerate(dotted) if letter == "_"]
    # An underscore may stand for a dot: as many of them, from the left, as it takes.
    spelt = [dotted[: at + 1].replace("_", ".") + dotted[at + 1 :] for at in [-1, *places]]
    spelt += [dotted[:at] + "." + dotted[at + 1 :] for at in places]
    return any(each in AIRFLOWS_OWN for each in spelt)


@pytest.mark.parametrize("expression", [*DRAWN, *(alert["expr"] for alert in ALERTS)])
def test_what_is_asked_for_is_sent(expression):
    names = names_in(expression)

    assert names
    assert [name for name in names - OURS if not is_airflows_own(name)] == []


def test_every_gauge_is_on_the_dashboard_and_in_the_handbook():
    handbook = (ROOT / "docs" / "operations.md").read_text("utf-8")

    assert set().union(*map(names_in, DRAWN)) >= OURS
    assert [name for name in GAUGES if f"`{name}`" not in handbook] == []


def test_limits_are_those_of_the_gate():
    policy, alerts = Policy(), {alert["alert"]: alert["expr"] for alert in ALERTS}
    low, high = policy.min_expected_per_actual, policy.max_expected_per_actual

    assert alerts["ModelTooOld"].endswith(f"> {MAX_AGE_DAYS}")
    assert f"< {low:g} or" in alerts["PromisesBroken"]
    assert alerts["PromisesBroken"].endswith(f"> {high:g}")
    assert limits_of("Age of the model that serves")[-1] == MAX_AGE_DAYS
    assert limits_of("Predicted per actual purchase") == [low, high]
    assert limits_of("Drift: largest PSI of a feature") == [policy.max_psi]


@pytest.mark.parametrize("name", ["NoVerdict", "SchedulerSilent"])
def test_a_metric_that_is_not_sent_raises_an_alert(name):
    (expression,) = (alert["expr"] for alert in ALERTS if alert["alert"] == name)

    assert " or absent(" in expression


def test_the_dashboard_reads_the_data_source_that_is_set_up():
    (source,) = yaml.safe_load((FOLDER / "grafana" / "datasources.yaml").read_text())["datasources"]

    assert {panel["datasource"]["uid"] for panel in PANELS.values()} == {source["uid"]}
    assert source["url"] == "http://prometheus:9090"


def test_no_service_has_privileges():
    for service in SERVICES.values():
        assert service["cap_drop"] == ["ALL"]
        assert service["user"] not in {"root", "0"}
        assert service["security_opt"] == ["no-new-privileges:true"]


def limits_of(title):
    steps = PANELS[title]["fieldConfig"]["defaults"]["thresholds"]["steps"]
    return [step["value"] for step in steps[1:]]


def test_airflow_sends_where_the_exporter_listens_and_only_if_asked():
    host, port = (
        re.fullmatch(r"\$\{PUSH_STATSD_(HOST|PORT):-(.+)\}", SETTINGS[name])[2]
        for name in ("AIRFLOW__METRICS__STATSD_HOST", "AIRFLOW__METRICS__STATSD_PORT")
    )

    assert f"--statsd.listen-udp=:{port}" in SERVICES[host]["command"]
    assert set(SENDERS) == set(COMPOSE["services"]) - {"postgres", "redis", "init"}
    assert all(of == {"depends_on": {host: HEALTHY}} for of in SENDERS.values())
    assert SETTINGS["AIRFLOW__METRICS__STATSD_ON"] == "${PUSH_METRICS:-False}"
    assert SETTINGS["AIRFLOW__METRICS__STATSD_INFLUXDB_ENABLED"] == "True"


def test_prometheus_asks_where_the_exporter_answers():
    config = yaml.safe_load((FOLDER / "prometheus.yaml").read_text("utf-8"))
    (target,) = config["scrape_configs"][0]["static_configs"][0]["targets"]
    name, port = target.split(":")

    assert f"--web.listen-address=:{port}" in SERVICES[name]["command"]


def test_one_page_is_published_to_this_machine_and_has_no_default_password():
    published = {name: of["ports"] for name, of in SERVICES.items() if "ports" in of}

    assert published == {"grafana": ["127.0.0.1:${GRAFANA_PORT:-3000}:3000"]}
    password = SERVICES["grafana"]["environment"]["GF_SECURITY_ADMIN_PASSWORD"]
    assert password.startswith("${GRAFANA_ADMIN_PASSWORD:?")


def test_every_file_that_is_mounted_is_there():
    mounts = [mount for of in SERVICES.values() for mount in of.get("volumes", [])]
    files = [mount.split(":")[0] for mount in mounts if mount.startswith("./")]

    assert len(files) == 6
    assert all((ROOT / file).is_file() for file in files)
