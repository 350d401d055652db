"""What is wrong with a value or a file, in Chinese, for whoever keeps the profile."""

from __future__ import annotations

from typing import Any


def say(error: Any, value: object) -> str:
    """A pydantic error in Chinese, with the value that caused it."""
    kind, limits = str(error["type"]), error.get("ctx") or {}
    shown = f"“{value}”"
    if kind == "missing":
        return "缺少此项"
    if kind == "extra_forbidden":
        return "没有这一项"
    if kind in ("greater_than", "greater_than_equal", "less_than", "less_than_equal"):
        words = {"gt": "大于", "ge": "不小于", "lt": "小于", "le": "不大于"}
        bounds = (f"{words[name]} {bound:g}" for name, bound in limits.items() if name in words)
        return f"{shown} 应" + "、".join(bounds)
    if kind == "literal_error":
        return f"{shown} 不在可用值之内：{str(limits.get('expected', '')).replace(' or ', ', ')}"
    if kind == "string_pattern_mismatch":
        return f"{shown} 不合格式 {limits.get('pattern', '')}"
    if kind in ("string_too_short", "too_short"):
        return "不能为空"
    if kind.startswith("int"):
        return f"{shown} 不是整数"
    if kind.startswith(("float", "finite")):
        return f"{shown} 不是数字"
    if kind == "value_error":
        return f"{shown} {limits.get('error', '')}"
    if kind.startswith("datetime"):
        return f"{shown} 不是时间（年-月-日T时:分）"
    if kind.startswith("date"):
        return f"{shown} 不是日期（年-月-日）"
    return f"{shown} 不可用：{error['msg']}"


def other_encoding(body: bytes) -> str:
    """A guess at what a file that is not UTF-8 was saved as; "" when there is none."""
    if body[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "（像是 UTF-16）"
    try:
        body.decode("gb18030")
    except UnicodeDecodeError:
        return ""
    return "（像是 GBK）"
