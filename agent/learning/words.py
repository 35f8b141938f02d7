"""What structures and units are called in training questions, in five languages."""

from __future__ import annotations

from dataclasses import dataclass

LANGUAGES = ("en", "de", "fr", "es", "zh")
# structure: (German, its gender), (French), (Spanish), Chinese
_FOREIGN: dict[str, tuple[tuple[str, str], tuple[str, str], tuple[str, str], str]] = {
    "brain": (("Gehirn", "n"), ("cerveau", "m"), ("cerebro", "m"), "大脑"),
    "skull": (("Schädel", "m"), ("crâne", "m"), ("cráneo", "m"), "颅骨"),
    "head": (("Kopf", "m"), ("tête", "f"), ("cabeza", "f"), "头部"),
    "bone": (("Knochen", "m"), ("os", "m"), ("hueso", "m"), "骨骼"),
    "hippocampus": (("Hippocampus", "m"), ("hippocampe", "m"), ("hipocampo", "m"), "海马"),
    "thalamus": (("Thalamus", "m"), ("thalamus", "m"), ("tálamo", "m"), "丘脑"),
    "cerebellum": (("Kleinhirn", "n"), ("cervelet", "m"), ("cerebelo", "m"), "小脑"),
    "lateral_ventricle": (("Seitenventrikel", "m"), ("ventricule latéral", "m"), ("ventrículo lateral", "m"), "侧脑室"),
    "liver": (("Leber", "f"), ("foie", "m"), ("hígado", "m"), "肝脏"),
    "spleen": (("Milz", "f"), ("rate", "f"), ("bazo", "m"), "脾脏"),
    "kidney": (("Niere", "f"), ("rein", "m"), ("riñón", "m"), "肾脏"),
    "lung": (("Lunge", "f"), ("poumon", "m"), ("pulmón", "m"), "肺"),
    "heart": (("Herz", "n"), ("cœur", "m"), ("corazón", "m"), "心脏"),
    "pancreas": (("Bauchspeicheldrüse", "f"), ("pancréas", "m"), ("páncreas", "m"), "胰腺"),
    "aorta": (("Aorta", "f"), ("aorte", "f"), ("aorta", "f"), "主动脉"),
    "stomach": (("Magen", "m"), ("estomac", "m"), ("estómago", "m"), "胃"),
    "bladder": (("Harnblase", "f"), ("vessie", "f"), ("vejiga", "f"), "膀胱"),
    "prostate": (("Prostata", "f"), ("prostate", "f"), ("próstata", "f"), "前列腺"),
    "given_region": (("Läsion", "f"), ("lésion", "f"), ("lesión", "f"), "病灶"),
}
FOREIGN = tuple(_FOREIGN)
_DE = {"m": ("der", "des", "er"), "f": ("die", "der", "e"), "n": ("das", "des", "es")}
_LEFT_RIGHT_DE = {"left": "link", "right": "recht"}
_LEFT_RIGHT = {
    "fr": {"left": ("gauche", "gauche"), "right": ("droit", "droite")},
    "es": {"left": ("izquierdo", "izquierda"), "right": ("derecho", "derecha")},
}
_LEFT_RIGHT_ZH = {"left": "左", "right": "右"}
# UCUM unit: how a question names it, by language
UNITS: dict[str, dict[str, tuple[str, ...]]] = {
    "mL": {"en": ("mL", "ml", "millilitres", "milliliters"), "de": ("ml", "Millilitern"), "fr": ("ml", "millilitres"), "es": ("ml", "mililitros"), "zh": ("毫升",)},
    "L": {"en": ("litres", "liters", "L"), "de": ("Litern",), "fr": ("litres",), "es": ("litros",), "zh": ()},
    "cm3": {"en": ("cm3", "cc", "cubic centimetres", "ccm"), "de": ("cm³", "Kubikzentimetern"), "fr": ("cm³",), "es": ("cm³",), "zh": ("立方厘米",)},
    "mm3": {"en": ("mm3", "mm³", "cubic millimetres"), "de": ("mm³",), "fr": ("mm³",), "es": ("mm³",), "zh": ("立方毫米",)},
    "cm2": {"en": ("cm2", "cm²", "square centimetres"), "de": ("cm²", "Quadratzentimetern"), "fr": ("cm²",), "es": ("cm²",), "zh": ()},
    "mm2": {"en": ("mm2", "mm²", "square millimetres"), "de": ("mm²",), "fr": ("mm²",), "es": ("mm²",), "zh": ()},
    "mm": {"en": ("mm", "millimetres"), "de": ("mm", "Millimetern"), "fr": ("mm", "millimètres"), "es": ("mm", "milímetros"), "zh": ("毫米",)},
    "cm": {"en": ("cm", "centimetres", "centimeters"), "de": ("cm", "Zentimetern"), "fr": ("cm", "centimètres"), "es": ("cm", "centímetros"), "zh": ("厘米",)},
    "%": {"en": ("%", "percent", "per cent"), "de": ("Prozent", "%"), "fr": ("pour cent", "%"), "es": ("por ciento", "%"), "zh": ()},
}  # fmt: skip


@dataclass(frozen=True)
class Named:
    """A structure in a sentence: the = with its article, of = after "of" or in the genitive, bare = without either."""

    the: str
    of: str
    bare: str


def english(synonym: str, side: str = "whole") -> Named:
    """ "the left kidney"; side "each" is said by the template."""
    bare = synonym if side in ("whole", "each") else f"{side} {synonym}"
    return Named(f"the {bare}", f"of the {bare}", bare)


def foreign(structure: str, language: str, side: str = "whole") -> Named:
    """The structure in German, French, Spanish or Chinese. Raises KeyError where the table lacks it."""
    german, french, spanish, chinese = _FOREIGN[structure]
    sided = side in ("left", "right")
    if language == "zh":
        bare = f"{_LEFT_RIGHT_ZH[side] if sided else ''}{chinese}"
        return Named(bare, bare, bare)
    if language == "de":
        return _german(*german, _LEFT_RIGHT_DE[side] if sided else None)
    noun, gender = french if language == "fr" else spanish
    bare = f"{noun} {_LEFT_RIGHT[language][side][gender == 'f']}" if sided else noun
    if language == "es":
        return Named(f"el {bare}", f"del {bare}", bare) if gender == "m" else Named(f"la {bare}", f"de la {bare}", bare)
    if (noun[0] in "aeiouéhœ" and noun != "hippocampe") or noun == "hippocampe":
        return Named(f"l'{bare}", f"de l'{bare}", bare)
    return Named(f"le {bare}", f"du {bare}", bare) if gender == "m" else Named(f"la {bare}", f"de la {bare}", bare)


def _german(noun: str, gender: str, side: str | None) -> Named:
    article, genitive, ending = _DE[gender]
    strong = (
        noun
        if gender == "f"
        else {"Herz": "Herzens", "Knochen": "Knochens"}.get(noun, noun if noun.endswith("us") else f"{noun}s")
    )
    if side is None:
        return Named(f"{article} {noun}", f"{genitive} {strong}", noun)
    return Named(f"{article} {side}e {noun}", f"{genitive} {side}en {strong}", f"{side}{ending} {noun}")
