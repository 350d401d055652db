"""Edges: what comes in, and clients of Kafka and ClickHouse."""
