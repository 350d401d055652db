"""The embedded store: ClickHouse's own engine (chDB) behind ClickHouse's HTTP interface.

Reading order: `__main__` starts it and `directory` guards its files; `front` takes requests in
and sends answers; `access` says who may do what; `request` reads the URL, `body` and `coding` the
bytes, `statement` the SQL; `work` is one statement on its way, `engine` runs it, `sessions` keeps
what outlives it; `failure` words errors as ClickHouse does; `metrics` counts.
"""
