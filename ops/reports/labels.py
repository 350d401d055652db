"""Names people know for what figures are split by: units, areas, classes, channels."""

from __future__ import annotations

from schemas.profile import Profile

#: kinds of devices of devices.tsv as people call them; others are shown as they are written
DEVICE_KINDS = {
    "smoke": "感烟探测器", "call_point": "手动报警按钮", "fire_host": "消防主机", "lift": "电梯",
    "facade_camera": "高空抛物摄像机", "door": "门禁", "camera": "视频监控", "manhole": "井盖",
    "electrical": "电气火灾监控", "gas": "燃气浓度监测", "gas_detector": "可燃气体探测器",
    "rain_gauge": "雨量计", "river_level": "河道水位计", "water_level": "积水监测",
    "sos_button": "一键求助", "patrol_point": "巡查点",
}  # fmt: skip


def label(profile: Profile, by: str, key: str) -> str:
    """The name of a key; the key itself when the profile does not know it (any more)."""
    if not key:
        return "(未定)" if by else "全部"
    match by:
        case "unit":
            unit = profile.units.get(key)
            return unit.name if unit else key
        case "area" | "grid":
            area = profile.areas.get(key)
            return area.name if area else key
        case "class":
            row = profile.taxonomy.get(key)
            return row.name if row else key
        case "major":
            return next((c.major for c in profile.taxonomy.values() if c.major_code == key), key)
        case "channel":
            channel = profile.channels.get(key)
            return channel.name if channel else key
        case "kind":
            return DEVICE_KINDS.get(key, key)
        case "building":
            place = profile.places.get(key)
            return place.name if place else key
        case "field":
            return next((row.name for row in profile.disputes if row.field == key), key)
    return key
