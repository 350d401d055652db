"""Files of the pages, held in memory, zipped once. A missing library is said at start."""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from pathlib import Path

from fastapi import Request, Response

FOLDER = Path(__file__).parent / "static"
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
NEEDED = ("vendor/echarts.mjs", "vendor/ui.mjs")


class AssetsMissing(Exception):
    """The browser libraries were not built. The sentence gives the remedy."""


@dataclass(frozen=True)
class Asset:
    body: bytes
    zipped: bytes
    etag: str
    kind: str

    def answer(self, request: Request, cache: str = "no-cache") -> Response:
        headers = {"ETag": self.etag, "Cache-Control": cache, "Vary": "Accept-Encoding"}
        if request.headers.get("if-none-match") == self.etag:
            return Response(status_code=304, headers=headers)
        if "gzip" in request.headers.get("accept-encoding", ""):
            headers["Content-Encoding"] = "gzip"
            return Response(self.zipped, headers=headers, media_type=self.kind)
        return Response(self.body, headers=headers, media_type=self.kind)


def asset(body: bytes, kind: str, zipped: bytes | None = None) -> Asset:
    etag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
    return Asset(body, zipped or gzip.compress(body, 6, mtime=0), etag, kind)


def load(folder: Path = FOLDER) -> dict[str, Asset]:
    """Every page file by its path under ``static``. AssetsMissing without the libraries."""
    missing = [name for name in NEEDED if not (folder / name).exists()]
    if missing:
        raise AssetsMissing(
            f"缺少浏览器端程序库 {', '.join(missing)}，请执行 python ops/wall/hatch_build.py"
        )
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix in TYPES:
            packed = path.with_name(path.name + ".gz")
            zipped = packed.read_bytes() if packed.exists() else None
            found[path.relative_to(folder).as_posix()] = asset(
                path.read_bytes(), TYPES[path.suffix], zipped
            )
    return found
