"""Benchmarks of the hot path, against stock Faust, its peers and bare loops. See ``table.py``."""
