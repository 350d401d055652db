"""Errors as ClickHouse reports them: a number, a name, a sentence."""

from __future__ import annotations

import re

NAMES = {
    48:  "NOT_IMPLEMENTED",
    62:  "SYNTAX_ERROR",
    81:  "UNKNOWN_DATABASE",
    164: "READONLY",
    202: "TOO_MANY_SIMULTANEOUS_QUERIES",
    236: "ABORTED",
    243: "NOT_ENOUGH_SPACE",
    307: "TOO_MANY_BYTES",
    354: "ZLIB_INFLATE_FAILED",
    372: "SESSION_NOT_FOUND",
    373: "SESSION_IS_LOCKED",
    432: "UNKNOWN_CODEC",
    497: "ACCESS_DENIED",
    516: "AUTHENTICATION_FAILED",
    1000: "POCO_EXCEPTION",
    1002: "UNKNOWN_EXCEPTION",
}  # fmt: skip

# The statuses ClickHouse chooses for its codes (HTTPHandler, exceptionCodeToHTTPStatus);
# every code that is not listed is 500.
STATUSES = {
    400: (6, 26, 27, 32, 33, 36, 38, 41, 43, 53, 62, 69, 72, 79, 117, 130, 131, 158, 264, 354, 372,
          373, 386, 432, 441, 457),
    403: (192, 193, 497, 511, 516),
    404: (46, 47, 50, 52, 56, 60, 63, 73, 81, 110, 115),
    408: (159,),
    413: (307,),
    501: (48,),
    503: (202, 236),
    507: (243,),
}  # fmt: skip
STATUS_OF = {code: status for status, codes in STATUSES.items() for code in codes}

CODE = re.compile(r"Code: (\d+)\. ")
DISK_FULL = re.compile(r"No space left on device|errno: 28\b|Disk quota exceeded")


class StoreFailure(Exception):
    """A statement that failed: `code` as in ClickHouse, `text` as ClickHouse words it."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text

    @property
    def status(self) -> int:
        return STATUS_OF.get(self.code, 500)


def failure(code: int, sentence: str) -> StoreFailure:
    """A failure of our own making, worded like the engine's."""
    name = NAMES.get(code, "UNKNOWN_EXCEPTION")
    return StoreFailure(code, f"Code: {code}. DB::Exception: {sentence} ({name})")


def from_engine(error: BaseException) -> StoreFailure:
    """What the engine raised, under the engine's code; a full disk is always 243."""
    if isinstance(error, StoreFailure):
        return error
    text = str(error)
    if (start := text.find("Code: ")) > 0:
        text = text[start:]
    if DISK_FULL.search(text):
        return failure(243, f"Not enough space on disk: {text}")
    if match := CODE.match(text):
        return StoreFailure(int(match[1]), text)
    return failure(1002, text or type(error).__name__)
