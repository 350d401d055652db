"""``python -m tests.faults [GROUP ...]``: the long fault tests, in groups side by side, each on a
broker, a store and ports of its own. They mostly wait. Ends non-zero when any of them failed."""

from __future__ import annotations

import subprocess
import sys
import threading
from itertools import takewhile
from pathlib import Path

HERE = Path(__file__).parent
GROUPS = ("outage", "waits", "workers", "mutants")  # test_long_*.py


def run(group: str, more: list[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "pytest", "-m", "faults", "-v", "-p", "no:cacheprovider",
         str(HERE / f"test_long_{group}.py"), *more],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, bufsize=1,
    )  # fmt: skip


def tell(group: str, process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        print(f"[{group}] {line}", end="", flush=True)


def main(asked: list[str]) -> int:
    groups = list(takewhile(GROUPS.__contains__, asked))
    more = asked[len(groups) :]
    running = {group: run(group, more) for group in groups or GROUPS}
    tellers = [threading.Thread(target=tell, args=found) for found in running.items()]
    for teller in tellers:
        teller.start()
    try:
        failed = [process.wait() for process in running.values()]
    except KeyboardInterrupt:
        for process in running.values():
            process.terminate()
        raise
    for teller in tellers:
        teller.join()
    return int(any(failed))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
