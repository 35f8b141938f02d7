"""Commands: what speaks of the conversation itself ("why?", "how sure are you?", "undo that"), read by rules."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Command = Literal["why", "how_sure", "undo", "redo", "fork"]

_IT = r"(?:that|this|it|them|those|these)"
_ANSWER = r"(?:(?:last |first |second |previous )?(?:number|value|result|figure|measurement|estimate|answer|outline|volume|reading|one)s?)"
_THAT = rf"(?:{_IT}(?: {_ANSWER})?|(?:the|your|its) (?:\w+ ){{0,2}}?{_ANSWER})"
_POLITE = re.compile(
    r"^(?:(?:ok(?:ay)?|oh|hm+|and|but|so|well|wait|no|actually|please|sorry|now|right|just|then|can you|could you|would you|"
    r"can we|let'?s|let us|i want to|i would like to|i'?d like to|tell me|do you know)\b[\s,.!:…-]*)+"
)
_ENDS = re.compile(
    r"[\s,.!?;:…]*(?:\b(?:please|then|again|now|for me|actually|thanks|thank you|anyway|though)\b[\s,.!?]*)*$"
)

_UNDO = re.compile(
    rf"undo(?: (?:{_IT}|the last|my last|the previous)(?: \w+)?)?|(?:take|roll|step|go|move|turn) (?:{_IT} )?back(?: (?:one|a|1)(?: step| question| turn)?)?"
    rf"|back(?: one(?: step)?)?|go back to (?:how it was|(?:the|what) (?:\w+ )?(?:before|one before|previous (?:one|question|state|step|answer)|last question|was before))"
    rf"|(?:scratch|revert|cancel|drop|discard|forget|withdraw|ignore|strike|remove) (?:{_IT}|(?:the|my) (?:last|previous) (?:\w+))(?: (?:one|last|question|step|change))?"
    r"|never ?mind(?: that)?(?:, go back)?|that was (?:wrong|a mistake)(?:,? (?:go|take it|take that) back)?|as (?:it was )?before|the previous (?:state|step)"
)
_REDO = re.compile(
    rf"redo(?: (?:{_IT}|the last|what i undid)(?: (?:step|change|one))?)?|(?:bring|put|get) (?:{_IT} )?back(?: (?:{_IT}|the last one))?|restore {_IT}|undo the undo"
    rf"|(?:go |step |one step )?forward(?: again)?|reinstate {_IT}|(?:do|have) {_IT} after all|(?:i )?changed my mind,? (?:bring|put) {_IT} back|un-?undo(?: {_IT})?"
)
_FORK = re.compile(
    r"(?:go back|return|fork|branch|continue|go on|start again)(?: off)? (?:to|from|at) (?:the )?(?:turn|question|step|answer) (?:no\.? ?|number )?(?P<to>\d+)"
)

_SURE = r"(?:sure|certain|confident|reliable|accurate|precise|exact|trustworthy|uncertain|good|robust|dependable|solid|safe|correct|right)"
_HOW_SURE = (
    rf"how (?:\w+ly )?{_SURE} (?:(?:are|can|is|was|were|may) )?(?:(?:you|we|i|one)(?: be)?|{_THAT})?(?: (?:here|there|now))?(?: (?:of|about|in|on|with|for) (?:.+))?",
    rf"how {_SURE} (?:is|are|was) (?:(?:the|that|this|its|your|those|these) .+)",
    rf"(?:are|is) (?:you|we|{_THAT}|the (?:[\w ]+?)) (?:really |quite |absolutely |very )?(?:sure|certain|confident|reliable|accurate|precise|exact|trustworthy|a (?:reliable|safe|solid) \w+)(?: (?:of|about|in) (?:.+))?",
    r"(?:can|could|should|may) (?:i|we|one) (?:\w+ )?(?:trust|rely on|believe|depend on) (?:.+)",
    r"(?:what(?:'s| is| are)|how (?:large|big|wide|high) (?:is|are)|give(?: me)?|state) (?:the |your |its )?(?:\w+ )?(?:uncertaint(?:y|ies)|error(?:s| bars?| margin)?|margin of error|confidence(?: interval| range)?|precision|accuracy|range)(?: (?:of|on|in|for|about) (?:.+)|(?: here| there))?",
    rf"how (?:far|much) (?:off |wrong )?(?:could|can|might|may|would) (?:it|that|this|they|{_THAT}|the (?:[\w ]+?)) (?:be )?(?:off|wrong|out|vary|differ)(?: by)?",
    r"(?:give or take|plus or minus|with what (?:certainty|confidence|error)|what confidence|how much confidence)(?: .*)?|uncertainty|error bars?|margin of error|how (?:big|large) is the error",
    r"(?:and )?(?:your |the )?(?:confidence|certainty)",
)
_WHY = (
    r"why(?: (?:(?:is|was|were|are|did|do|does|not|that|this|it|so|only|can'?t|couldn'?t|didn'?t|won'?t|isn'?t|the|those|these|no|those|at|by|from|on|such)\b.*))?",
    r"how come(?: (?:.+))?",
    r"(?:and )?how (?:exactly )?(?:did|do|have|can|could) (?:you|we) (?:\w+ly )?(?:measure|get|got|compute|calculate|find|arrive at|come to|come up with|know|determine|obtain|work out|do|derive|reach|make|tell|segment|outline|estimate|produce)\w*(?: (?:to|at|by))?(?: (?:.+))?",
    r"how (?:is|was|were|are|has|have) (?:(?:that|this|it|they|these|those|the [\w ]+?|its)(?: [\w ]+?)?) (?:been )?(?:measured|computed|calculated|found|determined|obtained|derived|made|done|worked out|arrived at|segmented|outlined|estimated|produced|got)",
    r"where (?:does|did|do) (?:.+?) come from",
    r"what (?:is|was|are) (?:.+?) (?:based on|derived from|made from|computed from)|what (?:did|do) you base (?:.+?) on",
    r"(?:which|what) (?:\w+ )?(?:tools?|methods?|models?|algorithms?|networks?|steps?|software|technique|procedure|threshold)s? (?:did you (?:use|take|run|choose|apply|do)|was (?:it|that|used)|were used|have you used|is (?:it|that|used)|(?:did|does) (?:that|it|this)(?: use)?|gave|made|produced|outlined|measured)(?: .*)?",
    r"explain(?: (?:that|this|it|yourself|them|those|these|why|how you|what you|your|the (?:\w+ )?(?:answer|number|result|value|figure|method|measurement|refusal|reason|steps|outline)s?)\b.*)?|justify (?:.+)|on what (?:basis|grounds)(?: .*)?|(?:what|says who)'?s? (?:is )?(?:the|your) (?:reason(?:ing)?|evidence|source|basis|provenance|method|rationale)(?: (?:for|of|behind) .+)?|how so|says who|what makes you (?:say|think) (?:that|so|this)|how do you know(?: (?:that|this))?",
    r"(?:show|give|list|tell)(?: me)? (?:me )?(?:your |the |its )?(?:work(?:ing)?s?|steps|provenance|evidence|reason(?:s|ing)?|method|derivation)(?: (?:for|of|behind) .+)?|walk me through (?:.+)|what (?:steps|tools) .*",
)
_COMPILED = tuple(
    (name, re.compile(pattern)) for name, patterns in (("how_sure", _HOW_SURE), ("why", _WHY)) for pattern in patterns
)
# "Why does she have headaches" is about the patient, and "explain his symptoms" too.
_OF_THE_PATIENT = re.compile(
    r"\b(?:he|she|him|her|his|hers|patient'?s?|mother|father|wife|husband|son|daughter|child|i feel|my (?!question|last|mask|region|outline|plan)\w+|"
    r"symptoms?|headaches?|pain|sick|ill|dizzy)\b"
)
# These judge; the plain refusal answers them better than provenance does.
_JUDGES = re.compile(
    r"\b(?:normal|abnormal|healthy|dangerous|bad|worrying|cancer\w*|malignan\w*|benign|treat\w*|surgery|operat\w*)\b"
)


@dataclass(frozen=True)
class Said:
    """A command; about is its text, which may name a part of the last answer, turn the one to go back to."""

    command: Command
    about: str = ""
    turn: int | None = None


def command_of(question: str) -> Said | None:
    """The command that a question is, or None where it asks about the study."""
    text = re.sub(r"\s+", " ", question.lower().replace("’", "'")).strip()
    text = _ENDS.sub("", _POLITE.sub("", text))
    if not text:
        return None
    if (fork := _FORK.fullmatch(text)) is not None:
        return Said("fork", turn=int(fork["to"]))
    # "Bring that back" is a redo, "go back" an undo.
    if _REDO.fullmatch(text):
        return Said("redo")
    if _UNDO.fullmatch(text):
        return Said("undo")
    if _OF_THE_PATIENT.search(text) or _JUDGES.search(text):
        return None
    for name, pattern in _COMPILED:
        if pattern.fullmatch(text):
            return Said("how_sure" if name == "how_sure" else "why", text)
    return None
