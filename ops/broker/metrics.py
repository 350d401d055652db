"""What the broker counts, for Prometheus."""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Gauge, start_http_server
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from .catalog import Catalog
from .groups import Groups


class Metrics:
    """One registry a broker, so that several can live in one process."""

    def __init__(self, catalog: Catalog, groups: Groups) -> None:
        self.registry = CollectorRegistry()
        self.received = Counter(
            "gridwhistle_broker_received_bytes", "Bytes of requests", registry=self.registry
        )
        self.sent = Counter(
            "gridwhistle_broker_sent_bytes", "Bytes of responses", registry=self.registry
        )
        self.requests = Counter(
            "gridwhistle_broker_requests", "Requests by API", ["api"], registry=self.registry
        )
        self.errors = Counter(
            "gridwhistle_broker_errors", "Refusals by error code", ["code"], registry=self.registry
        )
        self.connections = Gauge(
            "gridwhistle_broker_connections", "Open connections", registry=self.registry
        )
        self.registry.register(_Sizes(catalog, groups))

    def serve(self, host: str, port: int) -> tuple[int, object]:
        """Answers /metrics on a thread of its own; the port, and the server to shut down."""
        server, _ = start_http_server(port, addr=host, registry=self.registry)
        return int(server.server_port), server


class _Sizes(Collector):
    """Read when asked, so that nothing has to be kept up to date."""

    def __init__(self, catalog: Catalog, groups: Groups) -> None:
        self.catalog, self.groups = catalog, groups

    def collect(self) -> Iterator[Metric]:
        size = GaugeMetricFamily(
            "gridwhistle_broker_log_bytes", "Size of the logs by topic", labels=["topic"]
        )
        end = GaugeMetricFamily(
            "gridwhistle_broker_log_end_offset",
            "End offset by topic and partition",
            labels=["topic", "partition"],
        )
        for topic in list(self.catalog.topics.values()):
            size.add_metric([topic.name], sum(log.size for log in topic.logs))
            for n, log in enumerate(topic.logs):
                end.add_metric([topic.name, str(n)], log.end)
        states: dict[str, int] = {}
        for group in list(self.groups.by_id.values()):
            states[group.state] = states.get(group.state, 0) + 1
        groups = GaugeMetricFamily(
            "gridwhistle_broker_groups", "Consumer groups by state", labels=["state"]
        )
        for state, count in states.items():
            groups.add_metric([state], count)
        return iter([size, end, groups])
