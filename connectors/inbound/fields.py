"""Reading other people's JSON: first name that is there, type checked, errors by their own name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from connectors.inbound.body import items_of
from connectors.inbound.problems import Problem, Refused, refuse


def each(body: bytes, read: Callable[[Mapping[str, Any]], list[dict[str, Any]]]) -> list[Any]:
    """``read`` over every object of a JSON body. Refused with the problems of all bad ones."""
    found: list[Any] = []
    problems: list[Problem] = []
    for index, item in enumerate(items_of(body)):
        if not isinstance(item, Mapping):
            problems.append(Problem("", "wrong_type", "应为 JSON 对象", index))
            continue
        try:
            found += read(item)
        except Refused as refused:
            problems += [replace(problem, index=index) for problem in refused.problems]
    if problems:
        raise Refused(problems)
    return found


def first(item: Mapping[str, Any], *names: str, default: Any = None) -> Any:
    """Value of the first of ``names`` that is present, not null and not empty."""
    for name in names:
        value = item.get(name)
        if value is not None and value != "":
            return value
    return default


def required(item: Mapping[str, Any], *names: str) -> Any:
    value = first(item, *names)
    if value is None:
        raise refuse(names[0], "missing_field", "缺少必填字段")
    return value


def text(item: Mapping[str, Any], *names: str) -> str:
    """A string; numbers are written out, anything else is Refused. "" when absent."""
    value = first(item, *names, default="")
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise refuse(names[0], "wrong_type", "应为字符串")
    return str(value)


def number(item: Mapping[str, Any], *names: str) -> float | None:
    value = first(item, *names)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise refuse(names[0], "wrong_type", "应为数值")
    try:
        return float(value)
    except ValueError:
        raise refuse(names[0], "wrong_type", "应为数值") from None


def within(item: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """A nested object; an empty one when absent."""
    value = first(item, name, default={})
    if not isinstance(value, Mapping):
        raise refuse(name, "wrong_type", "应为 JSON 对象")
    return value


def coded(item: Mapping[str, Any], table: Mapping[str, Any], *names: str) -> Any:
    """``table``'s entry for a code. Refused, naming the known ones, when there is none."""
    code = str(required(item, *names))
    if code not in table:
        raise refuse(names[0], "unknown_code", f"未知代码;已知:{'、'.join(table)}")
    return table[code]


def present(**fields: Any) -> dict[str, Any]:
    """The fields that have a value: absent ones get the model's own default."""
    return {name: value for name, value in fields.items() if value is not None and value != ""}
