"""The wall, the console and the HTTP interface: one process, read-only towards the store."""
