"""The embedded store: ClickHouse's own engine (chDB) behind ClickHouse's HTTP interface.

Reading order: `__main__` starts it, `front` answers requests, `access` says who may do what,
`statement` reads the SQL, `coding` and `body` take request bodies in, `engine` runs statements,
`answer` turns results and errors into HTTP, `directory` guards the files.
"""
