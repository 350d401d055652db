"""XML from devices: GB 18030 or UTF-8, no document type, no entities, bounded."""

from __future__ import annotations

import re
from typing import Final
from xml.etree.ElementTree import Element, ParseError, XMLParser

from connectors.inbound.problems import refuse

MAX_BYTES: Final = 256 << 10
MAX_DEPTH: Final = 32
_DECLARATION: Final = re.compile(rb"""^\s*<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z0-9_\-]+)["']""")
_GB: Final = {"gb2312", "gbk", "gb18030"}


def parse_xml(body: bytes) -> Element:
    """Root element. Refused: broken XML, other encodings, DTDs (entity bombs), deep nesting."""
    if len(body) > MAX_BYTES:
        raise refuse("", "too_large", f"XML 超过 {MAX_BYTES} 字节")
    declared = _DECLARATION.match(body)
    encoding = declared.group(1).decode().lower() if declared else "utf-8-sig"
    if encoding not in _GB | {"utf-8", "utf8", "utf-8-sig", "us-ascii"}:
        raise refuse("", "not_utf8", "XML 编码应为 UTF-8 或 GB2312/GBK/GB18030")
    try:
        # Platforms declare GB2312 and send GBK: GB 18030 reads both.
        text = body.decode("gb18030" if encoding in _GB else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise refuse("", "not_utf8", f"第 {error.start} 字节起与声明的编码不符") from error
    if "<!DOCTYPE" in text.upper() or "<!ENTITY" in text.upper():
        raise refuse("", "bad_value", "不接受含 DOCTYPE 或实体声明的 XML")
    text = re.sub(r"^\s*<\?xml.*?\?>", "", text, count=1, flags=re.DOTALL)
    parser = XMLParser()  # noqa: S314 - no DTD gets here, so no entity can be defined
    try:
        parser.feed(text)
        root: Element = parser.close()
    except (ParseError, ValueError) as error:
        raise refuse("", "bad_value", f"不是合法的 XML:{error}") from error
    if _depth_over(root):
        raise refuse("", "too_deep", f"嵌套超过 {MAX_DEPTH} 层")
    return root


def _depth_over(root: Element) -> bool:
    layer = [root]
    for _ in range(MAX_DEPTH):
        layer = [child for node in layer for child in node]
        if not layer:
            return False
    return True
