"""Words of disease in five languages, by finding: what an answer may only say where a tool reported it.

A draft by a model is held to this list: a finding that no cited evidence is about is refused, in whatever form. The
list is not all of medicine; stems and endings (-itis, -oma, -pathy) catch much of what it does not name.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache

# English, German, French, Spanish stems, folded (no accents, lower case); Chinese as it is written. "~" ends a stem
# that must be a whole word.
FINDINGS: dict[str, str] = {
    "haemorrhage": (
        "haemorrhag hemorrhag hemorragi bleed bled~ blutung hamorrhag sangrad saigne haematoma hematom "
        "hamatom microbleed 出血 血肿"
    ),
    "tumour": (
        "tumour tumor~ tumors~ tumore tumoro tumeur tumora neoplas geschwulst geschwulst raumforder masses~ "
        "mass~ masa~ masas~ 肿瘤 肿块 占位"
    ),
    "cancer": (
        "cancer krebs~ krebser malign carcinom karzinom kanzer sarcom sarkom lymphom leukaem leukem leukam "
        "leucem myelom melanom 癌 恶性"
    ),
    "glioma": "gliom gliobla meningiom meningeom schwannom adenom astrocytom",
    "metastasis": "metasta 转移",
    "nodule": "nodul nodule knoten~ rundherd 结节",
    "lesion": "lesion lasion herdbefund 病变 病灶",
    "infarct": (
        "infarct infarkt infarto stroke schlaganfall apople accident~vasculaire ischem ischaem ischam ictus "
        "梗死 梗塞 中风 卒中 缺血"
    ),
    "fracture": "fractur fraktur knochenbruch bruch~ gebrochen broken~ cassee roto~ rotura 骨折",
    "aneurysm": "aneurysm anevrism aneurism 动脉瘤",
    "thrombosis": "thromb tromb embol clot~ clots~ gerinnsel caillot coagulo 血栓 栓塞",
    "stenosis": "stenos estenos occlu verschluss oclu verengung narrowing retrecissement 狭窄 闭塞",
    "dissection": "dissection dissektion diseccion 夹层",
    "effusion": "effusion erguss epanchement derrame 积液",
    "pneumothorax": "pneumothora neumotora pneumocephal pneumozephal 气胸",
    "pneumonia": (
        "pneumoni neumoni consolidat konsolid infiltrat covid tuberculos tuberkul ground-glass milchglas 肺炎"
    ),
    "emphysema": "emphysem enfisem emphyseme copd~ bpco~ epoc~ 肺气肿",
    "fibrosis": "fibros fibrot 纤维化",
    "oedema": "oedem edema odem~ odeme 水肿",
    "hydrocephalus": "hydroceph hydrozeph hidrocef 脑积水",
    "shift": "midline~shift mittellinienverlagerung herniat hernia einklemmung 中线移位 疝",
    "abscess": "abscess abszess abces absces 脓肿",
    "infection": "infect infekt infecc entzund inflam sepsis septic septisch meningit encephalit enzephalit 感染 炎",
    "cyst": "cyst~ cysts~ cystic zyst kyst quist 囊肿",
    "calcification": "calcif kalzif verkalk plaque placa~ 钙化 斑块",
    "atrophy": "atroph atrof shrunken schrumpf 萎缩",
    "sclerosis": "scleros skleros esclerosis demyelin entmark desmielin 硬化 脱髓鞘",
    "dementia": "dementia demenz demence demencia alzheimer parkinson huntington 痴呆 阿尔茨海默",
    "steatosis": (
        "steatos fatty~liver fettleber cirrho zirrhos cirros hepatopath foie~gras higado~graso 脂肪肝 肝硬化"
    ),
    "osteoporosis": "osteopor osteopen osteoly osteomyel 骨质疏松",
    "arthritis": "arthrit arthros artrit artros spondyl 关节炎",
    "stone": "stone~ stones~ gallstone steine~ nierenstein calcul lithias litias 结石",
    "enlargement": (
        "enlarg vergrossert vergrosserung agrandi agrandad megaly megali cardiomegal kardiomegal dilat "
        "erweiter 肿大 扩张 增大"
    ),
    "injury": "injur verletz blessure traumat contusion kontusion quetschung 损伤 挫伤",
    "malformation": "malform fehlbildung anomal missbildung 畸形",
    "polyp": "polyp polipo 息肉",
    "swelling": "swelling swollen schwellung gonflement hinchazon 肿胀",
    "scar": "scar~ scars~ narbe cicatri gliosis gliose 瘢痕",
    "leukoencephalopathy": (
        "hyperintensit hypodens hyperdens microangiopath mikroangiopath leukoencephal leukoenzephal"
    ),
    "disease": (
        "disease krankheit erkrankung maladie enfermedad patholog patolog syndrom sindrome disorder illness 疾病 病理"
    ),
    "hypertension": "hypertens hypertonie diabet hipertens 高血压",
    "rupture": (
        "ruptur perforat torn~ tear~ ileus appendicit appendizit apendicit obstruct obstrukt obstruc 穿孔 破裂 梗阻"
    ),
}
# Judgements and advice, which no tool gives.
JUDGEMENTS: dict[str, str] = {
    "a judgement of what is normal": (
        "normal abnormal anormal unauffallig auffallig healthy gesund~ gesunde sain~ saine~ sano~ sana~ "
        "unremarkable remarkable worrying concerning inquietant preocupante besorgnis benign gutartig "
        "bosartig bening suspicious verdachtig suspect sospechos altersentsprechend age-appropriate expected "
        "erwartungsgemass typical typisch 正常 异常 良性 健康"
    ),
    "advice": (
        "should~ recommend empfehl empfohlen recommand recomend treat~ treatment treated behandl traitement "
        "tratamiento therap surgery surgical operation~ operier chirurg cirug biops chemo radiotherap prescri "
        "verschreib medicat medikament medicament urgent dringend sofort~ immediately hospital krankenhaus "
        "doctor~ arzt~ prognos surviv uberleben survie superviv 治疗 建议 手术"
    ),
    "a diagnosis": (
        "diagnos suffers leidet souffre sufre consistent~with vereinbar~mit compatible~avec compatible~con "
        "suggests suggestive indicat deutet~auf hinweis~auf evoque sugiere caused~by 诊断 提示"
    ),
    "a comparison": (
        "larger bigger smaller greater higher lower~than less~than more~than grown~ growing shrunk increased "
        "decreased increase~ decrease~ grosser kleiner gewachsen zugenommen abgenommen plus~grand plus~petit "
        "augment diminu mayor~ menor~ crecido aumentad disminui stable~ stabil~ unchanged unverandert "
        "inchange sin~cambios same~as 更大 更小 增加 减少"
    ),
    "a certainty": (
        "certain~ certainly definite definitely proves proven confirmed confirms exact~ exactly sicher~ "
        "zweifellos beweist bestatigt certainement prouve confirme ciertamente demuestra confirmado 确定 证实"
    ),
}
# Endings of diseases that no list names.
_ENDINGS = re.compile(
    r"[a-z]{3,}(?:itis|itides|oma|omas|omata|ome|omes|pathy|pathies|pathie|pathien|patia|osis|aemia|emia)$"
)
# Words of anatomy and measuring that end so.
_NOT_DISEASES = {
    "axioma", "become", "becomes", "chrome", "come", "dome", "forma", "genome", "handsome", "home", "idioma", "income",
    "outcome", "outcomes", "overcome", "some", "stoma", "suma", "toma", "tomas", "welcome",
}  # fmt: skip
_NEGATION = re.compile(
    r"\b(?:no|not|without|free of|negative for|absence of|absent|rules? out|ruled out|excludes?|excluded|never|none|"
    r"neither|nor|kein\w*|nicht|ohne|ausgeschlossen|ausschluss|weder|pas|sans|aucun\w*|ni|absence|exclu\w*|sin|"
    r"ningun\w*|ausencia|descarta\w*)\b"
    r"|没有|无|未见|排除|不存在"
)
_HAN = re.compile(r"[一-鿿]")


def folded(text: str) -> str:
    """Lower case without accents, with one kind of space and hyphen, so that one list holds for all spellings."""
    plain = unicodedata.normalize("NFKD", text.replace("ß", "ss")).casefold()
    plain = "".join(c for c in plain if not unicodedata.combining(c))
    return re.sub(r"\s+", " ", re.sub(r"[‐-―]", "-", plain))


def findings_in(text: str) -> set[str]:
    """The findings that a text names, by the keys of FINDINGS; what only ends like one by its own word."""
    plain = folded(text)
    found = {name for name, pattern in _patterns(_Kind.FINDINGS).items() if pattern.search(plain)}
    words = set(re.findall(r"[a-z]+", plain)) - _NOT_DISEASES
    known = "|".join(p.pattern for p in _patterns(_Kind.FINDINGS).values())
    return found | {w for w in words if _ENDINGS.match(w) and not re.search(known, w)}


def judgements_in(text: str) -> set[str]:
    """The judgements and advice that a text holds, by the keys of JUDGEMENTS."""
    plain = folded(text)
    return {name for name, pattern in _patterns(_Kind.JUDGEMENTS).items() if pattern.search(plain)}


def negates(text: str) -> bool:
    """True where the text denies something, in any of the five languages."""
    return _NEGATION.search(folded(text)) is not None


class _Kind:
    FINDINGS = "findings"
    JUDGEMENTS = "judgements"


@cache
def _patterns(kind: str) -> dict[str, re.Pattern[str]]:
    table = FINDINGS if kind == _Kind.FINDINGS else JUDGEMENTS
    return {name: re.compile("|".join(_stem(s) for s in stems.split())) for name, stems in table.items()}


def _stem(stem: str) -> str:
    """A stem begins a word, or stands inside a German compound of some length; Chinese knows no words."""
    if _HAN.search(stem):
        return re.escape(stem)
    whole = stem.endswith("~")
    parts = [re.escape(p) for p in stem.rstrip("~").split("~")]
    # "hirnblutung", "lungenkrebs": a long stem counts wherever it stands.
    begin = "" if len(stem.rstrip("~")) >= 6 and not whole else r"\b"
    return begin + r"[ -]".join(parts) + (r"\b" if whole else "")
