"""What does Prometheus see? The counts that push_model keeps, read when it asks, and latencies."""

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
    "requests": "Requests that reached the model.",
    "failed_requests": "Those of them that failed as a whole.",
    "users": "Users asked about.",
    "errors": "Users that could not be scored.",
    "unknown_features": "Values sent under names that the model does not know.",
}
# From a lone user, well under a millisecond, to the largest body.
BUCKETS_S = (0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)


class HealthCollector(Collector):
    """Turns `push_model.health()` into metrics: nothing is counted twice, nor kept here."""

    def collect(self) -> Iterator[Metric]:
        """Give the metrics of this moment.

        Yields
        ------
        Metric
            Counters, then what is known of the model.
        """
        found: dict[str, Any] = {**health()}
        for name, meaning in COUNTS.items():
            yield CounterMetricFamily(f"push_{name}", meaning, value=found[name])
        states = dict.fromkeys(("ok", "degraded", "unavailable"), False)
        yield StateSetMetricFamily(
            "push_status",
            "ok, degraded (an earlier champion stands in) or unavailable.",
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
                "push_model_is_stale", "1 where it is older than allowed.", value=found["is_stale"]
            )

    def describe(self) -> list[Metric]:
        """Say nothing at registration, or the model would be loaded at import.

        Returns
        -------
        list of Metric
            Empty.
        """
        return []


REGISTRY = CollectorRegistry()
REGISTRY.register(HealthCollector())
ProcessCollector(registry=REGISTRY)
SECONDS = Histogram(
    "push_request_seconds",
    "From the head of a request to /predict to the end of its answer, by status code.",
    ["code"],
    buckets=BUCKETS_S,
    registry=REGISTRY,
)
