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
_WHO = r"(?:he|she|we|i|they|you|one|it|the patient|this patient|my (?:\w+)|him|her|patient|someone|this (?:man|woman|child|person|boy|girl))"
_OUGHT = r"(?:should|ought|must|shall|may|might|can|could|would|need|needs|do|does|is|are)"

_FINDING = (
    r"fractur\w+|broken|breaks?|broke|crack\w*|ha?emorrhag\w+|bleed(?:s|ing)?|bled|blood|ha?ematomas?|tumou?rs?|cancer(?:ous)?|carcinoma|metastas[ie]s|"
    r"metastatic|nodules?|infarct\w*|strokes?|isch[ae]+mi\w+|aneurysms?|lesions?|mass(?:es)?|clots?|thromb\w+|"
    r"embol\w+|effusions?|abscess(?:es)?|o?edema|hydrocephalus|herniat\w+|calcifi\w+|sinusitis|"
    r"plaques?|malformations?|cysts?|cystic|atrophy|atrophied|atrophic|contusions?|gliomas?|glioblastoma|meningiomas?|adenoma|lymphoma|schwannoma|abnormal\w*|anomal\w+|"
    r"patholog\w+|foreign bod(?:y|ies)|demyelinat\w+|swelling|swollen|infect\w+|"
    r"inflam\w+|thickening|osteolys\w+|lytic|white matter disease|microbleeds?|hyperintensit\w+|hypodens\w+|injur\w+|damag\w+|"
    r"pneumonia|pneumothorax|pneumocephalus|stenos\w+|occlu\w+|dissection|polyps?|growths?|leaks?|air[- ]fluid level|suspicious|hyperdense vessel|microaneurysms?|exudates?|drusen|retinopath\w+|cotton[- ]wool spots?|glaucoma|mitos[ie]s|necrosis|invasion|shunt|implants?|gliosis|scar\w*|"
    r"(?:any|some)thing (?:is |be |look\w* |seem\w* )?(?:wrong|unusual|odd|strange|off|worrying|conspicuous|remarkable|suspicious|bad|noteworthy|to worry|out of the ordinary|amiss|relevant)|intact|"
    r"(?:every|any)thing (?:\w+ )?(?:ok|okay|fine|alright|all right|normal|in order|clear|clean|as it should)"
)
_PRESENCE = (
    r"is|are|was|were|any|anywhere|does|do|did|can|could|may|might|see|seen|show|shows|evidence|signs?|detect\w*|find|spot|looks?|rule[ds]?|"
    r"exclude\w*|check\w*|screen\w*|identify|presence|contain\w*|has|have|there|search\w*|suggest\w*|visible|present|free of|without|no|"
    r"confirm\w*|how many|locate|where|what about|acute|point out|recogni[sz]e|notice"
)
_NOT_ASSESSED = re.compile(
    rf"\b(?:{_PRESENCE})\b.*\b(?:{_FINDING})\b|\b(?:{_FINDING})\b.*\b(?:anywhere|present|visible|seen|detected|detectable|yes or no|or not|there)\b|"
    rf"^\W*(?:any |new |acute |query |possible |suspected |with |skull |brain |bone |intracranial |subdural |subarachnoid |epidural )*(?:{_FINDING})\b\W*$"
)
_NORMATIVE = re.compile(
    r"\b(?:is|are) (?:that|it|this|they|those) (?:a lot|many|much|few|high|low|large|small|big)\W*$|\brisk (?:category|categories|class|group)\b|"
    r"\b(?:ab)?normal(?:ly|ity)?\b|\bwithin (?:the )?(?:normal|expected|reference|usual)\b|\btoo (?:large|small|big|high|low|dense|thin|thick|little|much|few|many|bright|dark)\b|"
    r"\b(?:for|at|of) (?:his|her|their|the patient'?s|this|that|my \w+'?s) age\b|\b(?:same|given|his|her|similar) age\b|\b(?:for|in) an? \d+[- ]year|"
    r"\b(?:reference|normative|expected|healthy|typical|usual) (?:range|value|values|size|population|people|subjects|adult|adults|controls?|data)\b|"
    r"\b(?:larger|smaller|bigger|higher|lower|more|less|thicker|thinner|denser|greater) than (?:normal|average|expected|usual|it should|most|typical|in healthy|other|others|you would|one would)\b|\benlarged\b|"
    r"\bpercentile (?:for|of) (?:age|the population|healthy|his|her|their)\b|\bz[- ]?scores?\b|\bwhat (?:is|would be) (?:a )?(?:healthy|normal)\b|\bunusual(?:ly)?\b|\bhealthy\b|"
    r"\btypical (?:for|of|in)\b|\b(?:is|are|was) .*\b(?:typical|common|usual)\b|\baverage for\b|"
    r"\b(?:compar\w+|rank\w*|relative|stand\w*) (?:\w+ ){0,3}?(?:to|with|against|among|amongst) (?:the |a |other )?(?:normals?|healthy|others?|people|persons?|controls?|population|general population|age[- ]matched|peers|norms?|cohort|average)\b|"
    r"\bas (?:expected|it should be)\b|\bexpect(?:s|ed|ation\w*)?\b|\bage[- ]matched\b|\bpeers\b|\b(?:it|that|this|the \w+|brain|skull) should (?:be|have)\b|\bshould (?:it|that|this|the \w+) (?:be|have)\b|"
    r"\bworr(?:y|ied|ying|isome)\b|\bconcerning\b|\b(?:is|are|was)\b(?! (?:every|any)thing).* (?:ok|okay|fine|alright|all right|acceptable)\b"
)
_DISEASE = (
    r"alzheimer\w*|parkinson\w*|dementia|multiple sclerosis|epilepsy|schizophreni\w+|autism|osteoporo\w+|huntington\w*|meningitis|encephal(?:itis|opathy)|cognitive decline|"
    r"concussion|depression|covid\w*|migraines?|bipolar|als\b|paget\w*|syndrome|disease|disorder|illness"
)
_DIAGNOSIS = re.compile(
    rf"\bdiagnos\w+|\bwhat(?:'s| is)(?: the matter| wrong)\b|\b(?:what|which|name the) (?:\w+ )?(?:disease|condition|illness|syndrome|disorder|pathology|entity)\b|\b(?:{_DISEASE})\b|"
    rf"\b(?:does|do|did|could|might|may|is|has|have) {_WHO}\b[^.?]{{0,40}}\b(?:have|has|suffer\w*|got|be|sick|ill|develop)\b[^.?]*\b(?:ms|cancer|tumou?r|stroke|sinusitis|sick|ill)\b|"
    r"\bprognos\w+|\bsurviv\w+|\bbenign\b|\bmalignan\w+|\blife expectancy\b|\bhow (?:long|many|much)\b.*\b(?:live|survive)\b|\bhow (?:many (?:years|months|weeks)|much time)\b.*\bleft\b|\bgoing to die\b|\b(?:likely )?causes?\b.*\b(?:of|for) (?:his|her|the|their|my|these|this)\b|\bcaus(?:e|es|ed|ing)\b.*\b(?:headache|pain|dizz\w+|seizure|symptom|weakness|problem)\w*|"
    r"\bexplain\w* (?:his|her|the|their|my|these)\b|\bwhy (?:does|do|is|are|has|am)\b|\bimpression\b|\bgrade (?:of )?(?:the |this )?(?:tumou?r|glioma)|\bdifferentials?\b|\bconsistent with\b|\btypical for (?:a|an)\b|"
    rf"\bis {_WHO} (?:ill|sick|ok|okay|healthy|going to|dying|well)\b|\bwill {_WHO} (?:recover|die|live|be ok|be okay|walk|get)\b"
)
_TREATMENT = re.compile(
    rf"\btreat(?:ment|ments|ed|ing|s|able)?\b|\bsurger(?:y|ies)\b|\bsurgical\w*\b|\boperat(?:e|ion|ions|ed|ing)\b|\boperable\b|\bmedications?\b|\bmedicines?\b|\bdrugs?\b|\bdos(?:e|es|age|ing)\b|\bprescri\w+|\btherap\w+|"
    rf"\bshould {_WHO}\b|\b(?:ought|must|shall) {_WHO}\b|\b{_WHO} (?:ought|should|must)\b(?! be\b)|\bradiotherapy\b|\bchemo\w*|\bsteroids?\b|\bmanagement\b|\bmanage (?:this|the)\b|\brecommend\w*|\badvi[sc]e\w*|\bbiops\w+|"
    rf"\baspirin\b|\bibuprofen\b|\bparacetamol\b|\banti(?:coag|plat|epilep|biot|convuls|hypert|depress)\w*|\bblood thinners?\b|\bpain ?killers?\b|\bmilligrams?\b|\b\d+ ?mg\b|\btablets?\b|\bpills?\b|\bfollow[- ]up (?:interval|imaging|scan)\b|\bnext steps?\b|"
    rf"\b{_OUGHT} {_WHO} (?:\w+ )?(?:need|needs|require)\b|\bneeds? (?:an? )?(?:operation|surgery|biopsy|antibiotics|shunt|helmet|icu|drain)\b|\bshunt\b|\bdischarge\w*\b|\bsafe to\b|\b(?:go|sent|send|going) home\b|\btake .* (?:mg|pills?)\b|\b(?:give|start|treat|send) (?:him|her|them|the patient)\b|\bcontraindicat\w+|\b(?:is|are) (?:\w+ )?indicated\b|\bresect\w*|\bcraniotomy\b|\bvaccin\w+|\brehab\w*"
)
# A surgeon who asks is not yet surgery; an "indicated" position is a point.
_HARMLESS = re.compile(r"\bsurgeons?\b|\btherapists?\b|\bdrug store\b")


def declined(text: str) -> DeclinedCode | None:
    """Why a part of a question (lower case) is not for this system, or None where nothing says so."""
    text = _HARMLESS.sub(" ", text)
    if _TREATMENT.search(text):
        return "treatment"
    if _DIAGNOSIS.search(text):
        return "diagnosis"
    if _NORMATIVE.search(text):
        return "normative"
    if _NOT_ASSESSED.search(text):
        return "not_assessed"
    return None
