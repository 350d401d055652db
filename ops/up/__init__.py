"""``gridwhistle up``: everything on one machine, supervised."""
