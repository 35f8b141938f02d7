"""What this system does not do, and how it says so: kindly, with what it can do instead."""

from __future__ import annotations

import re

from scanwright.agent.planner.base import DeclinedCode

SENTENCES: dict[DeclinedCode, str] = {
    "diagnosis": "Scanwright measures and shows; it does not diagnose. A radiologist or the treating doctor can judge this.",
    "treatment": "Scanwright does not advise on treatment. Please ask the treating doctor.",
    "off_topic": "This is not about the scan, so Scanwright cannot help with it.",
    "not_assessed": "Not assessed: no tool here looks for this, so its presence or absence cannot be said.",
    "no_tool": "No tool here gives this; `scanwright tools` lists what can be measured.",
    "normative": "Whether a value is normal cannot be said: no reference values are bundled, only the measurement itself.",
}
_FINDING = (
    r"fractures?|fractured|broken|breaks?|cracks?|ha?emorrhages?|bleed(?:s|ing)?|blood|ha?ematomas?|tumou?rs?|cancer(?:ous)?|metastas[ie]s|"
    r"metastatic|nodules?|infarcts?|infarctions?|strokes?|isch[ae]+mi[ac]|aneurysms?|lesions?|mass(?:es)?|clots?|thrombosis|"
    r"thrombus|embol\w+|effusions?|abscess(?:es)?|o?edema|hydrocephalus|midline shift|herniation|calcifications?|sinusitis|"
    r"plaques?|malformations?|cysts?|atrophy|atrophied|atrophic|contusions?|glioma|meningioma|abnormalit(?:y|ies)|abnormal|"
    r"pathology|pathologies|pathological|anything wrong|foreign bod(?:y|ies)|ms lesions?|demyelination|swelling|infection|"
    r"inflammation|mucosal thickening|osteolys\w+|lytic|white matter disease|injur(?:y|ies)|damage|"
    r"pneumonia|pneumothorax|stenosis|dissection|polyps?|growths?|leaks?|air[- ]fluid level|suspicious|hyperdense vessel"
)
_ASKS_PRESENCE = re.compile(
    rf"\b(?:is|are|was|were|any|does|do|did|can you|could you|see|show|evidence|signs?|detect|find|spot|look for|rule out|"
    rf"exclude|check|screen|identify|presence|contain|has|have|there|search|suggest\w*|visible|present|free of|without|no|"
    rf"confirm|how many|locate|where|what about|acute|point out)\b.*\b(?:{_FINDING})\b|^\W*(?:any )?(?:acute |new )?(?:{_FINDING})\b\W*$"
)
_NORMATIVE = re.compile(
    r"\b(?:ab)?normal(?:ly|ity)?\b|\bwithin (?:the )?(?:normal|expected|reference|usual)\b|\btoo (?:large|small|big|high|low|dense|thin|thick)\b|"
    r"\bfor (?:his|her|their|the patient'?s|this) age\b|\b(?:reference|normative|expected|healthy|typical|usual) (?:range|value|values|size|population|people|subjects|adult|adults|controls?)\b|"
    r"\b(?:larger|smaller|bigger|higher|lower|more|less|thicker|thinner) than (?:normal|average|expected|usual|it should|most|typical|in healthy)\b|\benlarged\b|"
    r"\bpercentile (?:for|of) (?:age|the population|his|her|their)\b|\bz[- ]score\b|\bwhat (?:is|would be) (?:a )?(?:healthy|normal)\b|\bunusual(?:ly)?\b|\bhealthy\b|\btypical (?:for|of|in)\b|\b(?:is|are) .*\btypical\b|"
    r"\bcompared? (?:to|with) (?:normal|healthy|others?|other people|controls|the population|age[- ]matched|peers)\b|\bas (?:expected|it should be)\b|\bage[- ]matched\b|\bshould (?:it|that|this|the \w+) be\b|\bworr(?:y|ied|ying)\b|\bconcerning\b"
)
_DIAGNOSIS = re.compile(
    r"\bdiagnos\w+|\bwhat(?:'s| is)(?: the matter| wrong)\b|\bwhat (?:disease|condition|illness|syndrome|disorder)\b|\b(?:does|do|did|could|might|may|is|has) (?:he|she|they|it|this|the patient|my \w+|this patient|i|we)\b[^.?]{0,40}\b(?:have|has|suffer\w*|got|be|sick|ill|develop)\b[^.?]*\b(?:alzheimer\w*|dementia|parkinson\w*|ms|multiple sclerosis|epilepsy|disease|disorder|syndrome|concussion|condition|cancer|tumou?r|stroke|schizophrenia|depression|autism|covid\w*|osteoporosis|sinusitis|als|huntington\w*|encephal\w+|meningitis|migraines?|sick|ill)\b|"
    r"\b(?:alzheimer\w*|parkinson\w*|dementia|multiple sclerosis|epilepsy|schizophrenia|autism|osteoporosis|huntington\w*|meningitis|cognitive decline)\b|"
    r"\bprognos\w+|\bsurviv\w+|\bbenign\b|\bmalignan\w+|\blife expectancy\b|\bhow long (?:does|do|will|has|have) .*\blive\b|\bcause of (?:his|her|the|their)\b|\bexplain (?:his|her|the|their|my) (?:symptom|headache|seizure)\w*|\bwhy (?:does|do|is|are) .*\b(?:headache|pain|dizz\w+|seizure|symptom)\w*|\bimpression\b|\bgrade (?:of )?(?:the |this )?(?:tumou?r|glioma)|\bis (?:he|she|this patient|the patient) (?:ill|sick|ok|okay|healthy|going to)\b"
)
_TREATMENT = re.compile(
    r"\btreat(?:ment|ed|ing|s)?\b|\bsurg\w+|\boperat(?:e|ion|ed|ing)\b|\bmedication\b|\bmedicines?\b|\bdrugs?\b|\bdos(?:e|age|ing)\b|\bprescri\w+|\btherap\w+|"
    r"\bshould (?:he|she|we|i|they|the patient|this patient)\b|\bradiotherapy\b|\bchemo\w*|\bsteroids?\b|\bmanagement\b|\bmanage (?:this|the)\b|\brecommend\w*|\bbiops\w+|\baspirin\b|\banticoag\w+|\bfollow[- ]up (?:interval|imaging|scan)\b|\bnext step\b|\bneed (?:an? )?(?:operation|surgery|biopsy|antibiotics|shunt)\b|\bantibiotics?\b|\bshunt\b|\bdischarge\w*\b|\bsafe to\b|\btake .* (?:mg|pills?)\b"
)


def declined(text: str) -> DeclinedCode | None:
    """Why a part of a question (lower case) is not for this system, or None where nothing says so."""
    if _TREATMENT.search(text):
        return "treatment"
    if _DIAGNOSIS.search(text):
        return "diagnosis"
    if _NORMATIVE.search(text):
        return "normative"
    if _ASKS_PRESENCE.search(text):
        return "not_assessed"
    return None
