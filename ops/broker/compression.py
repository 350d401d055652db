"""The four compressions of Kafka's record batches, by cramjam."""

import struct
from collections.abc import Callable
from typing import Any

import cramjam

from .codes import Code, Refused

XERIAL = b"\x82SNAPPY\x00"
XERIAL_BLOCK = 32 * 1024


def _unsnappy(data: bytes) -> bytes:
    if not data.startswith(XERIAL):
        return bytes(cramjam.snappy.decompress_raw(data))
    out, at = bytearray(), 16
    while at < len(data):
        (size,) = struct.unpack_from(">i", data, at)
        out += bytes(cramjam.snappy.decompress_raw(data[at + 4 : at + 4 + size]))
        at += 4 + size
    return bytes(out)


def _snappy(data: bytes) -> bytes:
    out = bytearray(XERIAL + struct.pack(">ii", 1, 1))
    for at in range(0, len(data), XERIAL_BLOCK):
        block = bytes(cramjam.snappy.compress_raw(data[at : at + XERIAL_BLOCK]))
        out += struct.pack(">i", len(block)) + block
    return bytes(out)


def _plain(data: bytes) -> bytes:
    return data


CODECS: dict[int, tuple[str, Callable[[bytes], Any], Callable[[bytes], Any]]] = {
    0: ("none", _plain, _plain),
    1: ("gzip", cramjam.gzip.compress, cramjam.gzip.decompress),
    2: ("snappy", _snappy, _unsnappy),
    3: ("lz4", cramjam.lz4.compress, cramjam.lz4.decompress),
    4: ("zstd", cramjam.zstd.compress, cramjam.zstd.decompress),
}


def compress(codec: int, data: bytes) -> bytes:
    return bytes(CODECS[codec][1](data))


def decompress(codec: int, data: bytes) -> bytes:
    """The records of a batch. Raises Refused(CORRUPT_MESSAGE) when they cannot be unpacked."""
    if codec not in CODECS:
        raise Refused(Code.CORRUPT_MESSAGE, f"unknown compression {codec}")
    try:
        return bytes(CODECS[codec][2](data))
    except (cramjam.DecompressionError, ValueError, struct.error) as error:
        raise Refused(Code.CORRUPT_MESSAGE, f"cannot unpack {CODECS[codec][0]}: {error}") from None
