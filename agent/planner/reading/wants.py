"""What is wanted, read from the words of a question: cues, from the most to the least specific."""

from __future__ import annotations

import re

_CUES: tuple[tuple[str, str], ...] = (
    ("surface_stl", r"\bstl\b|\b3d[- ]?print\w*|\bmesh\b|\b3d (?:surface )?model\b|\bsurface (?:model|file|mesh)\b"),
    ("mask_nifti", r"\bnifti\b|\bnii(?:\.gz)?\b|\b(?:export|save|download|write(?: out)?|store)\b.*\b(?:mask|segmentation|label ?map|region|outline|contour)\b"),
    ("volume_change", r"\b(?:grown?|growth|shrunk|shrunken)\b|\bvolume change\b|\bchange (?:in|of) (?:the )?volume\b|\bchanged? (?:in volume )?(?:since|from|between)\b"),
    ("asymmetry_index", r"\ba?symmetr\w*|\blaterali[sz]ation\b|\b(?:difference|compar\w+|discrepancy|imbalance) (?:\w+ ){0,4}?(?:left|right|sides|halves|hemispheres)\b|\b(?:left|right)\b.*\b(?:bigger|larger|smaller|greater)\b.*\b(?:left|right|than|other)\b|\b(?:bigger|larger|smaller|greater)\b.*\b(?:left|right)\b|\bwhich (?:side|half|hemisphere)\b|\bone (?:side|half|hemisphere)\b.*\b(?:bigger|larger|smaller|other)\b|\b(?:sides|halves|hemispheres)\b.*\b(?:equal\w*|differ\w*|even|same size|balanced)\b|\bleft[- ](?:to[- ])?right (?:difference|ratio|balance)\b|\bleft ?(?:vs\.?|versus) ?right\b"),
    ("axial_diameters", r"\bdiameters?\b.*\b(?:per|each|every|by|for all|on all|slice by) (?:axial |transverse )?(?:slices?|level)\b|\b(?:per|each|every|on all)[- ](?:axial |transverse )?slices?\b.*\bdiameters?\b|\bslice[- ](?:by[- ]slice|wise)\b"),
    ("component_volumes", r"\b(?:big|large|size|volume)\b[^.?]*\beach (?:separate|individual|single|of the)\b"),
    ("longest_axial_diameter", r"\b(?:extent|span|distance|width|long)\b.*\b(?:axial|in[- ]plane|transverse|transaxial)\b|\brecist\b|\b(?:axial|in[- ]plane|transverse|transaxial)\b.*\b(?:diameter|dimension|long axis|length|extent|across|axis|measurement)\b|\b(?:diameter|dimension|long axis|longest|length|long)\b.*\b(?:axial|in[- ]plane|transverse|transaxial|in one slice|on a single slice|on one slice)\b"),
    ("longest_diameter", r"\b(?:diameter|feret|caliper)\b|\bhow (?:long|wide)\b|\bhow far apart\b|\b(?:most distant|farthest|furthest|remotest) (?:points?|voxels?|ends?)\b|\b(?:longest|greatest|largest|maximum|maximal|max|biggest) (?:3d )?(?:dimension|extent|length|distance|span|axis)\b|\blong(?:est)? axis\b|\bend to end\b|\btip to tip\b|\bfurthest apart\b"),
    ("field_of_view", r"\bfield[- ]of[- ]view\b|\bcoverage\b|\bphysical (?:size|extent|dimensions)\b|\b(?:extent|size|area)\b.*\b(?:scan|acquisition|image|study)s? covers?\b|\bhow much (?:of the body|anatomy) .*\bcover"),
    ("bounding_box", r"\bbounding[- ]?box\b|\benclosing box\b|\b(?:height|width|length|depth)\b.*\b(?:height|width|length|depth)\b|\bbox (?:around|that encloses|containing|enclosing)\b|\bextents?\b"),
    ("surface_area", r"\bsurface area\b|\barea of (?:the|its) (?:outer )?surface\b|\bsurface\b"),
    ("component_volumes", r"\b(?:size|volume|sizes|volumes)\b[^.?]*\b(?:each|every|individual|all|separate|the)\b[^.?]*\b(?:components?|pieces|parts|islands|clusters|fragments|blobs|bits|pockets)\b|\b(?:each|every|individual) (?:separate )?(?:component|piece|part|island|cluster|fragment|blob|pocket)\b|\bcomponent (?:sizes|volumes)\b|\bhow (?:big|large) are the (?:\w+ ){0,3}?(?:components|pieces|parts|islands|clusters|fragments|blobs|pockets)\b"),
    ("component_count", r"\bhow many\b[^.?]*\b(?:components?|pieces|parts|islands|clusters|fragments|blobs|bits|pockets|objects|regions|lesions|chunks|disconnected|separate|connected|discrete|distinct)\b|\b(?:number|count) of\b[^.?]*\b(?:components?|pieces|parts|islands|clusters|fragments|blobs|pockets|objects|regions|lesions)\b|\bconnected components?\b|\bone piece\b|\b(?:component|cluster|fragment) count\b|\bcount the\b|\bcontiguous\b|\bin how many\b"),
    ("intensity_percentiles", r"\bpercentiles?\b|\bintensity range\b|\brange of (?:the )?(?:intensit\w+|values|hu|hounsfield|signal)\b|\b\d+(?:st|nd|rd|th)\b.*\b\d+(?:st|nd|rd|th)\b"),
    ("volume_fraction", r"\b(?:share|fraction|proportion\w*|percent(?:age)?|per ?cent|ratio)\b|%|\bhow much of (?:the|this|my|all) [\w ]+? (?:is|are|lies|has|consists|falls|exceeds?|sits)\b|\bwhat part of\b|\brelative to the (?:whole|total|size|volume|entire)\b|\bwhich part of\b"),
    ("sd_intensity", r"\bstandard deviation\b|\bspread\b|\bvariab\w+|\bvariance\b|\bheterogene\w+|\bhomogene\w+|\bnoisy?\b|\bnoise\b|\bdispersion\b|\bvary\b|\bvaries\b|\buniform\w*"),
    ("median_intensity", r"\bmedian\b"),
    ("intensity_at_point", r"\b(?:value|intensity|hu|hounsfield|signal|density|brightness|bright|dense|voxel|attenuation|reading|number|unit|units|read)\b.*(?:\bhere\b|\b(?:this|that|the) (?:point|location|position|spot|voxel|place|marker|cursor|pixel|coordinate)\b|\bi (?:point|click|mark)|\bcrosshair\b|\bat \(?-?\d|\bcoordinates?\b|⟨point⟩)|(?:\bhere\b|\b(?:this|that|the) (?:point|location|position|spot|place|marker|cursor)\b|⟨point⟩).*\b(?:value|intensity|hu|hounsfield|signal|density|bright\w*|dense|attenuation)\b|⟨point⟩|\bwhere i(?:'m| am|'ve)? (?:point|click|mark|touch)\w*|\b(?:marked|indicated|chosen|selected|clicked) (?:position|point|location|spot|place|voxel)\b|\bright here\b|\bunder (?:the|my) (?:cursor|crosshairs?|mouse|pointer)\b"),
    ("mean_intensity", r"\b(?:mean|average|averaged)\b"),
    ("minimum_intensity", r"\b(?:minimum|lowest|darkest|smallest (?:value|intensity|hu)|least dense|dimmest|min)\b"),
    ("maximum_intensity", r"\b(?:maximum|highest|brightest|densest|peak|hottest|largest (?:value|intensity|hu)|greatest (?:value|intensity|hu|density)|max|hyperdense)\b"),
    ("orientation", r"\borientation\b|\boriented\b|\bwhich way\b|\baxis (?:order|codes?)\b|\bras\b|\blps\b|\baxes\b|\bwhich direction\b"),
    ("modality", r"\bmodality\b|\b(?:what|which) (?:kind|type|sort) of (?:scan|image|study|exam\w*|imaging|acquisition|picture|dataset)\b|\b(?:is|was) (?:this|it|that) (?:an? )?(?:ct|mri?|pet|mr)\b|\b(?:ct|mri?) or (?:an? )?(?:ct|mri?)\b|\bimaging (?:technique|method)\b|\bwhat (?:scanner|machine)\b"),
    ("body_part", r"\b(?:what|which) (?:body ?part|part of the body|body region|anatomical region|anatomy|region of the body|anatomic region)\b|\bbody ?part\b|\bwhat (?:does|is) (?:this|the) (?:scan|image) (?:show|of)\b|\bregion was (?:scanned|imaged)\b|\bpart of the (?:body|patient)\b"),
    ("spacing", r"\bspacing\b|\b(?:voxel|pixel) (?:size|dimensions?|spacing|edge)\b|\bresolution\b|\bslice thickness\b|\bthick\w*\b.*\bslices?\b|\bslices?\b.*\bthick\w*\b|\bhow (?:big|large|small|fine) (?:is|are) (?:the|a|each|one|its) (?:single )?(?:voxels?|pixels?)\b|\bsize of (?:the|a|each|one) (?:voxel|pixel)s?\b|\bisotropic\b|\bgap between slices\b|\bdistance between (?:the )?slices\b"),
    ("dimensions", r"\bmatrix\b|\bdimensions?\b|\bhow many (?:axial |transverse )?(?:slices|voxels|pixels|images|rows|columns)\b|\bnumber of (?:axial )?(?:slices|voxels|rows|columns|images)\b|\b(?:array|image|grid) (?:size|shape)\b|\bshape of the\b|\bslice count\b"),
    ("overlay", r"\b(?:show|picture|draw|display|visuali[sz]e|render|depict|illustrate|plot|overlay|screenshot|view|see|snapshot|look(?:s)? like|figure|image of)\b"),
    ("mask", r"\b(?:segment|outline|extract|delineate|contour|mask out|strip|trace|isolate|label|find|locate|identify|separate out|segmentation|skull[- ]strip\w*|mark)\b"),
    ("mean_intensity", r"\b(?:intensity|signal|brightness|density|attenuation|hu|hounsfield|radiodensity)\b|\bhow (?:dense|bright|intense)\b"),
    ("volume", r"\bvolumes?\b|\bhow (?:large|big|small|much|voluminous)\b|\bsizes?\b|\b(?:ml|millilit(?:re|er)s?|lit(?:re|er)s?|cc|cm3|cubic)\b|\bcapacity\b|\bvolumetr\w+|\bamount\b|\btotal\b|\bquantify\b|\bmeasure\b"),
)  # fmt: skip
_COMPILED = tuple((want, re.compile(pattern)) for want, pattern in _CUES)
# Wants that look at the image as a whole.
OF_THE_IMAGE = {"dimensions", "spacing", "field_of_view", "modality", "body_part", "orientation", "intensity_at_point"}
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
