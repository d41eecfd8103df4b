"""Provide Prometheus metrics: requests and their seconds, and the counts of push_model."""

from collections.abc import Iterator
from typing import Any

from prometheus_client import CollectorRegistry, Histogram, ProcessCollector
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    InfoMetricFamily,
    Metric,
    StateSetMetricFamily,
)
from prometheus_client.registry import Collector

from push_model import health

COUNTS = {
    "users": "Users in requests.",
    "errors": "Users that could not be scored.",
    "unknown_features": "Values sent under names that the model does not know.",
}
# From a lone user, well under a millisecond, to the largest body.
BUCKETS_S = (0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)


# Its own registry is none: the collector below yields it with the counts that it implies.
SECONDS = Histogram(
    "push_request_seconds",
    "From the head of a request to /predict to the end of its answer, by status code.",
    ["code"],
    buckets=BUCKETS_S,
    registry=None,
)


class RequestCollector(Collector):
    """Yields the histogram of requests and, of the same moment, how many there were and failed."""

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics of this moment."""
        (seconds,) = SECONDS.collect()
        counts = [
            (sample.labels["code"], sample.value)
            for sample in seconds.samples
            if sample.name.endswith("_count")
        ]
        yield seconds
        yield CounterMetricFamily(
            "push_requests",
            "Requests to /predict, refused ones too.",
            value=sum(count for _, count in counts),
        )
        yield CounterMetricFamily(
            "push_failed_requests",
            "Those of them without an answer of code 200.",
            value=sum(count for code, count in counts if code != "200"),
        )


class HealthCollector(Collector):
    """Turns `push_model.health()` into metrics: nothing is counted twice or kept here."""

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics of this moment: counters, then those of the model."""
        found: dict[str, Any] = {**health()}
        for name, meaning in COUNTS.items():
            yield CounterMetricFamily(f"push_{name}", meaning, value=found[name])
        states = dict.fromkeys(("ok", "degraded", "unavailable"), False)
        yield StateSetMetricFamily(
            "push_status",
            "ok, degraded (an earlier champion replaces it) or unavailable.",
            value=states | {found["status"]: True},
        )
        named = {key: found[key] or "" for key in ("model_name", "model_id", "trained_on")}
        yield InfoMetricFamily(
            "push_model", "The model in service.", value=named | {"version": found["version"]}
        )
        if found["age_days"] is not None:
            yield GaugeMetricFamily(
                "push_model_age_days", "Days since the model was trained.", value=found["age_days"]
            )
        if found["is_stale"] is not None:
            yield GaugeMetricFamily(
                "push_model_is_stale", "1 if it is older than allowed.", value=found["is_stale"]
            )

    def describe(self) -> list[Metric]:
        """Return nothing at registration, else the model would be loaded at import."""
        return []


REGISTRY = CollectorRegistry()
REGISTRY.register(RequestCollector())
REGISTRY.register(HealthCollector())
ProcessCollector(registry=REGISTRY)
