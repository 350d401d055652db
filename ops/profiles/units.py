"""Units of a fictional city: which department has an office at which level, and what it is called.

Patterns: ``{a}`` the area's full name, ``{s}`` its short one. Empty = no office at that level, a
case then falls to the next level up.
"""

from __future__ import annotations

from dataclasses import dataclass

from ops.profiles.names import COUNTIES
from ops.profiles.tree import Node


@dataclass(frozen=True)
class Department:
    name: str
    slug: str
    name_en: str
    city: str
    county: str = ""
    town: str = ""
    village: str = ""


D = Department
DEPARTMENTS: tuple[Department, ...] = (
    D("指挥中心", "desk", "Command centre duty desk", "{a}网格化指挥中心值班席",
      "{a}网格化指挥中心值班席",
      "{a}指挥分中心值班席"),
    D("综治中心", "zongzhi", "Public order centre", "{a}社会治安综合治理中心", "{a}综治中心",
      "{a}综治中心"),
    D("街道乡镇", "xiangzhen", "Sub-district or town office", "{a}基层治理办公室", "{a}基层治理科",
      "{a}{office}"),
    D("村居", "cunju", "Residents' or villagers' committee", "{a}基层群众自治指导处",
      "{a}基层群众自治指导科", "{a}村居工作站", "{a}{committee}"),
    D("物业企业", "wuye", "Property management", "{a}物业行业协会", "{a}物业行业管理站",
      "{a}物业服务站", "{s}物业服务企业"),
    D("公安", "gongan", "Public security", "{a}公安局", "{a}公安{branch}", "{s}派出所"),
    D("公安交警", "jiaojing", "Traffic police", "{a}公安局交警支队", "{a}交警大队", "{s}交警中队"),
    D("消防救援", "xiaofang", "Fire and rescue", "{a}消防救援支队", "{a}消防救援大队",
      "{s}消防救援站"),
    D("应急管理", "yingji", "Emergency management", "{a}应急管理局", "{a}应急管理局",
      "{a}应急管理站"),
    D("城管执法", "chengguan", "City management", "{a}城市管理局", "{a}综合行政执法局",
      "{a}综合行政执法队"),
    D("住建", "zhujian", "Housing and construction", "{a}住房和城乡建设局", "{a}住房和城乡建设局",
      "{a}建设管理办公室"),
    D("市场监管", "shichang", "Market regulation", "{a}市场监督管理局", "{a}市场监督管理局",
      "{s}市场监督管理所"),
    D("市政", "shizheng", "Municipal works", "{a}市政管理处", "{a}市政养护中心", "{s}市政养护队"),
    D("环卫", "huanwei", "Sanitation", "{a}环境卫生管理处", "{a}环境卫生管理所", "{s}环卫站"),
    D("园林绿化", "yuanlin", "Parks and greenery", "{a}园林绿化管理处", "{a}园林绿化管理所",
      "{s}绿化管护队"),
    D("司法行政", "sifa", "Justice and mediation", "{a}司法局", "{a}司法局", "{s}司法所",
      "{a}人民调解委员会"),
    D("民政", "minzheng", "Civil affairs", "{a}民政局", "{a}民政局", "{a}民政服务站"),
    D("人社", "renshe", "Labour and social security", "{a}人力资源和社会保障局",
      "{a}人力资源和社会保障局", "{a}人社服务所"),
    D("卫健", "weijian", "Health", "{a}卫生健康委员会", "{a}卫生健康局", "{s}卫生服务中心"),
    D("疾控", "jikong", "Disease control", "{a}疾病预防控制中心", "{a}疾病预防控制中心"),
    D("教育", "jiaoyu", "Education", "{a}教育局", "{a}教育局", "{s}教育管理中心"),
    D("自然资源", "ziran", "Natural resources", "{a}自然资源和规划局", "{a}自然资源和规划{branch}",
      "{s}自然资源所"),
    D("生态环境", "shengtai", "Environment", "{a}生态环境局", "{a}生态环境{branch}",
      "{s}生态环境站"),
    D("水利", "shuili", "Water resources", "{a}水利局", "{a}水利局", "{s}水利站"),
    D("农业农村", "nongye", "Agriculture", "{a}农业农村局", "{a}农业农村局", "{s}农业服务中心"),
    D("林草", "lincao", "Forestry", "{a}林业和草原局", "{a}林业工作站", "{s}林业站"),
    D("交通运输", "jiaotong", "Transport", "{a}交通运输局", "{a}交通运输局"),
    D("停车管理", "tingche", "Parking", "{a}停车管理中心", "{a}停车管理所", "{s}停车管理站"),
    D("信访", "xinfang", "Letters and visits", "{a}信访局", "{a}信访局"),
    D("政务服务", "zhengwu", "Government services", "{a}政务服务管理局", "{a}政务服务中心",
      "{a}便民服务中心"),
    D("文旅", "wenlv", "Culture and tourism", "{a}文化广电和旅游局", "{a}文化和旅游局"),
    D("残联", "canlian", "Disabled persons' federation", "{a}残疾人联合会", "{a}残疾人联合会"),
    D("退役军人", "tuiyi", "Veterans affairs", "{a}退役军人事务局", "{a}退役军人事务局"),
    D("医保", "yibao", "Medical insurance", "{a}医疗保障局", "{a}医疗保障局"),
    D("金融监管", "jinrong", "Financial regulation", "{a}地方金融管理局"),
    D("邮政管理", "youzheng", "Post and courier", "{a}邮政管理局"),
    D("公用事业", "gongyong", "Public utilities", "{a}公用事业管理处"),
    D("供水企业", "gongshui", "Water company", "{a}水务集团客服调度中心", "{s}供水营业所"),
    D("供电企业", "gongdian", "Power company", "{a}供电公司调度中心", "{s}供电营业部", "{s}供电所"),
    D("燃气企业", "ranqi", "Gas company", "{a}燃气集团调度中心", "{s}燃气抢修站"),
    D("供热企业", "gongre", "Heating company", "{a}热力集团调度中心", "{s}热力管理站"),
    D("通信企业", "tongxin", "Telecom companies", "{a}通信行业协调中心", "{s}通信维护站"),
)  # fmt: skip

