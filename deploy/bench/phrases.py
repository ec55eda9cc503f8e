"""Thousands of different texts in three languages, from words of our own: how, what, on what, and where."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from services.matching.scoring.texts import Text
from shared.vocabulary import Language

SUBJECTS: Mapping[int, Mapping[Language, Sequence[str]]] = {
    1: {
        Language.ENGLISH: ("fired process heaters", "solvent-based synthesis", "steam reforming"),
        Language.DUTCH: ("gestookte procesfornuizen", "synthese met solventen"),
        Language.CHINESE: ("工艺加热炉", "溶剂法合成", "蒸汽重整"),
    },
    2: {
        Language.ENGLISH: ("volatile organic compounds", "boiler flue gas", "nitrogen oxides", "refinery off-gas"),
        Language.DUTCH: ("vluchtige organische stoffen", "rookgas", "stikstofoxiden"),
        Language.CHINESE: ("挥发性有机物", "锅炉烟气", "氮氧化物", "炼厂尾气"),
    },
    3: {
        Language.ENGLISH: ("indoor air", "kitchen exhaust"),
        Language.DUTCH: ("binnenlucht", "keukendampen"),
        Language.CHINESE: ("室内空气", "厨房油烟"),
    },
    4: {
        Language.ENGLISH: ("pharmaceutical wastewater", "landfill leachate", "mine drainage", "dyeing effluent"),
        Language.DUTCH: ("farmaceutisch afvalwater", "percolaat", "mijnwater", "water van verfbaden"),
        Language.CHINESE: ("制药废水", "垃圾渗滤液", "矿井涌水", "印染废水"),
    },
    5: {
        Language.ENGLISH: ("sewage sludge", "oily tank sludge"),
        Language.DUTCH: ("zuiveringsslib", "olieslib uit tanks"),
        Language.CHINESE: ("市政污泥", "油罐底泥"),
    },
    6: {
        Language.ENGLISH: ("soil with heavy metals", "oil-polluted groundwater", "cyanide-bearing tailings"),
        Language.DUTCH: ("bodem met zware metalen", "vervuild grondwater"),
        Language.CHINESE: ("重金属污染土壤", "石油污染地下水", "含氰尾矿"),
    },
    7: {
        Language.ENGLISH: ("mixed plastic waste", "food waste", "construction rubble", "composite blades"),
        Language.DUTCH: ("kunststofafval", "voedselresten", "bouwpuin"),
        Language.CHINESE: ("废塑料", "餐厨垃圾", "建筑垃圾", "风机叶片"),
    },
    8: {
        Language.ENGLISH: ("green hydrogen", "ammonia as a carrier of hydrogen"),
        Language.DUTCH: ("groene waterstof", "ammoniak als drager"),
        Language.CHINESE: ("绿氢", "氨储氢"),
    },
    9: {
        Language.ENGLISH: ("low-grade waste heat", "district heating", "compressed air"),
        Language.DUTCH: ("restwarmte", "warmtenetten"),
        Language.CHINESE: ("低品位余热", "集中供热", "压缩空气"),
    },
    10: {
        Language.ENGLISH: ("excess wind power", "peak loads of the grid"),
        Language.DUTCH: ("overtollige windstroom", "pieken in het net"),
        Language.CHINESE: ("富余风电", "电网峰荷"),
    },
    11: {
        Language.ENGLISH: ("retired lithium iron phosphate batteries",),
        Language.DUTCH: ("afgedankte lithiumbatterijen",),
        Language.CHINESE: ("退役磷酸铁锂电池",),
    },
}
"""What there is in each challenge's field."""
HOW: Mapping[Language, Sequence[str]] = {
    Language.ENGLISH: ("Electrochemical", "Membrane", "Catalytic", "Solar-driven", "Modular", "Biological", "Mobile"),
    Language.DUTCH: ("Elektrochemische", "Katalytische", "Modulaire", "Biologische", "Mobiele", "Zuinige", "Digitale"),
    Language.CHINESE: ("电化学", "膜法", "催化", "光伏驱动", "模块化", "生物法", "移动式"),
}
WHAT: Mapping[Language, Sequence[str]] = {
    Language.ENGLISH: ("treatment of", "recovery from", "monitoring of", "reduction of", "storage of", "reuse of"),
    Language.DUTCH: ("behandeling van", "terugwinning uit", "bewaking van", "vermindering van", "hergebruik van"),
    Language.CHINESE: ("深度处理", "资源回收", "在线监测", "源头减量", "安全储存", "再生利用"),
}
WHERE: Mapping[Language, Sequence[str]] = {
    Language.ENGLISH: (
        "for a chemical park",
        "at a steel mill",
        "in a brewery",
        "for ceramic kilns",
        "at a textile mill",
        "in old districts",
        "for a port",
        "at a data centre",
        "in a coking plant",
        "for villages",
    ),
    Language.DUTCH: (
        "voor een chemiepark",
        "in een staalfabriek",
        "in een brouwerij",
        "voor keramiekovens",
        "in de textielsector",
        "in woonwijken",
        "voor een haven",
        "in een datacentrum",
        "voor dorpen",
    ),
    Language.CHINESE: (
        "化工园区",
        "钢铁厂",
        "啤酒厂",
        "陶瓷窑炉",
        "纺织厂",
        "老旧小区",
        "港口",
        "数据中心",
        "焦化厂",
        "乡村",
    ),
}
FREQUENCY = (8, 16, 5, 18, 8, 8, 15, 6, 9, 5, 2)
"""How many of a hundred texts are in each challenge's field."""


@dataclass(frozen=True)
class Phrase:
    """A text, and the challenge in whose field it is."""

    text: Text
    challenge: int


def phrases(number: int) -> list[Phrase]:
    """So many different texts, the same ones each time."""
    dice = random.Random(1)
    return list(islice({phrase.text: phrase for phrase in (_phrase(dice) for _ in range(3 * number))}.values(), number))


def _phrase(dice: random.Random) -> Phrase:
    language = dice.choice(tuple(Language))
    (challenge,) = dice.choices(tuple(SUBJECTS), FREQUENCY)
    return Phrase(Text(_line(dice, language, challenge), _line(dice, language, challenge), language), challenge)


def _line(dice: random.Random, language: Language, challenge: int) -> str:
    how, what, where = (dice.choice(words[language]) for words in (HOW, WHAT, WHERE))
    subject = dice.choice(SUBJECTS[challenge][language])
    if language is Language.CHINESE:
        return f"{where}{how}{subject}{what}"
    return f"{how} {what} {subject} {where}"
