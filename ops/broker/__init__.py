"""A small broker that speaks Kafka's wire protocol, for demonstrations, tests and small sites.

One process, one data directory, loopback only. `python -m ops.broker --dir D --port P` runs it.
What it promises: an acknowledged record is with the operating system (a killed broker loses
nothing, a power cut may lose the last seconds), as with Apache Kafka's default settings. What it
does not do: TLS, SASL, access lists, several nodes, static members, tiered storage.
"""
