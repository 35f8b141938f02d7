"""What is wanted, read from the words of a question: cues, from the most to the least specific."""

from __future__ import annotations

import re

from scanwright.agent.planner.reading.wants_body import BODY
from scanwright.agent.planner.reading.wants_flat import FLAT
from scanwright.agent.planner.reading.wants_head import EXAMS, HEAD
from scanwright.agent.planner.reading.wants_words import EARLIER, Cues
from scanwright.tools.vocabulary.quantities import QUANTITIES

_PARTS = r"(?:components?|pieces?|parts?|islands?|clusters?|fragments?|blobs?|bits|pockets?|objects?|regions|lesions|nodules|chunks|patches|segments|bodies)"
_SEVERAL = _PARTS.replace("s?", "s")
_SPECK = r"(?:point|location|position|spot|voxel|pixel|place|marker|cursor|coordinates?|crosshairs?|mark)"
_GREY = r"(?:values?|intensit\w+|hu|hounsfields?|signals?|densit\w+|bright\w*|dense|voxel|attenuat\w+|reading|number|units?|read|level)"
_BIGGER = r"(?:bigger|larger|smaller|greater|more voluminous|longer|heavier)"
_HALVES = r"(?:sides?|halves|half|hemispheres?)"
_FLAT = r"(?:axial|in[- ]?plane|transverse|transaxial|in[- ]slice)"
_LENGTH = r"(?:diameters?|dimensions?|long axis|length|extent|across|axis|measurement|line|span|distance|width|long|wide|longest|size)"
_EDGE = r"(?:height|width|length|depth|wide|deep|tall|high)"
_EACH_SLICE = r"(?:per|each|every|by|for all|on all|slice by|in all|across)[- ](?:single |individual |axial |transverse |the )*(?:slices?|levels?|cuts?|sections?|images?)|slice[- ]?wise|(?:slice|level|section|cut)[- ](?:by|to)[- ](?:slice|level|section|cut)"
_EARLIER = EARLIER

_SLICE = r"(?:slice|level|cut|section)"
_LEVEL = rf"(?:{_SLICE}s?|l[1-5]|t(?:1[0-2]|[3-9])|here|where i|i (?:point|click|mark|touch)\w*|point|location|position|spot)"
_SQUARE = r"(?:\b[cm]m ?\^2|\bsquare (?:centi|milli)met(?:re|er)s?)(?!\w)"
_NO_SURFACE, _NO_PICTURE = r"^(?!.*\bsurface\b).*", r"^(?!.*\b(?:show|draw|display|pictures?|view|see|plot|render)\b).*"
_INTO = r"(?:parts|regions|tissues|classes|structures|areas)"

_ORGANS = r"(?:organs?|organs and \w+)"

