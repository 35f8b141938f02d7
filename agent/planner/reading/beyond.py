"""What lies beyond: body parts and quantities that people ask for, that no vocabulary here has a word for."""

from __future__ import annotations

import re

from scanwright.agent.planner.reading.structures import mentions

_BODY = re.compile(
    r"\b(?:amygdal\w+|putamen|caudate|pallidum|globus pallidus|basal ganglia|pons|medulla(?: oblongata)?|mid-?brain|brain-?stem|corpus callosum|callosal|"
    r"fornix|insula\w*|cingulate|hypothalamus|pituitary|pineal|hypophysis|sella(?: turcica)?|choroid plexus|meninges|dura|falx|tentorium|"
    r"(?:frontal|parietal|temporal|occipital|limbic)(?: (?:lobes?|horns?|pole|cortex|bones?|sinus(?:es)?|region|gyrus|gyri))?|lobes?|gyr(?:us|i)|sulc(?:us|i)|"
    r"(?:third|fourth|3rd|4th) ventricle|aqueduct|cistern\w*|csf|cerebrospinal fluid|spinal (?:cord|canal)|cord|cerebellopontine|"
    r"(?:maxillary|ethmoid\w*|sphenoid\w*|mastoid\w*|petrous)(?: (?:sinus(?:es)?|bones?|air cells|process|cells))?|maxilla|mandib\w+|jaws?|zygoma\w*|vomer|"
    r"teeth|tooth|molars?|dental|nose|nasal|septum|turbinates?|ears?|cochlea\w*|semicircular|auditory|tongue|palate|pharynx|pharyngeal|larynx|trachea|"
    r"lens|retina|optic|nerves?|scalp|hair|marrow|cartilage|cavernous|"
    r"thyroid|parotid|salivary|glands?|lymph ?nodes?|nodes?|adenoids?|tonsils?|oesophagus|esophagus|stomach|gastric|bowel|intestin\w+|colon|rectum|"
    r"gall ?bladder|bile|biliary|adrenals?|uterus|uterine|ovar(?:y|ies|ian)|testic\w+|penis|breasts?|diaphragm|appendix|ureters?|"
    r"vessels?|arter(?:y|ies|ial)|veins?|venous|carotids?|jugular|coronar\w+|ventricular wall|atri(?:um|a)|valves?|myocardi\w+|pericardi\w+|vena cava|"
    r"spine|spinal|vertebra\w*|(?<!to )(?<!on )dis[ck]s?|sacrum|coccyx|ribs?|sternum|clavicle|scapula|shoulders?|humerus|elbows?|ulna|wrists?|(?<!right-)(?<!left-)hands?(?! side)|fingers?|"
    r"pelvi[sc]|hips?|femur|femoral|knees?|tibia|fibula|ankles?|foot|feet|menisc\w+|ligaments?|tendons?|joints?|chest|abdom\w+|thora\w+|neck|arms?|legs?|limbs?)\b"
)
_QUANTITY = re.compile(
    r"\bthick(?:ness|er|est)?\b|\bthin(?:ner|nest)?\b|\bweigh(?:s|t)?\b|\bmass in\b|\bgrams?\b|\bkilograms?\b|\bcircumference\b|\bperimeter\b|\bangles?\b|\bcurvature\b|"
    r"\btemperature\b|\bpressure\b|\bperfusion\b|\bblood flow\b|\bflow\b|\bdiffusi\w+|\badc\b|\bfractional anisotropy\b|\btracts?\b|\belasticity\b|"
    r"\bsphericity\b|\bcompactness\b|\btexture\b|\bentropy\b|\bskew\w*|\bkurtosis\b|\bhistograms?\b|\bcentroid\b|\bcent(?:re|er) of (?:mass|gravity)\b|\bcortical (?:thickness|ribbon)\b|"
    r"\bmass effect\b|\b(?:signal[- ]to[- ]noise|contrast[- ]to[- ]noise|snr|cnr)\b|"
    r"\b(?:echo|repetition|inversion|acquisition|scan|relaxation|scanning) time\b|\b(?:the|what|which|is) (?:te|tr|ti)\b(?=\W*$| (?:value|was|is|were|used|of))|^\W*(?:te|tr|ti)(?: value)?\W*$|\bflip angle\b|\bfield strength\b|\btesla\b|\bpulse sequence\b|\bbandwidth\b|"
    r"\btube (?:voltage|current)\b|\bkvp?\b|\bmas?\b(?= |\?|$)|\b(?:radiation|effective) dose\b|\bctdi\w*|\bdlp\b|\bkernel\b|\bpitch\b|\bcontrast (?:agent|medium|media|phase)\b|"
    r"\bmanufacturer\b|\bvendor\b|\bcoil\b|\b(?:scan|study|acquisition|exam) date\b|\bwhen was\b|\bhow old\b|\b(?:patient'?s|his|her) (?:age|name|sex|birth\w*|weight)\b|\bname of the patient\b|\bwhich hospital\b|"
    r"\b(?:airway|bronchial) tree\b|\b(?:total lung|lung|vital|inspiratory|residual) capacity\b|\bair[- ]trapping\b|\b(?:subcutaneous|mediastinal|surgical) emphysema\b|"
    r"\bemphysema\b.*\b(?:under|beneath) the skin\b|\bventricles? of the heart\b|\b(?:cardiac|heart'?s?) ventricles?\b|"
    r"\bregister(?:ed)? (?:it|this|the|to)\b|\bdenois\w+|\bresampl\w+|\bcardiac output\b|\bejection fraction\b|\bbone mineral\b|\bbmd\b|\bt-score\b|\bheart rate\b|\bage of (?:the )?patient\b"
)
# What lies beside a measure that there is, in words that are like its own.
_BESIDE = re.compile(
    r"\b(?:irecist|mrecist|percist|rano|lugano|deauville|overall response)\b|\blean body mass\b|\bsul\b|\bmetabolic tumou?r volume\b|\bmtv\b|\btotal lesion glycolysis\b|"
    r"\bh-?score\b|\bher-?2\b|\ballred\b|\bcrae\b|\bcrve\b|\btortuo\w+|\bbranching angles?\b|\barterio\w*[- ](?:to[- ])?ven\w+|\bcup[- ](?:to|/)[- ]?dis[ck]\b|\boptic (?:dis[ck]|cup|nerve head)\b|\bmacula\w*\b|\bfovea\w*\b|"
    r"\bcallosal angle\b|\bcalcium mass\b|\bmass of (?:the )?calcium\b|\bfat fraction\b|\b(?:atlas|template|mni)\b.*\bregist\w+|\b(?:to|into|onto) (?:the |an? )?(?:atlas|template|mni)\b|\bduring the scan\b|"
    r"\bcytoplasm\w*\b|\bmembranes?\b|\bmagnification\b|^(?!.*\bpositive\b).*\bnegative (?:nuclei|cells)\b|\bmito(?:ses|sis|tic)\b|\blymphocytes?\b|\bhigh-?power fields?\b|\bleft (?:or(?: the)?|~) right eye\b|\bwhich eye\b|"
    r"\b(?:wide|width|calib(?:re|er))\b.*\b(?:aort\w+|vena cava|arter(?:y|ies)|portal vein)\b|\b(?:aort\w+|arter(?:y|ies))\b.*\b(?:wide|width|calib(?:re|er))\b|\bemphysema\b.*\blobes?\b|\blobes?\b.*\bemphysema\b|\bbody fat (?:percentage|share|percent|index)\b|\bpercentage of body fat\b|"
    r"^\W*(?:what|which)(?:'s| is| are)? (?:the |this )?clicked structure\W*$|\boct(?:a| angiograph\w*)?\b|\b(?:on|in) the (?:web|internet)\b|\bonline\b|\btrain(?:ing)? (?:a|an|the|my|our)(?: \w+)? (?:model|network)\b|"
    r"\b(?:only|just) (?:the )?visceral (?:fat|adipose tissue)\b|\bvisceral (?:fat|adipose tissue)\b.*\b(?:alone|only|by itself)\b"
)
# A slice has a thickness, and it is known.
_KNOWN = re.compile(r"\bslices?\b.*\bthick\w*|\bthick\w*\b.*\bslices?\b")


# Parts of the body that a scan shows as a whole: fine to name where it is the part that was scanned.
_TRUNK = re.compile(r"chest|abdom\w*|thora\w*|pelvi[sc]|trunk|torso|body|lungs?")


def unknown_body_part(text: str, scanned: str | None = None) -> str | None:
    """A body part in text (lower case) that the vocabulary has no word for, also "temporal bone", or None.

    scanned is the body part that the scan shows, where it is known.
    """
    known = [range(m.start, m.end) for m in mentions(text)]
    for match in _BODY.finditer(text):
        where = scanned is None or _TRUNK.search(scanned.lower()) is not None
        if not any(match.start() in span for span in known) and not (where and _TRUNK.fullmatch(match[0])):
            return match[0]
    return None


def beside(text: str) -> str | None:
    """What in text (lower case) is near a measure that there is, and is not measured ("iRECIST", "H-score"), or None."""
    match = _BESIDE.search(text)
    return match[0] if match else None


def unknown_quantity(text: str) -> str | None:
    """A quantity in text (lower case) that nothing here measures ("thickness", "echo time"), or None."""
    match = None if _KNOWN.search(text) else _QUANTITY.search(text)
    return match[0] if match else None
