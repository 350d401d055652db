"""The command ``gridwhistle``. Commands are imported when they are run, so ``--help`` is quick."""

from __future__ import annotations

import sys


def main() -> None:
    """Entry point. Exit codes: 0 done, 1 something is wrong, 2 called wrongly."""
    from ops.cli.commands import app

    try:
        app()
    except KeyboardInterrupt:
        sys.exit(130)
