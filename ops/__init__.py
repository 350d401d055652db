"""What people run and look at: command line, broker, store, wall, metrics."""
