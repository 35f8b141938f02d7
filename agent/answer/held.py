"""What a model's sentence is held to, beyond what holds for every draft: it says of a thing only what was measured.

One sentence speaks of one thing; it names the structure, quantity and side of what it cites and no other; units and
digits are the renderer's; a finding is what a tool reported; a denial needs a detector that looked.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping

from scanwright.agent.answer.findings import findings_in, folded, judgements_in, negates
from scanwright.agent.answer.names import language_of, quantities_in, sides_in, structures_in
from scanwright.agent.answer.render import SLOT
from scanwright.agent.answer.result import EvidenceItem
from scanwright.agent.answer.verify import MARK, NAMES_WITH_DIGITS, problems, shows_absence
from scanwright.agent.plan.second_method import OVERLAP, VALUE
from scanwright.tools.contract.goal import Goal
from scanwright.tools.vocabulary.quantities import QUANTITIES
from scanwright.tools.vocabulary.structures import STRUCTURES

LONGEST = 400
SENTENCES = "sentences of their own"
# What sets several values of one quantity beside each other.
_OF_METHODS = {VALUE, OVERLAP}
_SHOWN = ("Figure", "File", "Mask", "Embedding")
_NUMBER_WORDS = re.compile(
    r"\b(?:zwei|drei|vier|funf|sechs|sieben|acht|neun|zehn|elf|zwolf|halb\w*|halfte|doppelt\w*|dreifach\w*|"
    r"\w*(?:zwanzig|dreissig|vierzig|funfzig|sechzig|siebzig|achtzig|neunzig|hundert|tausend|million)\w*|"
    r"deux|trois|quatre|cinq|six|sept|huit|neuf|dix|onze|douze|treize|quinze|vingt|trente|quarante|cinquante|soixante|cent|cents|"
    r"mille|moitie|dos|tres|cuatro|cinco|seis|siete|ocho|nueve|diez|doce|quince|veinte|treinta|cuarenta|cincuenta|cien|ciento|mil|"
    r"mitad|dozens?|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|thirteen|fifteen|quarter|third|triple|zero|null|cero)\b"
)
_HAN_NUMBERS = re.compile(r"[二三四五六七八九十百千万亿两零〇]")
_UNITS = re.compile(
    r"\b(?:m[lL]|cm|mm|kg|HU|hounsfield|millilit(?:er|re)s?|centimet(?:er|re)s?|millimet(?:er|re)s?|lit(?:er|re)s?|litros?|"
    r"mililitros?|milimetros?|centimetros?|percent|prozent|pourcent|por ciento|cubic|kubik\w*)\b|[%‰°²³µ]|"
    r"毫升|毫米|厘米|百分之",
    re.IGNORECASE,
)
_LINK = re.compile(r"https?:|www\.|//|@|\b[\w-]{2,}\.[a-z]{2,}\b|\b(?:javascript|data|file|ftp):", re.IGNORECASE)
_MARKUP = re.compile(r"[<>`*#|\\^~=$]|\]\(|__|!\[|&\w+;")
_ORDERS = re.compile(
    r"\b(?:click|visit|download|upload|send|email|mail|run|execute|install|export|delete|ignore|prompt|password|api|"
    r"klick\w*|besuche\w*|sende\w*|losche\w*|cliquez|visitez|envoyez|supprimez|haga|visite|envie|borre)\b",
    re.IGNORECASE,
)


def complaints(
    sentence: str, evidence: Mapping[str, EvidenceItem], reasons: Mapping[str, str], goals: Mapping[str, Goal]
) -> list[str]:
    """What is wrong with a sentence that a model wrote; empty where it may stand.

    goals is the goal of each evidence id. The words are for the model, and hold none of a file's or a tool's.
    """
    if form := _form(sentence):
        return form
    bare = MARK.sub(" ", SLOT.sub(" ", sentence))
    slots = [(m["id"], m["part"] or "value") for m in SLOT.finditer(sentence)]
    marks = {m[1:-1] for m in MARK.findall(sentence)}
    found = problems(sentence, evidence, reasons)
    if "{" in bare or "}" in bare or "[" in bare or "]" in bare:
        found.append("only the slots and citations that were offered may stand in braces or brackets")
    if found:
        return found
    used = {i for i, _ in slots if i.startswith("E")}
    if not slots and not any(evidence[m].kind in _SHOWN for m in marks):
        found.append("a sentence holds a slot of the evidence that it speaks of")
    if used - marks:
        found.append("every evidence whose slot is used is cited as [E…] in the same sentence")
    if any(i.startswith("R") for i, _ in slots):
        if bare.strip(" .;:-"):
            found.append("a slot {R…} is a sentence of its own, and nothing stands beside it")
        return found
    cited = [evidence[i] for i in sorted(used | marks)]
    return found + _meaning(sentence, bare, cited, [goals[i.id] for i in cited if i.id in goals])


def _form(sentence: str) -> list[str]:
    """What no answer may hold, whatever it means: too much, links, markup, control characters, another alphabet."""
    if len(sentence) > LONGEST:
        return ["it is too long"]
    # Cf holds what turns text round or hides in it; Co, Cs and Cn are no characters at all.
    if any(unicodedata.category(c) in ("Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp") for c in sentence):
        return ["it holds characters that cannot be shown"]
    text = MARK.sub(" ", SLOT.sub(" ", sentence))
    if _LINK.search(text):
        return ["it holds a link or an address"]
    if _MARKUP.search(text):
        return ["it holds markup: write plain words"]
    if any(_digit(c) for c in NAMES_WITH_DIGITS.sub("", _without_names(text))):
        return ["it holds a digit outside a slot"]
    return []


def _digit(char: str) -> bool:
    return unicodedata.category(char) in ("Nd", "Nl", "No")


def _without_names(text: str) -> str:
    for name in (c.label for c in (*QUANTITIES.values(), *STRUCTURES.values()) if re.search(r"\d", c.label)):
        text = re.sub(re.escape(name), " ", text, flags=re.IGNORECASE)
    return text


def _meaning(sentence: str, bare: str, cited: list[EvidenceItem], goals: list[Goal]) -> list[str]:
    found: list[str] = []
    things = {(i.structure, i.side) for i in cited}
    if len(things) > 1 or len({i.quantity for i in cited if i.quantity} - _OF_METHODS) > 1:
        found.append(f"different structures, sides or quantities are told in {SENTENCES}")
    about = _labels(cited, goals)
    if language_of(bare) is None:
        found.append("it is written in English, German, French, Spanish or Chinese, in whole sentences")
    if _NUMBER_WORDS.search(folded(bare)) or _HAN_NUMBERS.search(bare.replace("百分比", "")):
        found.append("numbers, also in words, come only from slots")
    if _UNITS.search(_without_names(bare)):
        found.append("the unit comes with the slot: leave it out")
    if _ORDERS.search(folded(bare)):
        found.append("it tells what was measured, and asks nobody to do anything")
    if extra := structures_in(bare) - structures_in(about) - {s for g in goals for s in (g.of, g.region) if s}:
        found.append(f"it names {', '.join(sorted(extra))}, which the evidence is not about")
    if extra := quantities_in(bare) - quantities_in(about):
        found.append(f"it names {', '.join(sorted(extra))}, which was not measured there")
    sides = {i.side for i in cited if i.side in ("left", "right")} | {
        g.side for g in goals if g.side in ("left", "right")
    }
    if "asymmetry" not in about and (wrong := sides_in(bare) ^ sides):
        found.append(f"left and right are said as the evidence has them ({', '.join(sorted(wrong))} is not)")
    found += _claims(sentence, bare, about, cited)
    return found


def _claims(sentence: str, bare: str, about: str, cited: list[EvidenceItem]) -> list[str]:
    found: list[str] = []
    named = findings_in(bare)
    if beyond := named - findings_in(about):
        found.append(f"no tool reported {', '.join(sorted(beyond))}: leave it out")
    elif named and negates(bare) and not shows_absence(sentence, {i.id: i for i in cited}):
        found.append(f"nothing shows that there is no {', '.join(sorted(named))}: it was not assessed")
    if judged := judgements_in(bare) - judgements_in(about):
        found.append(f"it holds {', '.join(sorted(judged))}: say what was measured and no more")
    calibrated = any(i.uncertainty is not None and i.uncertainty.kind == "interval" for i in cited)
    if not calibrated and re.search(
        r"confidence|interval|konfidenz|intervall|confiance|confianza|置信", bare, re.IGNORECASE
    ):
        found.append("a range is no confidence interval")
    return found


def _labels(cited: list[EvidenceItem], goals: list[Goal]) -> str:
    """What the cited evidence is about, in the words of the vocabulary."""
    structures = [s for i in cited for s in (i.structure,)] + [s for g in goals for s in (g.of, g.region)]
    quantities = [i.quantity for i in cited] + [g.want for g in goals]
    kinds = {"Mask": "mask", "Figure": "picture", "File": "file"}
    said = [STRUCTURES[s].label for s in structures if s in STRUCTURES]
    said += [QUANTITIES[q].label for q in quantities if q in QUANTITIES]
    return "; ".join(dict.fromkeys([*said, *(kinds[i.kind] for i in cited if i.kind in kinds)]))
