"""What a sentence names: structures, quantities, sides and its language, for holding it to the evidence it cites."""

from __future__ import annotations

import re
from functools import cache

from scanwright.agent.answer.findings import folded
from scanwright.tools.vocabulary.structures import STRUCTURES

# German, French, Spanish (folded) and Chinese names of what is asked for most; English ones are the vocabulary's.
_ABROAD: dict[str, str] = {
    "brain": "gehirn\\w*|hirnvolumen\\w*|cerveau|encephale|cerebro|脑",
    "skull": "schadel\\w*|crane|craneo|颅骨",
    "head": "kopf\\w*|tete|cabeza|头部",
    "lung": "lunge\\w*|poumons?|pulmon(?:es)?|肺",
    "liver": "leber\\w*|foie|higado|肝",
    "spleen": "milz\\w*|rate|bazo|脾",
    "kidney": "nieren?|nierenvolumen|reins?|rinon(?:es)?|肾",
    "heart": "herz\\w*|coeur|corazon|心脏",
    "bone": "knochen\\w*|hueso\\w*|骨骼",
    "pancreas": "pankreas|bauchspeicheldruse|胰腺",
    "bladder": "harnblase|blase|vessie|vejiga|膀胱",
    "hippocampus": "hippocampe|hipocampo|海马",
    "cerebellum": "kleinhirn\\w*|cervelet|cerebelo|小脑",
    "gallbladder": "gallenblase|vesicule biliaire|vesicula biliar|胆囊",
    "stomach": "magen|estomac|estomago|胃",
    "muscle": "muskel\\w*|musculo|肌肉",
    "fat": "fett\\w*|graisse|grasa|脂肪",
    "tumour": "tumor\\w*|tumeurs?|肿瘤",
    "given_region": "markierte region|region marquee|region marcada",
}
# What may be named beside anything: it is where everything lies.
_EVERYWHERE = frozenset({"image", "body", "given_region", "tissue", "intensity_range", "clicked_structure"})
_QUANTITIES: dict[str, str] = {
    "volume": r"volumes?|volumens?|\w+volumen|体积",
    "area": r"areas?|flachen?|oberflachen?|surface|superficie|面积",
    "diameter": r"diameters?|durchmessers?|diametres?|diametros?|直径",
    "mean": r"mean|average|mittler\w*|mittelwert\w*|durchschnitt\w*|moyenn\w*|media|medio|promedio|平均",
    "median": r"median\w*|mediane?|mediana|中位",
    "share": r"share|fraction|proportion|anteil\w*|fraccion|proporcion|比例",
    "count": r"number|count|anzahl|nombre|numero|数量",
    "density": r"density|dichte|densite|densidad|密度",
    "length": r"length|lange|longueur|longitud|长度",
    "ratio": r"ratio|verhaltnis|rapport|cociente|比值",
    "index": r"index|indice|指数",
    "intensity": r"intensity|intensities|intensitat\w*|intensite\w*|intensidad\w*|强度",
    "change": r"change|veranderung|changement|cambio|变化",
}
_SIDES = {
    "left": r"left|links|linke[rsnm]?|gauches?|izquierd[oa]s?|左",
    "right": r"right|rechts|rechte[rsnm]?|droite?s?|derech[oa]s?|右",
}
_COMMON: dict[str, str] = {
    "en": (
        "the of is was are in and with by its it has have a an this that on for from to not be were between which here"
    ),
    "de": (
        "der die das des dem den ist betragt wurde war im und mit von bei ein eine einer es nicht auf hat "
        "zwischen sich wird liegt am"
    ),
    "fr": "le la les du de des est et avec dans par une un sur ete cette ce il elle entre ne au aux pour l d qui se",
    "es": "el la los las del de es y con en por una un se este esta entre ha sido fue no para al que su",
    "it": (
        "il lo gli della dello del di e con nel nella una un stato misurato questa che per non si sono dei "
        "delle al alla sul"
    ),
    "pt": "o a os as do da dos das e com no na um uma foi esta este que por nao em ao se sao",
    "nl": "de het van een is en met in op niet dat deze bij door naar zijn werd tussen er",
    "sv": "och att det som en ett med av for den inte ar pa till har fran",
    "pl": "i w z na jest nie do sie ze przez oraz dla od byl byla",
    "ro": "si este un o cu din pe nu de la sunt fost al ale",
    "tr": "ve bir bu ile icin olarak degil da",
}
_HAN = re.compile(r"[一-鿿]")


def structures_in(text: str) -> set[str]:
    """The structures of the vocabulary that a text names; what may stand anywhere is left out."""
    plain = folded(text)
    found = set()
    for pattern, name in _structures():
        plain, count = pattern.subn(" ", plain)
        if count:
            found.add(name)
    found |= {n for n, p in _ABROAD.items() if re.search(p if _HAN.match(p) else _words(p), plain)}
    return found - _EVERYWHERE


def quantities_in(text: str) -> set[str]:
    """The kinds of quantity that a text names ("volume", "area", …)."""
    plain = folded(text)
    return {name for name, pattern in _QUANTITIES.items() if re.search(_words(pattern), plain)}


def sides_in(text: str) -> set[str]:
    """ "left" and "right", where a text names them."""
    plain = folded(text)
    return {side for side, pattern in _SIDES.items() if re.search(_words(pattern), plain)}


def language_of(text: str) -> str | None:
    """en, de, fr, es or zh where a text is most likely written in it; None for every other language or none.

    Only for these is there a list of what must not be said, so a sentence in another cannot be held to it.
    """
    letters = [c for c in text if c.isalpha()]
    if not letters:
        return None
    if sum(bool(_HAN.match(c)) for c in letters) > len(letters) / 3:
        return "zh" if all(_HAN.match(c) or c.isascii() for c in letters) else None
    plain = folded(text)
    if re.search(r"[^\W\d_a-z]", plain):
        return None
    words = re.findall(r"[a-z]+", plain)
    hits = {lang: sum(w in common.split() for w in words) for lang, common in _COMMON.items()}
    best = max(hits.values())
    return None if best == 0 else next((lang for lang in ("en", "de", "fr", "es") if hits[lang] == best), None)


def _words(pattern: str) -> str:
    latin = "|".join(p for p in pattern.split("|") if not _HAN.match(p))
    han = "|".join(p for p in pattern.split("|") if _HAN.match(p))
    return rf"\b(?:{latin})\b" + (f"|{han}" if han else "")


@cache
def _structures() -> list[tuple[re.Pattern[str], str]]:
    """Every name with its structure, the longest first, so that "brain stem" is no brain."""
    names = {
        folded(said): c.name
        for c in reversed(STRUCTURES.values())
        for said in (*c.synonyms, c.label)
        if re.search("[a-z]{3}", folded(said))
    }
    return [(re.compile(rf"\b{re.escape(n)}s?\b"), names[n]) for n in sorted(names, key=len, reverse=True)]
