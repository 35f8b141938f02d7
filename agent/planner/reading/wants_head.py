"""What is wanted, in words: the named measures of a head, and what compares two exams."""

from __future__ import annotations

from scanwright.agent.planner.reading.wants_words import EARLIER, SHOW, Cues, shown

_EVANS = r"\bevan'?s'?\b"
_SEPTUM = r"\bsept(?:um|al)\b"
_AWAY = r"(?:displac\w*|push\w*|shift\w*|off|away|deviat\w*|distance|far|middle|midline|bow\w*|bulg\w*)"
_MIDLINE = (
    r"\bmid-?line\b.*\b(?:shift\w*|deviat\w*|displac\w*|push\w*|off)\b",
    r"\b(?:shift\w*|deviat\w*|displac\w*|push\w*)\b.*\bmid-?line\b",
    rf"{_SEPTUM}.*\b{_AWAY}\b",
    rf"\b{_AWAY}\b.*{_SEPTUM}",
)
_KOTHARI = r"\bkothari\b"
_SHARE = r"(?:shares?|fractions?|proportions?|percent(?:age)?|per cent|how much)"
_OUTLINE = r"(?:mask|outline|contour|segmentation|lesion|region|drawing|annotation)"
_OLD = r"(?:earlier|old|older|previous|prior|first|baseline|last (?:\w+'s|exam's|scan's)|(?:march|last year|yesterday)'?s?)"
_EXAMS = r"(?:exams?|examinations?|scans?|stud(?:y|ies)|time ?points?|images?|mris?|cts?|visits?)"
_CARRY = r"(?:carry|carried|transfer\w*|propagat\w+|map|mapped|project\w*|warp\w*|move|bring|copy|put)"

HEAD: Cues = (
    ("evans_picture", shown(_EVANS)),
    ("evans_index", (_EVANS, r"\bfrontal horns?\b.*\bskull\b")),
    ("midline_picture", (*(p for each in _MIDLINE for p in shown(each)), rf"\b{SHOW}\b.*\bmid-?line measurement")),
    ("midline_shift", _MIDLINE),
    ("brain_parenchymal_fraction", (
        r"\bparenchymal fraction\b", r"\bbpf\b",
        rf"\b{_SHARE}\b.*\b(?:inside|within|intracranial|in)\b.*\b(?:brain(?:'s)?|skull|intracranial)\b.*\bparenchyma\b",
    )),
    ("abc2_picture", (
        *shown(_KOTHARI),
        rf"\b{SHOW}\b.*\bdiameters of the (?:ha?ematoma|bleed|ha?emorrhage)\b",
        rf"\b{SHOW}\b.*\b(?:ha?ematoma|bleed|ha?emorrhage)\b.*\bdiameters\b",
    )),
    ("abc2_difference", (
        rf"{_KOTHARI}.*\b(?:differ\w*|less than|off|from the (?:true|counted|measured)|against|compared|deviat\w*)\b",
        rf"\b(?:differ\w*|far)\b.*{_KOTHARI}",
    )),
    ("abc2_volume", (_KOTHARI,)),
)  # fmt: skip

EXAMS: Cues = (
    ("overlap_change", (
        r"\boverlap change\b", r"\b(?:is|are|was|were) (?:new|gone|lost) (?:since|compared)\b",
        rf"\b(?:outside|inside|beyond|within) (?:of )?(?:its|the|that) {_OLD} (?:\w+ )?{_OUTLINE}\b",
        rf"\boverlaps?\b.*\b(?:with that|with the one|{_OLD}|last)\b.*\b{_EXAMS}\b", r"\bnew (?:and|or) resolved\b",
    )),
    ("carried_mask", (
        rf"\b{_CARRY}\b.*\b{_OUTLINE}\b.*\b(?:{_OLD} {_EXAMS}|onto|over to|to (?:this|today|the (?:new|later|current)))\b",
        rf"\b{_CARRY}\b.*\b{_OLD} (?:\w+ )?{_OUTLINE}\b",
        rf"\bwhere was the (?:\w+ )?{_OLD} (?:\w+ )?{_OUTLINE}\b|\bwhere was the {_OUTLINE}\b.*\b{EARLIER}\b",
        rf"\b(?:show|draw|display)\b.*\b{_OLD} {_OUTLINE}\b.*\b(?:on|in) (?:the|this|today's) (?:new|later|current|this)?\b",
    )),
    ("registered_volume", (
        rf"\b(?:co-?)?regist\w+\b.*\b(?:{_EXAMS}|{_OLD})\b",
        rf"\b(?:align\w*|resampl\w+|warp\w*)\b.*\b(?:{_OLD} (?:\w+ )?{_EXAMS}|(?:2|both|the) (?:exams|scans|studies))\b",
        rf"\b(?:bring|put|move|transform)\b.*\b(?:{_OLD} {_EXAMS}|both (?:exams|scans|studies))\b.*\b(?:grid|space|onto|frame)\b",
    )),
    ("exam_rotation", (
        rf"\brotat\w+\b.*\b(?:between|{_OLD}|last)\b", r"\bdegrees\b.*\b(?:turned|tilted|rotated)\b",
        r"\b(?:turned|tilted)\b.*\bcompared (?:with|to)\b",
    )),
    ("exam_displacement", (
        rf"\bhow (?:far|much) (?:did|has|was) the (?:head|patient|body|brain)\b.*\bmove\w*\b.*\b(?:between|since|{_OLD}|last)\b",
        rf"\bdisplacement\b.*\b(?:between|{_OLD})\b.*\b{_EXAMS}\b",
        rf"\bposition(?:s|ed|ing)?\b.*\b(?:last time|{_OLD} {_EXAMS}|(?:2|both) {_EXAMS}|than before)\b",
    )),
)  # fmt: skip
