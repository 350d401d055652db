"""From the bytes of a request to its items: size, compression, character set, JSON, nesting."""

from __future__ import annotations

import json
import zlib
from collections.abc import AsyncIterator
from typing import Any, Final

import orjson
import zstandard

from connectors.inbound.problems import Problem, Refused, refuse
from schemas.deadletter import Reason

MAX_DEPTH: Final = 32
ENCODINGS: Final = ("gzip", "deflate", "zstd")
STEP: Final = 256


class TooLarge(Exception):
    """More bytes than allowed; the message says of what and how many."""


class UnknownEncoding(Exception):
    """A Content-Encoding or charset we do not read."""


async def read_limited(chunks: AsyncIterator[bytes], limit: int) -> bytes:
    """The body, never holding more than ``limit`` bytes. TooLarge as soon as it is passed."""
    parts: list[bytes] = []
    size = 0
    async for chunk in chunks:
        size += len(chunk)
        if size > limit:
            raise TooLarge(f"请求体超过 {limit} 字节")
        parts.append(chunk)
    return b"".join(parts)


def inflate(body: bytes, encoding: str, limit: int) -> bytes:
    """``body`` without its Content-Encoding. Stops at ``limit`` bytes, so a bomb costs no more.

    TooLarge, UnknownEncoding, or Refused when the compressed data is broken or cut.
    """
    name = encoding.strip().lower()
    if name in ("", "identity"):
        return body
    if name not in ENCODINGS:
        raise UnknownEncoding(
            f"不支持的 Content-Encoding:{encoding[:40]};可用:{'、'.join(ENCODINGS)}"
        )
    try:
        plain = _unzstd(body, limit) if name == "zstd" else _unzip(body, name, limit)
    except (zlib.error, zstandard.ZstdError, EOFError) as error:
        raise refuse("", "not_json", f"{name} 压缩数据损坏或不完整:{error}") from error
    if len(plain) > limit:
        raise TooLarge(f"解压后超过 {limit} 字节")
    return plain


def _unzip(body: bytes, name: str, limit: int) -> bytes:
    # "deflate" is zlib by RFC 9110, yet some clients send it raw.
    raw = name == "deflate" and not (
        body[:1] == b"\x78" and int.from_bytes(body[:2], "big") % 31 == 0
    )
    reader = zlib.decompressobj(31 if name == "gzip" else -15 if raw else 15)
    plain = reader.decompress(body, limit + 1)
    if len(plain) <= limit and not reader.eof:
        raise EOFError("缺少结尾")
    return plain


def _unzstd(body: bytes, limit: int) -> bytes:
    reader = zstandard.ZstdDecompressor(max_window_size=8 << 20).decompressobj()
    parts: list[bytes] = []
    size = 0
    # Small steps: 4 bytes of zstd can mean 128 KiB, and the reader has no output limit of its own.
    for start in range(0, len(body), STEP):
        part = reader.decompress(body[start : start + STEP])
        parts.append(part)
        size += len(part)
        if reader.eof or size > limit:
            break
    if not reader.eof and size <= limit:
        raise EOFError("缺少结尾")
    return b"".join(parts)


def text_of(body: bytes) -> str:
    """UTF-8 text without its byte order mark. Refused names the byte, and GBK if it is that."""
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        hint = ""
        try:
            body.decode("gb18030")
            hint = ",看起来是 GBK/GB18030,请转换为 UTF-8 再发送"
        except UnicodeDecodeError:
            pass
        raise refuse("", "not_utf8", f"第 {error.start} 字节起不是 UTF-8{hint}") from error


def items_of(body: bytes) -> list[Any]:
    """Items of one JSON object, one JSON array, or NDJSON (one object a line, blanks skipped).

    Refused lists every line that is not JSON, or the whole when it is no JSON at all.
    """
    text = text_of(body).strip()
    if not text:
        raise refuse("", "empty", "请求体为空")
    try:
        whole = loads(text)
    except Refused as refused:
        lines = [line for line in text.splitlines() if line.strip()]
        if len(lines) < 2 or not _is_json(lines[0]):
            raise refused from None
        return _ndjson(lines)
    return whole if isinstance(whole, list) else [whole]


def loads(text: str, index: int = 0) -> Any:
    """JSON with our limits. Refused on NaN, bad syntax and nesting beyond ``MAX_DEPTH``."""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        code, reason = _why(text, error)
        raise refuse("", code, reason, index) from error
    if _depth_over(value, MAX_DEPTH):
        raise refuse("", "too_deep", f"嵌套超过 {MAX_DEPTH} 层", index)
    return value


def _ndjson(lines: list[str]) -> list[Any]:
    items: list[Any] = []
    problems: list[Problem] = []
    for index, line in enumerate(lines):
        try:
            items.append(loads(line, index))
        except Refused as refused:
            problems += refused.problems
    if problems:
        raise Refused(problems)
    return items


def _is_json(line: str) -> bool:
    try:
        orjson.loads(line)
    except orjson.JSONDecodeError:
        return False
    return True


def _why(text: str, error: orjson.JSONDecodeError) -> tuple[Reason, str]:
    where = f"第 {error.lineno} 行第 {error.colno} 列"
    try:
        json.loads(text)  # the lenient reader takes NaN; then that is what is wrong
        return "not_json", "含 NaN 或 Infinity,它们不是合法的 JSON 数值"
    except RecursionError:
        return "too_deep", f"嵌套超过 {MAX_DEPTH} 层"
    except ValueError:
        return "not_json", f"不是合法的 JSON:{where}附近有语法错误"


def _depth_over(value: Any, limit: int) -> bool:
    """Breadth first, so that depth costs no stack."""
    layer = [value]
    for _ in range(limit + 1):
        layer = [
            child
            for node in layer
            if isinstance(node, (dict, list))
            for child in (node.values() if isinstance(node, dict) else node)
            if isinstance(child, (dict, list))
        ]
        if not layer:
            return False
    return True
