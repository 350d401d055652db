"""What the store counts."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

REGISTRY = CollectorRegistry()

QUERIES = Counter(
    "gridwhistle_store_queries_total",
    "Statements answered, by what they do and who asked",
    ["kind", "user"],
    registry=REGISTRY,
)
ERRORS = Counter(
    "gridwhistle_store_errors_total",
    "Statements that failed, by ClickHouse error code",
    ["code"],
    registry=REGISTRY,
)
SECONDS = Histogram(
    "gridwhistle_store_seconds",
    "Seconds from the request's headers to the last byte of the answer",
    ["kind"],
    buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60),
    registry=REGISTRY,
)
ROWS_WRITTEN = Counter(
    "gridwhistle_store_rows_written_total",
    "Rows written, rows of views included",
    registry=REGISTRY,
)
BYTES_IN = Counter(
    "gridwhistle_store_body_bytes_total", "Bytes of request bodies as sent", registry=REGISTRY
)
RUNNING = Gauge("gridwhistle_store_running", "Requests being served now", registry=REGISTRY)
