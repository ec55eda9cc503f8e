"""The platform's own words in three languages: what a mail takes from events, which speak English."""

import re
from datetime import date
from typing import Any

from shared.vocabulary import Challenge, Language, Objection, Region

REGIONS = {
    Region.SHAANXI: "陕西",
    Region.CHONGQING: "重庆",
    Region.GUANGDONG: "广东",
    Region.HEBEI: "河北",
    Region.CHENGDU: "成都",
}

CHALLENGES = {
    Language.DUTCH: {
        Challenge.ZERO_EMISSION_PRODUCTION: "procestechnologie voor emissievrije productie",
        Challenge.INDUSTRIAL_AIR_EMISSIONS: "beperking of behandeling van luchtemissies in de industrie",
        Challenge.INDOOR_AIR: "luchtbehandeling in gebouwen",
        Challenge.INDUSTRIAL_WATER: "minder waterverbruik en behandeling van industrieel water",
        Challenge.SLUDGES: "beperking of behandeling van slib",
        Challenge.SOIL_REMEDIATION: "bodemsanering",
        Challenge.WASTE: "afval, van preventie, hergebruik en sortering tot recyclage en verwerking",
        Challenge.HYDROGEN: "waterstof, van groene productie tot toepassingen",
        Challenge.ENERGY_EFFICIENCY: "energie-efficiëntie in al haar aspecten",
        Challenge.SMART_GRID_AND_STORAGE: "slimme netten en energieopslag",
        Challenge.SECOND_LIFE_BATTERIES: "tweede leven en recyclage van lithium-autobatterijen",
    },
    Language.CHINESE: {
        Challenge.ZERO_EMISSION_PRODUCTION: "零排放生产工艺技术",
        Challenge.INDUSTRIAL_AIR_EMISSIONS: "工业废气减排与治理",
        Challenge.INDOOR_AIR: "建筑室内空气处理",
        Challenge.INDUSTRIAL_WATER: "工业节水与工业废水处理",
        Challenge.SLUDGES: "污泥减量与处理处置",
        Challenge.SOIL_REMEDIATION: "土壤修复",
        Challenge.WASTE: "废弃物：源头减量、再利用、分类、回收与处理",
        Challenge.HYDROGEN: "氢能：从绿色制氢到各类应用",
        Challenge.ENERGY_EFFICIENCY: "全方位节能增效",
        Challenge.SMART_GRID_AND_STORAGE: "智能电网与储能",
        Challenge.SECOND_LIFE_BATTERIES: "车用锂电池梯次利用与回收",
    },
}

OBJECTIONS = {
    Language.DUTCH: {
        Objection.NOT_A_FIT: "past niet bij de vraag",
        Objection.NOT_MATURE: "nog niet rijp genoeg",
        Objection.TOO_EXPENSIVE: "te duur",
        Objection.WRONG_SCALE: "niet de juiste schaal",
        Objection.NOT_NOW: "nu niet",
        Objection.SOLVED_ALREADY: "al opgelost",
        Objection.UNCLEAR: "niet duidelijk genoeg",
        Objection.OTHER: "een andere reden",
    },
    Language.CHINESE: {
        Objection.NOT_A_FIT: "与需求不符",
        Objection.NOT_MATURE: "技术尚未成熟",
        Objection.TOO_EXPENSIVE: "价格过高",
        Objection.WRONG_SCALE: "规模不合适",
        Objection.NOT_NOW: "目前时机不合适",
        Objection.SOLVED_ALREADY: "问题已解决",
        Objection.UNCLEAR: "内容不够明确",
        Objection.OTHER: "其他原因",
    },
}

PARTS = {
    Language.ENGLISH: {"open": "not answered yet", "confirmed": "confirmed", "declined": "declined"},
    Language.DUTCH: {"open": "nog geen antwoord", "confirmed": "bevestigd", "declined": "afgewezen"},
    Language.CHINESE: {"open": "尚未答复", "confirmed": "已确认", "declined": "已谢绝"},
}

