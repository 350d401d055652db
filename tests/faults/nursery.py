"""``python -m tests.faults.nursery``: has loaded everything a worker needs, and forks workers.

A worker spends two seconds of processor time on imports and the profile; here that is spent once.
Each is a process of its own all the same, and runs what ``streams.worker`` runs. One JSON object a
line comes in: ``{"args": [POINT, STAGE], "env": {…}, "log": FILE}``. Out go ``started PID`` and
``ended PID STATUS``, STATUS as waitpid gives it.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import random
import select
import signal
import sys
import traceback
from collections.abc import Sequence
from functools import cache
from typing import Any

from schemas.profile_files import load_profile
from schemas.settings import settings
from streams import learned, worker
from tests.faults import suicide

PR_SET_PDEATHSIG = 1


def become_worker(args: Sequence[str], env: dict[str, str], log: str) -> int:
    """In the child: forget the nursery, and be the worker."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)  # no orphans, however a run ends
    os.environ.update(env)
    settings.cache_clear()
    out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(out, 1)
    os.dup2(out, 2)
    sys.stdout = os.fdopen(1, "w", buffering=1)
    sys.stderr = os.fdopen(2, "w", buffering=1)
    random.seed()
    return suicide.main(args)


def reap() -> None:
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if not pid:
            return
        print(f"ended {pid} {status}", flush=True)


def main() -> None:
    loaded: Any = cache(load_profile)
    learned.learned(loaded("qinglan"))
    worker.load_profile = loaded
    gc.collect()
    gc.freeze()
    print("ready 0", flush=True)
    while True:
        heard, _, _ = select.select([sys.stdin], [], [], 0.02)
        reap()
        if not heard:
            continue
        line = (
            sys.stdin.buffer.raw.readline()
        )  # nothing may wait in a buffer that select cannot see
        if not line:
            return
        asked = json.loads(line)
        pid = os.fork()
        if not pid:
            code = 1
            try:
                code = become_worker(asked["args"], asked["env"], asked["log"])
            except SystemExit as end:
                code = int(end.code or 0)
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(code)
        print(f"started {pid}", flush=True)


if __name__ == "__main__":
    main()
