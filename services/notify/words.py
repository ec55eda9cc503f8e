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
    r"Both name: (.+)": ("Beide noemen: {0}", "双方都提到：{0}"),
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
    r"The need asks for (\S+ \S+); the proposal's scale ends at (\S+ \S+)": (
        "De vraag is {0}; de schaal van het voorstel eindigt bij {1}",
        "该需求要求 {0}，而该方案的规模上限为 {1}",
    ),
    r"The need asks for (\S+ \S+); the proposal's scale begins at (\S+ \S+)": (
        "De vraag is {0}; de schaal van het voorstel begint bij {1}",
        "该需求要求 {0}，而该方案的规模下限为 {1}",
    ),
    r"The price of at least (.+) is above the budget of (.+) \(about (.+)\)": (
        "De prijs van minstens {0} ligt boven het budget van {1} (ongeveer {2})",
        "最低价格 {0} 超出预算 {1}（约合 {2}）",
    ),
    r"The price of at least (.+) is above the budget of (.+)": (
        "De prijs van minstens {0} ligt boven het budget van {1}",
        "最低价格 {0} 超出预算 {1}",
    ),
    r"The deadline has passed": ("De uiterste datum is voorbij", "截止日期已过"),
    r"The need's region is one that the proposal prefers": (
        "De regio van de vraag is er een die het voorstel verkiest",
        "该需求所在地区是该方案倾向的地区",
    ),
    r"The proposal has technology readiness level (\d+); the need asks for (\d+)": (
        "Het voorstel heeft technologische rijpheid (TRL) {0}; de vraag wil {1}",
        "该方案的技术成熟度（TRL）为 {0}，该需求要求 {1}",
    ),
    r"They seek a common kind of partnership": (
        "Ze zoeken eenzelfde vorm van samenwerking",
        "双方寻求相同的合作方式",
    ),
    r"The need is open until (\S+)": ("De vraag staat open tot en met {0}", "该需求开放至 {0}"),
    r"The proposal's scale covers the (\S+ \S+) that the need asks for": (
        "De schaal van het voorstel omvat de gevraagde {0}",
        "该方案的规模涵盖所要求的 {0}",
    ),
    r"The price of at least (.+) is within the budget of (.+) \(about (.+)\)": (
        "De prijs van minstens {0} past in het budget van {1} (ongeveer {2})",
        "最低价格 {0} 在预算 {1}（约合 {2}）之内",
    ),
    r"The price of at least (.+) is within the budget of (.+)": (
        "De prijs van minstens {0} past in het budget van {1}",
        "最低价格 {0} 在预算 {1} 之内",
    ),
}
"""What matching says of what it checked, as a pattern, and the same in Dutch and in Chinese."""
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3})")

_CHALLENGE = re.compile(r"Both under challenge (?P<number>\d+): .*")
_TEXTS = re.compile(rf"The (?P<what>titles|texts) are (?P<words>{'|'.join(CLOSENESS)}) in meaning.*")
_WHAT = {
    "titles": {Language.DUTCH: "De titels", Language.CHINESE: "两个标题"},
    "texts": {Language.DUTCH: "De teksten", Language.CHINESE: "两份文本"},
}
"""Until scores were made of whole texts they were made of titles."""


def reason(sentence: str, language: Language) -> str:
    """One of matching's sentences; one whose like is not known stays English."""
    if language is Language.ENGLISH:
        return sentence
    if found := _CHALLENGE.fullmatch(sentence):
        return _challenge(int(found["number"]), language) or sentence
    if found := _TEXTS.fullmatch(sentence):
        words, what = CLOSENESS[found["words"]][language], _WHAT[found["what"]][language]
        return f"{what} {words} in betekenis" if language is Language.DUTCH else f"{what}的含义{words}"
    for pattern, (dutch, chinese) in SENTENCES.items():
        if found := re.fullmatch(pattern, sentence):
            if language is Language.CHINESE:
                return chinese.format(*found.groups())
            return dutch.format(*(_THOUSANDS.sub(".", value) for value in found.groups()))
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
