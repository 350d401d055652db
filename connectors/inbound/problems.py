"""What is wrong with an input: which item, which field, why, in Chinese for whoever sent it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from pydantic import ValidationError

from schemas.deadletter import Reason


@dataclass(frozen=True)
class Problem:
    """``index`` counts items from 0. ``reason`` never repeats the value: it may be personal."""

    field: str
    code: Reason
    reason: str
    index: int = 0
    id: str = ""

    def listed(self) -> dict[str, Any]:
        """As it is shown to the sender."""
        return asdict(self)


class Refused(Exception):
    """An input that will never be right. Every problem found, not the first alone."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__(";".join(f"{p.field or '(整体)'}:{p.reason}" for p in self.problems))


def refuse(field: str, code: Reason, reason: str, index: int = 0) -> Refused:
    return Refused([Problem(field, code, reason, index)])


# pydantic's error type → our reason and a sentence filled from the error's context.
_SENTENCES: Final[dict[str, tuple[Reason, str]]] = {
    "missing":                 ("missing_field", "缺少必填字段"),
    "string_type":             ("wrong_type", "应为字符串"),
    "string_too_short":        ("bad_value", "至少 {min_length} 个字符"),
    "string_too_long":         ("bad_value", "超过 {max_length} 个字符"),
    "string_pattern_mismatch": ("bad_value", "格式不符,应匹配 {pattern}"),
    "literal_error":           ("bad_value", "应为 {expected} 之一"),
    "int_type":                ("wrong_type", "应为整数"),
    "int_parsing":             ("wrong_type", "应为整数"),
    "int_from_float":          ("wrong_type", "应为整数"),
    "int_parsing_size":        ("bad_value", "整数过大"),
    "float_type":              ("wrong_type", "应为数值"),
    "float_parsing":           ("wrong_type", "应为数值"),
    "finite_number":           ("bad_value", "应为有限数值,不能是 NaN 或无穷大"),
    "bool_type":               ("wrong_type", "应为 true 或 false"),
    "bool_parsing":            ("wrong_type", "应为 true 或 false"),
    "datetime_type":           ("wrong_type", "应为时间:ISO 8601 或 Unix 秒/毫秒"),
    "greater_than_equal":      ("bad_value", "不能小于 {ge}"),
    "less_than_equal":         ("bad_value", "不能大于 {le}"),
}  # fmt: skip
_TIME: Final[tuple[Reason, str]] = (
    "bad_value",
    "不是可识别的时间:请用 ISO 8601(如 2026-11-20T08:15:00+08:00)",
)

_SHAPES: Final[dict[str, str]] = {
    "area_code":  "应为 4、6、9、12 或 15 位数字的区划或网格编码",
    "class_code": "应为 6 位数字的事项编码",
}  # fmt: skip


def from_validation(error: ValidationError, index: int = 0, id: str = "") -> list[Problem]:
    """Problems of a model that did not validate, one a field, in the model's order."""
    problems = []
    for entry in error.errors(include_input=False, include_url=False):
        field = ".".join(str(part) for part in entry["loc"])
        kind = entry["type"]
        if kind in _SENTENCES:
            code, sentence = _SENTENCES[kind]
        elif kind.startswith(("datetime_", "timezone_", "date_", "time_")):
            code, sentence = _TIME
        else:
            code, sentence = "bad_value", "取值无效:" + entry["msg"].replace("{", "(")
        if kind == "string_pattern_mismatch":
            sentence = _SHAPES.get(field, sentence)
        context: dict[str, Any] = entry.get("ctx", {})
        if kind == "literal_error":
            context = {"expected": context["expected"].replace(" or ", "、").replace(", ", "、")}
        problems.append(Problem(field, code, sentence.format_map(context), index, id))
    return problems
