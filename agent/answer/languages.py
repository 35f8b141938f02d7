"""Languages: how numbers, bounds and ranges are written in the languages in which answers are worded."""

from __future__ import annotations

from dataclasses import dataclass

# A space that keeps thousands together: a comma or a point there means the opposite from one language to the next.
_THIN = "\u202f"


@dataclass(frozen=True)
class Language:
    """The signs and words that the renderer puts round numbers."""

    point: str
    thousands: str
    at_least: str
    at_most: str
    not_found: str
    not_stated: str
    and_more: str
    to: str
    range: str
    interval: str

    def number(self, english: str) -> str:
        """A number as it was written in English ("1,956.5") in this language."""
        if (self.point, self.thousands) == (".", ","):
            return english
        return english.replace(",", "\0").replace(".", self.point).replace("\0", self.thousands)


ENGLISH = Language(
    ".", ",", "at least", "at most", "not found", "not stated in the file", "and {n} more", "to", "range", "interval"
)
LANGUAGES = {
    "en": ENGLISH,
    "de": Language(
        ",", _THIN, "mindestens", "höchstens", "nicht gefunden", "in der Datei nicht angegeben", "und {n} weitere",
        "bis", "Spanne", "Intervall",
    ),
    "fr": Language(
        ",", _THIN, "au moins", "au plus", "non trouvé", "non indiqué dans le fichier", "et {n} autres", "à",
        "étendue", "intervalle",
    ),
    "es": Language(
        ",", _THIN, "al menos", "como máximo", "no encontrado", "no consta en el archivo", "y {n} más", "a",
        "rango", "intervalo",
    ),
    "zh": Language(
        ".", ",", "至少", "至多", "未找到", "文件中未注明", "以及另外 {n} 个", "至", "范围", "区间"
    ),
}  # fmt: skip