#: Offices only where the land is rural.
RURAL = frozenset({"农业农村", "林草", "水利"})
_ENGLISH = {c.code: c.name_en for c in COUNTIES} | {"9901": "Qinglan City"}


@dataclass(frozen=True)
class Office:
    unit_id: str
    name: str
    name_en: str
    department: str
    level: str
    area: str


def staff(tree: dict[str, Node]) -> list[Office]:
    """One row an office, city first. ``unit_id`` = slug and area code: ``gongan-990101``."""
    found = []
    for department in DEPARTMENTS:
        for node in tree.values():
            pattern = "" if node.level == "grid" else str(getattr(department, node.level))
            rural = node.level == "town" and node.code[6:] >= "100"
            if not pattern or (node.level == "town" and department.name in RURAL and not rural):
                continue
            if (
                department.name == "物业企业"
                and node.level == "village"
                and "社区" not in node.name
            ):
                continue
            area_en = _ENGLISH.get(node.code, "")
            found.append(
                Office(
                    f"{department.slug}-{node.code}",
                    pattern.format(a=node.name, s=node.short, **_words(node)),
                    f"{department.name_en}, {area_en}" if area_en else "",
                    department.name,
                    node.level,
                    node.code,
                )
            )
    return found


def _words(node: Node) -> dict[str, str]:
    return {
        "office": "办事处" if node.name.endswith("街道") else "人民政府",
        "committee": "居民委员会" if node.name.endswith("社区") else "村民委员会",
        "branch": "分局" if node.name.endswith("区") else "局",
    }
