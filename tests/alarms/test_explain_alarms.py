"""``explain`` says what the alarm rules will do, and why a signal opens nothing."""

from __future__ import annotations

import pytest

from schemas.profile_files import load_profile
from schemas.raw import EnvironmentSignal, FireSignal, Raw, VideoAlarm
from streams.core.decide import Decider, Position
from streams.core.explain import explain
from streams.core.explained import in_words
from streams.core.reading import Invalid

WHO = {"id": "1", "source": "s"}
SMOKE = WHO | {"device_id": "FA-990101001001-0002", "part": "component", "component_type": 41}
CAMERA = WHO | {"device_id": "CM-990101001001-0001"}


@pytest.fixture(scope="module")
def decider() -> Decider:
    return Decider(load_profile("qinglan"))


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (FireSignal.model_validate(SMOKE | {"status": 3}), "特急:立即送出"),
        (FireSignal.model_validate(SMOKE | {"status": 3}), "组合 smoke-smoke"),
        (FireSignal.model_validate(SMOKE | {"status": 5}), "等待 120 秒"),
        (FireSignal.model_validate(SMOKE | {"status": 1}), "结束该设备按这些规则行的告警:fire"),
        (FireSignal.model_validate(SMOKE | {"status": 4}), "设备处于测试状态"),
        (FireSignal.model_validate(SMOKE | {"status": 3, "test": True}), "测试或演练"),
        (VideoAlarm.model_validate(CAMERA | {"method": 5, "type": 8}), "不做人的行为分析"),
        (VideoAlarm.model_validate(CAMERA | {"method": 2, "type": 1}), "告警规则行 video"),
        (EnvironmentSignal.model_validate(CAMERA | {"event": "offline"}), "设备健康状态"),
    ],
)
def test_explain_names_the_rule(decider: Decider, raw: Raw, says: str) -> None:
    told = explain(raw, Position("raw.fire", 0, 0, 0, 1_795_312_900_000), decider)
    assert not isinstance(told, Invalid)
    words = [w for one in told for line in in_words(one) for w in (line.verdict, *line.because)]
    assert any(says in word for word in words), words
