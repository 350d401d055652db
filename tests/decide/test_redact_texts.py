"""Contacts never pass into an event, and what only looks like one stays."""

from __future__ import annotations

import pytest

from streams.core.redact import is_contact, redact


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("打我13912345678", "13912345678"),
        ("打我139-1234-5678。", "139-1234-5678"),
        ("打我１３９１２３４５６７８", "１３９１２３４５６７８"),
        ("+86 13912345678", "13912345678"),
        ("座机0571-87654321转8012", "87654321"),
        ("身份证11010519491231002X", "11010519491231002X"),
        ("老证110105491231002", "110105491231002"),
        ("卡号6222 0212 3456 7890 128", "0212 3456"),
        ("车牌浙A·88K66挡路", "88K66"),
        ("京AD12345占位", "AD12345"),
        ("邮箱zhang.san@example.com", "zhang.san"),
        ("加微信zhangsan_1988", "zhangsan_1988"),
        ("微信号:wxid_abc12345", "wxid_abc12345"),
        ("加V:lisi2020abc", "lisi2020abc"),
        ("QQ 12345678", "12345678"),
    ],
)
def test_contacts_are_masked(text: str, secret: str) -> None:
    masked = redact(text)
    assert secret not in masked
    assert "[" in masked
    assert redact(masked) == masked


@pytest.mark.parametrize(
    "text",
    [
        "拨打12345没人接,110也来过",
        "惠民大道1234号3栋2单元502",
        "工单20261122-990101001001-K7Q2MB",
        "拖欠工资412000元,23个人",
        "2026年11月22日10点01分路灯不亮",
        "网格990101001001002",
        "没有微信群通知",
    ],
)
def test_what_is_no_contact_stays(text: str) -> None:
    assert redact(text) == text


@pytest.mark.parametrize(
    ("token", "contact"),
    [
        ("13812345678", True), ("8613812345678", True), ("11010519491231002X", True),
        ("0571-87654321", True), ("r-8f3a2b", False), ("12345678", False), ("", False),
    ],
)  # fmt: skip
def test_tokens_that_are_contacts(token: str, contact: bool) -> None:
    assert is_contact(token) is contact
