"""What identifies a person is masked, what does not stays."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.redact import redact


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("电话13800138000请回", "电话[手机号]请回"),
        ("138 0013 8000", "[手机号]"),
        ("+86 138-0013-8000。", "[手机号]。"),
        ("手机\uff11\uff13\uff18\uff10\uff10\uff11\uff13\uff18\uff10\uff10\uff10", "手机[手机号]"),
        ("0755-12345678", "0755-12345678"),  # no landline begins with 1
        ("打0755-82345678转801没人接", "打[电话]没人接"),
        ("(010)62345678", "[电话]"),
        ("联系电话:2345678", "联系电话[电话]"),
        ("身份证110101199003078515", "身份证[证件号]"),
        ("身份证11010119900307851x", "身份证[证件号]"),
        ("旧证110101900307851", "旧证[证件号]"),
        ("卡号6222021234567890128", "卡号[银行卡]"),
        ("卡号6222 0212 3456 7890 128", "卡号[银行卡]"),
        ("京A12345堵门", "[车牌]堵门"),
        ("粤B·D12345", "[车牌]"),
        ("写信到 zhang.san@example.com.cn 吧", "写信到 [邮箱] 吧"),
        ("姓名:张三,住三楼", "姓名[姓名],住三楼"),
        ("联系人\uff1a李四", "联系人[姓名]"),
    ],
)
def test_masks(text, wanted):
    assert redact(text) == wanted


@pytest.mark.parametrize(
    "text",
    [
        "打12345没人管,110也打了,12319也打了",
        "燃气公司 400-810-0000 推诿",
        "网格 990101001001001 的 3 栋 2 单元 1801 室",
        "2026年11月20日8时15分,2019-02-28 11:25:05",
        "事项编码 020301,案件 20261122-990101001001-K7Q2MB",
        "设备 34020000001340000001 离线",
        "A市A3区联丰路米兰春天G2栋320",
        "云A座 新B区 停车",
        "卡号6222021234567890127",  # check digit wrong: some other number
    ],
)
def test_keeps(text):
    assert redact(text) == text


@given(st.text(alphabet="1234567890 -+@.京粤ABX姓名联系人电话:、", max_size=60))
def test_masking_twice_changes_nothing(text):
    once = redact(text)
    assert redact(once) == once
    assert len(once) <= max(len(text), len(once.replace("[", "")))


@given(
    st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True), st.text(alphabet="井盖破了 ,。", max_size=9)
)
def test_no_mobile_number_survives(phone, around):
    assert phone not in redact(around + phone + around)