CLOSENESS = {
    "very close": {Language.DUTCH: "liggen heel dicht bij elkaar", Language.CHINESE: "非常接近"},
    "close": {Language.DUTCH: "liggen dicht bij elkaar", Language.CHINESE: "接近"},
    "not far apart": {Language.DUTCH: "liggen niet ver uit elkaar", Language.CHINESE: "较为接近"},
}

SENTENCES = {
    r"They come under no common challenge": (
        "Ze vallen niet onder een gemeenschappelijke uitdaging",
        "双方不属于同一挑战领域",
    ),
    r"The score of (\S+) is below (\S+)": (
        "De score van {0} ligt onder {1}",
        "匹配分数 {0} 低于 {1}",
    ),
    r"The proposal prefers other regions": (
        "Het voorstel verkiest andere regio's",
        "该方案倾向于其他地区",
    ),
    r"The need asks for technology readiness level (\d+); the proposal has (\d+)": (
        "De vraag wil technologische rijpheid (TRL) {0}; het voorstel heeft {1}",
        "该需求要求技术成熟度（TRL）达到 {0}，而该方案为 {1}",
    ),
    r"They seek different kinds of partnership": (
        "Ze zoeken een andere vorm van samenwerking",
        "双方寻求的合作方式不同",
    ),
}
"""What matching says of a miss, as a pattern, and the same in Dutch and in Chinese."""

_CHALLENGE = re.compile(r"Both under challenge (?P<number>\d+): .*")
_TITLES = re.compile(rf"The titles are (?P<words>{'|'.join(CLOSENESS)}) in meaning.*")


def reason(sentence: str, language: Language) -> str:
    """One of matching's sentences; one whose like is not known stays English."""
    if language is Language.ENGLISH:
        return sentence
    if found := _CHALLENGE.fullmatch(sentence):
        return _challenge(int(found["number"]), language) or sentence
    if found := _TITLES.fullmatch(sentence):
        words = CLOSENESS[found["words"]][language]
        return f"De titels {words} in betekenis" if language is Language.DUTCH else f"两个标题的含义{words}"
    for pattern, (dutch, chinese) in SENTENCES.items():
        if found := re.fullmatch(pattern, sentence):
            return (dutch if language is Language.DUTCH else chinese).format(*found.groups())
    return sentence


def _challenge(number: int, language: Language) -> str | None:
    known = {int(each): words for each, words in CHALLENGES[language].items()}
    if number not in known:
        return None
    before = "Allebei onder uitdaging" if language is Language.DUTCH else "同属挑战领域"
    colon = ": " if language is Language.DUTCH else "："
    return f"{before} {number}{colon}{known[number]}"


def region(name: str, language: Language) -> str:
    """A region's name."""
    return REGIONS[Region(name)] if language is Language.CHINESE else name.title()


def objection(value: str | None, language: Language) -> str:
    """Why a match came to nothing."""
    found = Objection(value or Objection.OTHER)
    return found.words if language is Language.ENGLISH else OBJECTIONS[language][found]


def part(state: str, language: Language) -> str:
    """Where a part of a consortium stands."""
    return PARTS[language][state]


def day(value: date, language: Language) -> str:
    """A date as people write it."""
    if language is Language.CHINESE:
        return f"{value.year}年{value.month}月{value.day}日"
    months = _MONTHS[language]
    return f"{value.day} {months[value.month - 1]} {value.year}"


_MONTHS = {
    Language.ENGLISH: (
        *("January", "February", "March", "April", "May", "June"),
        *("July", "August", "September", "October", "November", "December"),
    ),
    Language.DUTCH: (
        *("januari", "februari", "maart", "april", "mei", "juni"),
        *("juli", "augustus", "september", "oktober", "november", "december"),
    ),
}


def spoken(language: Language) -> dict[str, Any]:
    """The functions above for one language, by name, for a template."""
    said = {"reason": reason, "region": region, "objection": objection, "part": part, "day": day}
    return {name: (lambda value, tell=tell: tell(value, language)) for name, tell in said.items()}