# Measures with names of their own, which no other word of a question makes into something else.
_MEASURED: Cues = (*EXAMS, *HEAD, *BODY, *FLAT)
MEASURES = frozenset(want for want, _ in _MEASURED) - {"table_csv", "pixel_size", "stain"}
_CUES: Cues = (
    *_MEASURED,
    ("emphysema_index", (
        r"\bemphysema\w*\b", r"\blaa\b", r"\blow(?:[- ]attenuation| attenuating| density) areas?\b", r"\blungs?\b.*\blow (?:attenuation|density)\b",
    )),
    ("area_at_level", (
        rf"{_NO_PICTURE}\bcross[- ]section(?:s|al area)?\b",
        rf"{_NO_SURFACE}\barea\b.*(?:\b{_LEVEL}\b|⟨point⟩)", rf"{_NO_SURFACE}\b{_LEVEL}\b.*\barea\b",
        rf"{_NO_SURFACE}{_SQUARE}.*\b{_SLICE}\b", rf"{_NO_SURFACE}\b{_SLICE}\b.*{_SQUARE}",
    )),
    ("surface_stl", (
        r"\bstl\b", r"\b3d[- ]?print\w*", r"\bprintable\b", r"\bmesh(?:es)?\b", r"\b3d[- ](?:surface )?(?:model|object|file)\b",
        r"\bsurface (?:model|file|mesh)\b", r"\bmodel (?:of|for)\b.*\bprint\w*",
    )),
    ("mask_nifti", (
        r"\bnifti\b", r"\bnii(?:\.gz)?\b",
        r"\b(?:export|save|download|write(?: out)?|store)\b.*\b(?:masks?|segmentation|label ?map|region|outline|contours?|labels?)\b",
        r"\bmask\b.*\b(?:file|disk|download|export)\b",
    )),
    ("labelmap", (
        r"\blabel ?maps?\b", r"\bparcell?at\w+", r"\btissue (?:classes|class|segmentation|labels|classification)\b", r"\bas labels\b",
        rf"\b(?:segment|divide|split|classify|label|part)\w*\b.*\binto\b(?: \w+){{0,3}} {_INTO}\b", r"\bclassif\w+\b.*\bvoxels\b",
        r"\b(?:sub)?cortical segmentation\b", r"\bwhich \w+(?: of the \w+)? is (?:each|every) voxel\b", r"\blabel\b.*\b(?:regions|gyri|nuclei)\b",
        r"\b\w+[-–]\w+ regions\b",
        rf"\b(?:segment|outline|label|tell)\b(?: (?:all|the|every|each|me))* {_ORGANS}\b(?! i\b)", rf"\ball (?:the )?{_ORGANS}\b", r"\bwhole[- ]body segmentation\b",
        r"\borgans\b.*\bapart\b", r"^(?!.*\b(?:click|point|prompt)).*\bvista\b",
        r"\b(?:segment|label) (?:this|it|the)(?: scan| ct| image)? (?:with|by) (?:the|my|our) (?:nnu-net|\w+ model|model|network|monai bundle)\b",
    )),
    ("volume_change", (
        r"\b(?:grow|grows|growing|grown|grew|growth|shrink|shrinks|shrinking|shrunk|shrunken|shrank|progress(?:ed|ion)|regress(?:ed|ion))\b",
        r"\bvolume change\b", r"\bchange (?:in|of) (?:the )?(?:\w+ )?volume\b",
        rf"\b(?:chang(?:e|es|ed|ing)|increas\w+|decreas\w+|differ\w*|lost|loss|gain\w*|compar\w+|{_BIGGER})\b.*\b{_EARLIER}",
    )),
    ("plane", (
        r"\bmid[- ]?(?:line|sagittal)\b", r"\bmedian plane\b", r"\bplane of symmetry\b", r"\bsymmetry plane\b", r"\bplane (?:\w+ )?(?:divides|between|separates)\b",
        r"\btilt\w*", r"\bwhere\b.*\bmiddle\b",
    )),
    ("volume_fraction", (r"\bhow much of [\w -]+? (?:does|do) [\w -]+? (?:fill|occupy|take up|make up)\b",)),
    ("asymmetry_index", (
        r"\ba?symmetr\w*", rf"\bwhich \w+ is (?:the )?{_BIGGER}\b", r"\blaterali[sz]\w+", rf"\b(?:differ\w*|compar\w+|discrepan\w+|imbalance\w*) (?:\w+ ){{0,5}}?(?:left|right|{_HALVES})\b",
        rf"\b(?:left|right)\b.*\b{_BIGGER}\b.*\b(?:left|right|than|other)\b", rf"\b{_BIGGER}\b.*\b(?:left|right)\b",
        rf"\b(?:which|what|on which)(?: \w+){{0,4}} {_HALVES}\b", rf"\bone {_HALVES}\b.*\b(?:{_BIGGER}|other|more)\b",
        rf"\b{_HALVES}\b.*\b(?:equal\w*|differ\w*|even|same|alike|balanced|match\w*|compare)\b", rf"\b(?:equal\w*|same|alike)\b.*\b(?:both|two|2) (?:\w+ )?{_HALVES}\b",
        r"\bleft[- ](?:to[- ])?right (?:difference|ratio|balance|comparison)\b", r"\bleft ?(?:vs\.?|versus|against) ?(?:the )?right\b",
        r"\bcompar\w+\b.*\bleft\b.*\b(?:with|to|and|against)\b.*\bright\b",
    )),
    ("axial_diameters", (
        rf"\bdiameters?\b.*(?:\b|-)(?:{_EACH_SLICE})\b", rf"\b(?:{_EACH_SLICE})\b.*\b(?:diameters?|wide|width|length|long)\b",
        r"\bper[- ]slice\b", r"\bslice[- ](?:by[- ]slice|wise)\b", r"\bdiameters?\b.*\bfrom slice to slice\b",
        rf"\b(?:wide|width|long|length)\b.*\b(?:{_EACH_SLICE})\b",
    )),
    ("component_volumes", (
        rf"\b(?:big|large|sizes?|volumes?)\b[^.?]*\b(?:each|every|individual)\b(?: \w+){{0,3}} {_PARTS}\b",
        r"\b(?:big|large|size|volume)\b[^.?]*\beach (?:separate|individual|single|of the)\b",
    )),
    ("bounding_box", (rf"\b{_EDGE}\b.*\b{_EDGE}\b",)),
    ("spacing", (
        r"\b(?:voxel|pixel)s?(?:'s)? (?:size|sizes|dimensions?|spacing|edge|length)\b",
        r"\bhow (?:tall|wide|long|high|big|large|small|thick) (?:is|are) (?:a|one|each|the|its)(?: single)? (?:voxel|pixel)s?\b",
    )),
    ("longest_axial_diameter", (
        r"\brecist\b", rf"\b{_FLAT}\b.*\b{_LENGTH}\b", rf"\b{_LENGTH}\b.*\b{_FLAT}\b",
        rf"\b{_LENGTH}\b.*\b(?:on|in|within|across|at) (?:a|one|any|the same|its|the)(?: single| one| largest| widest| biggest)? (?:slice|cut|section|image)\b",
    )),
    ("longest_diameter", (
        r"\b(?:diameters?|feret|cali(?:per|bre))\b", r"\bhow (?:long|wide)\b", r"\b(?:most distant|farthest|furthest|remotest) (?:points?|voxels?|ends?|corners?)\b",
        r"\b(?:longest|greatest|largest|maximum|maximal|biggest) (?:3d )?(?:dimension|extent|length|distance|span|axis|measure)\b",
        r"\blong(?:est)? axis\b", r"\bend to end\b", r"\btip to tip\b", r"\b(?:furthest|farthest) apart\b", r"\bone end\b.*\bother\b", r"\bat its longest\b",
    )),
    ("body_part", (
        r"\b(?:what|which) (?:body ?part|part of the body|body region|anatomical region|anatomy|region of the body|anatomic region|body area|areas? of the body|organ system|region (?:is|was) (?:shown|scanned|imaged|covered)|part (?:is|was) (?:shown|scanned|imaged|covered))\b", r"\bbody ?part\b",
        r"\bwhat (?:does|is) (?:this|the) (?:scan|image) (?:show|of)\b", r"\bregion was (?:scanned|imaged)\b", r"^(?!.*\bhow (?:large|big|much)\b).*\bparts? of (?:the|this|his|her|my) (?:body|patient)\b",
    )),
    ("field_of_view", (
        r"\bfield[- ]of[- ]view\b", r"\bcoverage\b", r"\b(?:scan|image|acquisition|study)(?:\'s)? extent\b", r"\bextent of the (?:scan|image|acquisition|study)\b", r"\bphysical (?:size|extent|dimensions)\b",
        r"\b(?:extent|size|area|much|far|many|region)\b.*\b(?:scan|acquisition|image|study|volume)s? (?:covers?|spans?|extends?|reach(?:es)?)\b",
        r"\b(?:scan|acquisition|image|study) (?:cover|span)\w*\b",
    )),
    ("bounding_box", (
        r"\bbounding[- ]?box\b", r"\benclosing box\b",
        r"\bbox\b", r"\bextents\b", r"\bhow tall\b", r"\b(?:cuboid|rectangular)\b", r"\bextent\b.*\b(?:directions|x|axes)\b",
    )),
    ("surface_area", (r"\bsurface area\b", r"\barea of (?:the|its) (?:outer )?surface\b", r"\bsurfaces?\b", r"\barea\b.*\b(?:boundary|envelope|shell|cover\w*)\b")),
    ("component_volumes", (
        rf"\b(?:sizes?|volumes?)\b[^.?]*\b(?:each|every|individual|all|separate|single|the)\b[^.?]*\b{_SEVERAL}\b",
        rf"\b(?:each|every|individual) (?:separate )?{_PARTS}\b", r"\bcomponent (?:sizes|volumes)\b",
        rf"\bhow (?:big|large) are the (?:\w+ ){{0,3}}?{_PARTS}\b",
    )),
    ("component_count", (
        rf"\bhow many\b[^.?]*\b(?:{_PARTS}|disconnected|separate|connected|discrete|distinct|individual)\b", rf"\b(?:number|count|amount) of\b[^.?]*\b{_PARTS}\b",
        r"^\W*(?:and )?how many(?: (?:are|is) (?:there|they)(?: in all)?| of them(?: are there)?)\W*$",
        r"\bconnected components?\b", r"\b(?:one|single|1) piece\b", r"\b(?:one|single|several|multiple|separate)\b.*\bor\b.*\b(?:one|single|several|multiple|separate|many)\b", rf"\b{_PARTS} count\b", r"^count\b", r"\bcount (?:the|all|of|how|them|separate)\b",
        r"\bcontiguous\b", r"\bin how many\b", r"\bfall(?:s)? apart\b", r"\bin pieces\b",
    )),
    ("intensity_percentiles", (r"\bpercentiles?\b", r"\bquantiles?\b", r"\bintensity range\b", r"\brange of (?:the )?(?:intensit\w+|values|hu|hounsfield|signal)\b", r"\b\d+(?:st|nd|rd|th)\b.*\b\d+(?:st|nd|rd|th)\b")),
    ("volume_fraction", (
        r"\b(?:shares?|fractions?|proportion\w*|portions?|percent(?:age)?s?|per ?cent|ratio)\b", r"%",
        r"\bhow much of (?:the|this|my|all|his|her) [\w -]+? (?:is|are|lies?|has|have|consists?|falls?|exceeds?|sits?|comprises?)\b",
        r"\b(?:what|which|how (?:large|big|small) an?) (?:part|piece|bit) of\b", r"\bhow (?:large|big|small) an? part\b",
        r"\b(?:relative to|compared (?:to|with)|in relation to|in terms of|divided by) (?:the |its )?(?:whole|total|size|volume|entire|head|brain|skull)\b",
        r"\bmakes? up\b", r"\bout of (?:the )?(?:whole|total|all|entire)\b",
    )),
    ("sd_intensity", (
        r"\bstandard deviations?\b", r"\bspread\b", r"\bvariab\w+", r"\bvarian\w+\b", r"\bvariation\b", r"\bheterogen\w+", r"\binhomogen\w+", r"\bhomogen\w+", r"\bnoisy?\b", r"\bnoise\b",
        r"\bdispersion\b", r"\b(?:vary|varies|fluctuat\w+|scatter\w*)\b", r"\bun(?:even|iform)\w*", r"\buniform\w*", r"\bsigma\b", r"\brms\b",
    )),
    ("median_intensity", (r"\bmedian\b(?! plane)", r"\b50th percentile\b", r"\bhalf of\b.*\b(?:brighter|darker|above|below|denser|higher|lower|exceed\w*)\b")),
    ("intensity_at_point", (
        rf"\b{_GREY}\b.*(?:\b(?:just |right )?here\b|\b(?:this|that) (?:\w+ )?{_SPECK}\b|\bi(?:'m| am|'ve| have)? (?:\w+ )?(?:point|click|select|indicat|touch|pick|chose)\w*|\b(?:at|under|below) (?:the |my )?{_SPECK}\b|\bat \(?-?\d|⟨point⟩)",
        rf"(?:\bhere\b|\b(?:this|that|the) (?:\w+ )?(?:point|location|position|spot|place|marker|cursor)\b).*\b{_GREY}\b", r"⟨point⟩",
        r"\bwhere i(?:'m| am|'ve| have)? (?:point|click|mark|touch)\w*", rf"\b(?:marked|indicated|chosen|selected|clicked|picked) {_SPECK}\b",
        rf"\b{_SPECK}\b(?: that| which)? i(?:'m| am|'ve| have)? (?:\w+ )?(?:point|click|mark|select|indicat|touch|pick|chose)\w*",
        r"\bright here\b", r"\bunder (?:the|my) (?:cursor|crosshairs?|mouse|pointer)\b", r"\b(?:cursor|crosshairs?)\b",
    )),
    ("mean_intensity", (r"\b(?:mean|average|averaged)\b(?!.*\b(?:volume|diameter|size) of\b)",)),
    ("minimum_intensity", (r"\b(?:minimum|minimal|lowest|darkest|smallest (?:value|intensity|hu)|least (?:dense|bright|intense)|dimmest|blackest)\b", r"\bhow (?:dark|low)\b.*\b(?:at (?:the )?most|at its|get)\b")),
    ("maximum_intensity", (
        r"\bextreme at the (?:top|upper|high) end\b",
        r"\b(?:maximum|maximal|highest|brightest|densest|peaks?|hottest|largest (?:value|intensity|hu)|greatest (?:value|intensity|hu|density)|hyperdense)\b",
        r"\bhow (?:bright|dense|high|intense)\b.*\b(?:at (?:the )?most|at its (?:brightest|densest|peak)|at best)\b",
    )),
    ("orientation", (r"\borientation\b", r"\boriented\b", r"\bwhich way\b", r"\bax[ei]s (?:order|codes?|directions?)\b", r"\b(?:ras|lps|las)\b", r"\baxes\b", r"\bdirection\b.*\bax[ei]s\b", r"\bax[ei]s\b.*\b(?:direction|run|point)\w*\b")),
    ("modality", (
        r"\bmodality\b", r"\b(?:what|which) (?:kind|type|sort) of (?:scan|image|study|exam\w*|imaging|acquisition|picture|dataset|data|series)\b",
        r"\b(?:is|was|were) (?:this|it|that|these|the \w+)(?: \w+)? (?:an? )?(?:(?:acquired|made|taken|done|recorded|produced) (?:by|with|on|using) )?(?:an? )?(?:ct|mri?|pet|mr)\b",
        r"\b(?:ct|mri?|mr) or (?:an? )?(?:ct|mri?)\b", r"\bimaging (?:technique|method)\b", r"\bwhat (?:scanner|machine)\b",
    )),
    ("spacing", (
        r"\bspacings?\b", r"\b(?:voxel|pixel)s? volume\b", r"\bresolution\b", r"\bslice (?:thickness|gap|distance|increment)\b", r"\bthick\w*\b.*\bslices?\b",
        r"\bslices?\b.*\b(?:thick\w*|apart)\b", r"\bapart\b.*\bslices?\b", r"\bhow (?:big|large|small|fine)(?:ly)? (?:is|are) (?:the|a|each|one|its) (?:single )?(?:voxels?|pixels?|sampling|grid)\b",
        r"\bsize of (?:the|a|each|one) (?:voxel|pixel)s?\b", r"\b(?:an)?isotropic\b", r"\bgap between\b.*\bslices\b", r"\bdistance between\b.*\bslices\b", r"\b(?:voxels?|pixels?)\b.*\bcubic\b",
        r"\bsampl(?:ing|ed)\b", r"\bvoxels?\b.*\b(?:wide|tall|edges?|cubes?)\b",
    )),
    ("dimensions", (
        r"\bmatrix\b", r"\bdimensions\b", r"\bsize in pixels\b", r"\bpixels (?:wide|high|across|tall)\b", r"\bhow many (?:axial |transverse |single )?(?:slices|voxels|pixels|images|rows|columns|sections|cuts|frames)\b",
        r"\bnumber of (?:axial )?(?:slices|voxels|rows|columns|images|pixels)\b", r"\b(?:array|image|grid) (?:size|shape)\b", r"\bshape of the (?:array|image|scan|data|grid|matrix)\b", r"\bslices? (?:count|number)\b",
        r"\b(?:slices|images|sections)\b.*\b(?:contain|consist|compris|have|has)\w*\b", r"\bhow many\b.*\b(?:slices|images|voxels|sections)\b",
    )),
    ("volume", (r"\bhow (?:large|big|much|voluminous)\b(?!.*\b(?:hu|signal|intensity|density|attenuation)\b)",)),
    ("overlay", (
        r"\b(?:show|pictures?|draw|display|visuali[sz]e|render|depict|illustrate|plot|overlay|screenshot|view|see|snapshot|look(?:s)? (?:like|at)|figures?|illustration|image of|highlight|paint|colou?r)\b",
    )),
    ("mask", (
        r"\b(?:segment|segmented|segmenting|outline|extract|delineate|contour|mask|mask out|strip|trace|isolate|label|find|locate|identify|separate|segmentation|extraction|mark|where (?:is|are|does|do)|crop|cut out|remove|single out|carve)\b",
    )),
    ("mean_intensity", (r"\b(?:intensit(?:y|ies)|signal|brightness|densit(?:y|ies)|attenuation|hu|hounsfields?|radiodensity|gr[ae]y (?:value|level)s?)\b", r"\bhow (?:\w+ )?(?:dense|bright|intense|dark)\b")),
    ("volume", (
        r"\bvolumes?\b", r"\bhow (?:large|big|small|much|voluminous)\b", r"\bsizes?\b", r"\b(?:ml|millilit(?:re|er)s?|lit(?:re|er)s?|cc|cm\^?3|cubic)\b", r"\bcapacity\b", r"\bvolumetr\w+",
        r"\b(?:amount|quantity)\b", r"\btotal\b", r"\bquantify\b", r"\bmeasure\b", r"\b(?:icv|tiv|intracranial volume)\b", r"\b(?:space|room)\b.*\b(?:fill|take|occup)\w*", r"\b(?:occup|voluminous)\w*", r"\bbulk\b",
    )),
)  # fmt: skip
# Quantities that came later are known by their own names.
_NAMED = tuple(
    (q.name, (rf"\b{q.name.replace('_', ' ')}\b", rf"\b{re.escape(q.label)}\b")) for q in QUANTITIES.values()
)
_COMPILED = tuple(
    (want, re.compile("|".join(patterns)))
    for want, patterns in (*(n for n in _NAMED if n[0] not in dict(_CUES)), *_CUES)
)
# What these rules know; a tool may give more, which is then known by its name and its examples.
CUED = frozenset(want for want, _ in _CUES)
# Wants that look at the image as a whole.
OF_THE_IMAGE = {
    "dimensions", "spacing", "field_of_view", "modality", "body_part", "orientation", "intensity_at_point", "pixel_size",
    "stain", "exam_displacement", "exam_rotation", "registered_volume", "suv_volume", "similar_cases", "embedding",
}  # fmt: skip
INTENSITY = {
    "mean_intensity", "sd_intensity", "median_intensity", "minimum_intensity", "maximum_intensity",
    "intensity_percentiles",
}  # fmt: skip
# Cues that stand in many questions by chance; the encoder may overrule them.
WEAK = {"volume", "overlay", "mask", "mean_intensity", "longest_diameter", "dimensions"}


def cued_want(text: str) -> str | None:
    """The want that the words of text (lower case) name, or None."""
    return next((want for want, pattern in _COMPILED if pattern.search(text)), None)


def cued_wants(text: str) -> list[str]:
    """Every want whose cue stands in text, most specific first."""
    return list(dict.fromkeys(want for want, pattern in _COMPILED if pattern.search(text)))
