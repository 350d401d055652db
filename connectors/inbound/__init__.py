"""Where reports come in: HTTP, files, vendor payloads. Everything passes ``edge.Edge.admit``."""
