"""Names people know for what figures are split by: units, areas, classes, channels."""

from __future__ import annotations

from schemas.profile import Profile


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
        case "field":
            return next((row.name for row in profile.disputes if row.field == key), key)
    return key
