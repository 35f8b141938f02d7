"""Said plainly: other words for a measure replaced by its name, and words that mean something else on such an image."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeAlias

_Plain: TypeAlias = str | Callable[[re.Match[str]], str]
_Rule: TypeAlias = tuple[re.Pattern[str], _Plain]


def _rules(*pairs: tuple[str, _Plain]) -> tuple[_Rule, ...]:
    return tuple((re.compile(pattern), plain) for pattern, plain in pairs)


def _lobe_in_short(match: re.Match[str]) -> str:
    """ "rul" is the right upper lobe; there is no left middle one."""
    if (match["side"], match["part"]) == ("l", "m"):
        return match[0]
    side, part = {"r": "right", "l": "left"}[match["side"]], {"u": "upper", "m": "middle", "l": "lower"}[match["part"]]
    return f"{side} {part} lobe of the lung"


_POINTS = r"(?:(?:point(?:ed|ing)?|click(?:ed|ing)?|tapp(?:ed|ing)|press(?:ed|ing)?) (?:at|on|to)|click(?:ed)?)"
_THING = r"(?:structure|thing|object|organ|lesion|mass|part|region|nodule|tumou?r)"
_VERTEBRA = r"(?P<level>[clt]1?\d)"
_ORDER = (
    "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth", "eleventh", "twelfth",
)  # fmt: skip
_ORDINAL = "|".join((*_ORDER, r"\d{1,2}(?:st|nd|rd|th)"))

# One measure in many words, so that no "and" or "over 2" in them parts the question.
_IDIOMS = _rules(
    # The head.
    (r"\b(?:how wide (?:is|are) (?:the )?|(?:the )?ratio (?:of|between) (?:the )?)?(?:width of (?:the )?)?frontal horns?'?(?: widths?)? (?:compared (?:with|to)|to|and|over|relative to|divided by|versus|vs\.?|/) (?:the )?(?:width of (?:the )?)?(?:inner )?skull(?: widths?| diameter)?", "evans index"),
    (r"\bev[aei]ns?'?s?'?(?= (?:index|ratio)| ?[,+&]| and )", "evans"),
    (r"\b(?:mid-?line and (?:the )?septum(?: pellucidum)?|septum(?: pellucidum)? and (?:the )?(?:ideal )?mid-?line)\b", "midline shift"),
    (r"(?<=shift), and (?:by )?how (?:many (?:millimet\w+|mm)|much|far)(?: is (?:it|that))?(?=\W*$|[.?!])", ""),
    (r"\bgr[ae]y (?:matter )?and white matter together\b.*\b(?:share|fraction|percentage|part|proportion) of (?:the )?(?:brain|intracranial)(?: outline| mask| space| volume)?", "brain parenchymal fraction"),
    (r"\bhow much of the (?:intracranial )?(?:space|volume|room) ?(?:inside|in|within)? ?(?:the )?(?:brain'?s?|skull)? ?(?:outline|mask)? is (?:actual |really |true )?(?:brain tissue|brain parenchyma|brain|parenchyma)\b(?: rather than \w+)?", "what is the brain parenchymal fraction"),
    (r"\b(?:lateral|both lateral),? (?:third|3rd)(?: ventricles?)?,? and (?:the )?(?:fourth|4th) ventricles?(?: together)?", "the ventricular system"),
    (r"\b(?:total|whole|entire|overall|all) ventric(?:le|ular)s?(?: (?:system|volumes?|size))?(?: volumes?)?(?: together)?", "volume of the ventricular system"),
    (r"\b(?:all (?:of )?(?:the )?ventricles(?: (?:taken |put )?together)?|(?:the )?ventricles (?:all |taken )*together)|\btotal volume of (?:the |all |all the )?ventricles\b", "volume of the ventricular system"),
    (r"\ba ?(?:x|times|by|\*|×|·)? ?b ?(?:x|times|by|\*|×|·)? ?c ?(?:/|over|divided by|by) ?2\b", "kothari"),
    (r"\babc ?(?:/|over|-)? ?2\b", "kothari"),
    (r"\bkothari(?:'s)?(?: (?:method|formula|rule))\b", "kothari"),
    (r"\b(?:bedside|ellipsoid) (?:rule|formula|method),?(?= .*kothari)", ""),
    (r"\bwhere a and b (?:were|are|was) (?:measured|taken)\b", "the kothari picture"),
    (r"\b(?:voxel|counted|true) volume of (?=(?:the|my|this) (?:outlined|marked|mask|bleed|ha?ematoma|region|lesion))", "volume of "),
    (r"(?<=kothari)\b(?P<between>.*?)\bhow (?:far|much) (?:is )?(?:that|it|this) (?:is |lies )?(?:off |away )?from the (?:true|counted|measured|real|voxel) (?:volume|value|size)\b", r"\g<between>kothari difference"),
    # Two exams.
    (r"\bwhat (?:grew|is new|has grown) and what (?:shrank|shrunk|has shrunk|disappeared|is gone|resolved|has resolved)\b", "what is the overlap change"),
    (r"\bnew and (?:resolved|lost|gone) volumes?\b|\bvolumes? (?:inside and outside|outside and inside) (?:of )?(?:the|its|that) (?:earlier|old|previous|prior) (?:\w+)", "overlap change"),
    (r"\bc\.?r\W+p\.?r\W+(?:standard deviation|s\.?d)\W+(?:or )?p\.?d\b", "recist response"),
    (r"\b(?:(?:complete|partial) (?:response|remission)|stable disease|progressive disease|progression)(?:(?: or |, )(?:(?:complete|partial) (?:response|remission)|stable disease|progressive disease|progression))+", "recist response"),
    (r"\brespon(?P<how>ded|ds|ding|se) to (?:the |this )?(?:therapy|treatment|chemo\w*|drugs?)\b(?=.*\brecist\b)", r"respon\g<how>"),
    (r"(?<=target lesions), (?:each|one by one) and together\b", " each"),
    # The trunk.
    (r"\b(?P<side>[rl])(?P<part>[uml])l\b", _lobe_in_short),
    (r"\bhow much air (?:fits|goes|is there|is) (?:in|into|inside|within) (?=(?:the |both |his |her |each |left |right )*lungs?\b)", "volume of "),
    (r"\b(?:how many (?:hu|hounsfields?(?: units)?)|how (?:far apart|much))\b[^.?!]*\b(?:between|apart)\b[^.?!]*\b(?:liver|spleen) and (?:the )?(?:spleen|liver)\b", "liver minus spleen"),
    (r"\b(?:heart|cardiac|heart's)(?: width| diameter)?(?: and |/)(?:the )?(?:thorax|thoracic|chest|chest's)(?: (?:width|diameter))?s?\b(?=.*)", "cardiothoracic ratio"),
    (r"(?:\b(?:the )?differences?\b(?![^.?!]*\b(?:volume|size)\b)[^.?!]*?\b(?:liver|spleen) (?:and|to|versus|vs\.?|from) (?:the |that of the )?(?:spleen|liver)|\b(?:liver|spleen)(?: to |-to-|/|-| )(?:spleen|liver) (?:hu |attenuation |density )?difference)\b", "liver minus spleen"),
    (r"\bl ?/ ?s (?=ratio|index|regions?)", "liver to spleen "),
    (r"\bliver ?(?:[/-]|-to-| to (?:the )?) ?spleen\b", "liver to spleen"),
    (r"\bcompare the (?:hu|density|attenuation)\b[^.?!]*\bliver and (?:in |of )?(?:the )?spleen\b", "liver to spleen ratio"),
    (r"\bi (?:marked|outlined|pointed at|clicked) the liver and the spleen\s*[:,.;-]+", ""),
    (r"\b(?:regions? of interest|rois?|circles?) (?:in|of) (?:the )?liver and (?:the )?spleen\b|\bliver and (?:the )?spleen(?= rois?| circles| regions|.* (?:were|was) measured)", "liver to spleen regions"),
    (r"\bbody[- ]?weight(?:ed)? (?=suv|standardi[sz]ed)", ""),
    (r"(?<=visceral fat alone), (?:without|not|excluding) [^.?!]*", ""),
    # Vertebrae.
    (rf"\b{_VERTEBRA}(?: |-)?(?:vertebral body|vertebra|vertebral)\b", r"vertebra \g<level>"),
    (rf"\b(?:vertebral body|vertebra) (?:of |number )?{_VERTEBRA}\b", r"vertebra \g<level>"),
    (rf"\b(?P<what>volume of|density of|hu of|attenuation of|size of|outline of|mask of|outline|segment|delineate|show) (?:the )?(?!t[12]\b){_VERTEBRA}\b(?!-| level)", r"\g<what> vertebra \g<level>"),
    # What is pointed at.
    (rf"\b(?:what|{_THING}) (?:that |which )?(?:i|we) (?:am |'m |have |just )?{_POINTS}\b", "clicked structure"),
    (rf"\bwhat i'm {_POINTS}\b|\bwhat i've {_POINTS}\b", "clicked structure"),
    (rf"\b{_THING} (?:(?:that|which) (?:is|lies) )?(?:at|around|under) (?:(?:these|this|the|my) (?:points?|clicks?|spots?|locations?|positions?|cursor)|(?=[(\[]?-?\d))", "clicked structure "),
    (r"\buse (?:the|my) (?:clicks|points) as prompts\b|\bpoint-prompted segmentation of (?:this|the|a) \w+", "segment the clicked structure"),
    (r"\bvista-?3d\b", "vista"),
    (r"\ban? typical (?=nucle|cell)", "an average "),
    (r"\bmid[- ]line\b", "midline"),
    (r"\b(calib(?:re|er)|width|diameter|area), (mean|average)\b", r"\2 \1"),
    # A picture asked for in two sentences.
    (r"\b(?:which (?:slices?|levels?|lines?) (?:was|were|is|are) (?:used|taken|measured)(?: for| in)?|where (?:is|are|was|were)) (?P<what>[^.?!]*?)(?: measured)?\s*[.?!]+\s*(?:show|draw) (?:it|them|me)\b", r"show \g<what>"),
)  # fmt: skip
_LOBE = re.compile(
    r"\b(?:(?P<side>right|left) )?(?P<part>upper|middle|lower) (?:lung |pulmonary )?lobes?"
    r"(?P<of> of (?:the |his |her |each |both )?(?:(?P<other>left|right) )?lungs?)?\b"
)
_VERTEBRAE = {"cervical": "c", "thoracic": "t", "dorsal": "t", "lumbar": "l"}
_COUNTED = re.compile(rf"\b(?P<n>{_ORDINAL}) (?P<where>{'|'.join(_VERTEBRAE)}) (?:vertebra|vertebral body)\b")

# On a scan of that part of the body.
_LUNG_LOBES = _rules((r"\b(upper|middle|lower) lobes?\b(?! of)", r"\1 lung lobe"))
_BY_PART: dict[str, tuple[_Rule, ...]] = {
    "head": _rules((r"\bairways?\b", "air spaces"), (r"\bventricular volumes?\b", "ventricle volume")),
    "chest": _LUNG_LOBES,
    "thorax": _LUNG_LOBES,
    "lung": _LUNG_LOBES,
}
# On an image of that modality.
_VESSELS = (
    r"(?:(?:blood[- ]?)?vess?els?|vasculature|vascular (?:tree|network)|vessel (?:tree|network)|arteries and veins)"
)
_OF_EYE = r"(?: (?:of|in|on) (?:the |this |that )?(?:human )?(?:fundus|retina|eye|eyeground|back of the eye))"
_BY_MODALITY: dict[str, tuple[_Rule, ...]] = {
    "OP": _rules(
        (rf"\b(?:retinal |fundus )?{_VESSELS}(?! (?:density|length|calib\w+|width|diameter))(?:{_OF_EYE}(?! photograph))?(?: (?:tree|network))?", "retinal vessels"),
        (r"\b(?:round |circular |lit |illuminated |bright |visible )*(?:field of view|disc|disk|circle|round area)(?: of view)? of (?:the |this )?(?:fundus|retina|eye|photograph|picture|image)\b(?! photograph)", "fundus"),
        (r"\bfield of view\b(?=.*\bretinal vessels?\b)|(?<=outline the )field of view\b|(?<=show the )field of view\b|(?<=draw the )field of view\b|(?<=segment the )field of view\b", "fundus"),
        (r"\b(?:without|excluding|and not|minus) (?:the )?(?:black|dark) (?:surround(?:ings?)?|frame|border|background|margin|corners?|edges?)\b", ""),
        (r"\b(?:cut|crop|take|remove) the black (?:frame|border|surround|background) (?:off|from) (?:the )?fundus(?: photograph)?\b", "segment the fundus"),
        (r"\b(?:which|what) part of the (?:picture|photograph|image) (?:shows|is) the (?:fundus|retina)\b", "segment the fundus"),
        (r"\bdark ridges\b", "retinal vessels"),
        (r"\bretina in view\b", "retina"),
    ),
    "SM": _rules(
        (r"(?<!stained )(?<!brain )(?<!soft )\btissue\b", "stained tissue"),
        (r"\b(?:the |this )?(?:sample|specimen|biopsy)\b", "the stained tissue"),
        (r"\bpositive (?:and|or|vs\.?|versus) negative (nuclei|cells)\b", r"\1"),
        (r"\b(?:which|what) part of the (?:slide|tile|image|picture) is stained tissue\b.*", "segment the stained tissue"),
        (r"\bpositive (nuclei|cells)[,:] (?:the )?(fraction|share|percentage|proportion|rate)\b", r"fraction of positive \1"),
        (r"\b(nuclei|cells) ?/ ?(?=mm|sq|square|µm|um)", r"\1 per "),
        (r"\b(?:cell nucle(?:us|i)|nucle(?:us|i) of the cells)\b", "nuclei"),
    ),
    "PT": _rules((r"\b(?:hot )?spots? (?=(?:that |which )?(?:i|we)(?:'ve| have)? (?:marked|outlined|drew|drawn|circled)\b)", "lesion "), (r"\bhottest (?:voxel|spot|point|place|pixel)\b", "suvmax")),
}  # fmt: skip


def said_plainly(text: str) -> str:
    """text (lower case, normalised) with other words for a measure replaced by its name."""
    for pattern, plain in _IDIOMS:
        text = pattern.sub(plain, text)
    text = _LOBE.sub(_lobe, text)
    text = _COUNTED.sub(lambda m: f"vertebra {_VERTEBRAE[m['where']]}{_number(m['n'])}", text)
    return re.sub(r"\s+", " ", text).strip(" ,")


def in_words_of(scanned: str, text: str, modality: str = "") -> str:
    """text (lower case) with the words that mean something else on such an image said plainly.

    scanned is the body part that the image shows, modality a DICOM code ("OP": a photograph of the eye, "SM": a slide).
    """
    for pattern, plain in (*_BY_PART.get(scanned, ()), *_BY_MODALITY.get(modality, ())):
        text = pattern.sub(plain, text)
    return re.sub(r"\s+", " ", text).strip(" ,")


def _lobe(match: re.Match[str]) -> str:
    if match["of"] is None and match["side"] is None and "lung" not in match[0] and "pulmonary" not in match[0]:
        return match[0]
    # There is one middle lobe, and it is the right lung's.
    side = None if match["part"] == "middle" else match["side"] or match["other"]
    return f"{f'{side} ' if side else ''}{match['part']} lung lobe"


def _number(ordinal: str) -> int:
    return _ORDER.index(ordinal) + 1 if ordinal in _ORDER else int(ordinal[:-2])
