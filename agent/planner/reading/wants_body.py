"""What is wanted, in words: named measures of the trunk, of lesions and of PET, and what is asked of kept cases."""

from __future__ import annotations

from scanwright.agent.planner.reading.wants_words import SHOW, Cues, shown

_CTR = r"\b(?:cardio-?thoracic|ctr)\b"
_LIVER_SPLEEN = r"\bliver to spleen\b"
_CALCIUM = r"(?:\bagatston\b|\bcalcium\b|\bcalcified (?:lesions?|plaques?|spots?)\b|\bcalcifications?\b)"
_TARGETS = r"(?:\btarget lesions?\b|\brecist\b|\b(?:lesion|lesions'|tumou?r) diameters\b|\bdiameter lines\b|\bdiameters of (?:the |all |my |marked |outlined |⟨given⟩ ?)*(?:lesions|⟨given⟩))"
_LIKE_THIS = r"\b(?:like (?:this|it|my|the present|mine)|resembl\w+|similar|comparable|alike)\b"
_CASES = r"\b(?:cases?|patients?|scans?|images|cts?|mris?|studies|exams?|examinations|collection)\b"
_UPTAKE = r"(?:suv|uptake|standardi[sz]ed uptake)"

BODY: Cues = (
    ("similar_cases", (
        rf"\b(?:similar|comparable|look-?alike|alike)(?: \w+){{0,3}} {_CASES[2:]}",
        rf"{_CASES}.*\b(?:(?:look|looks|looked|are|is)? ?like (?:this|mine|my \w+|the present)|resembl\w+|comparable|alike)\b",
        rf"\b(?:find|search|retrieve|which|have we had|do i have|are there)\b.*{_CASES}.*{_LIKE_THIS}",
    )),
    ("embedding", (r"\bembed(?:s|ded|dings?)?\b", r"\bfeature vector\b", r"\bvector of (?:this|the)\b", r"\bencode (?:this|the|it)\b")),
    ("radiomic_features", (
        r"\bradiomics?\b", r"\bgl(?:cm|rlm|szm|dm)\b", r"\bngtdm\b", r"\bibsi\b", r"\b(?:texture|shape|first[- ]order) features?\b",
        r"\b(?:run-?length|co-?occurrence|size-?zone)\b",
    )),
    ("cardiothoracic_picture", shown(_CTR)),
    ("cardiothoracic_ratio", (
        _CTR, r"\b(?:heart|cardiac)\b.*\b(?:width|wide|diameter|broad|breadth)\b.*\b(?:chest|thora\w+|rib ?cage)\b",
        r"\b(?:wide|width|broad|breadth)\b.*\bheart\b.*\b(?:chest|thora\w+|rib ?cage)\b",
        r"\b(?:heart|cardiac)\b.*\b(?:chest|thora\w+|rib ?cage)\b.*\b(?:width|diameter|ratio)\b",
    )),
    ("liver_spleen_picture", (
        *shown(_LIVER_SPLEEN), r"\bliver to spleen (?:rois?|regions?|circles?|measured)\b",
    )),
    ("liver_spleen_difference", (
        r"\bliver (?:minus|less|-) (?:the )?spleen\b", r"\bliver attenuation index\b", r"\bspleen\b.*\bsubtracted from\b.*\bliver\b",
        r"\b(?:darker|brighter|denser|lighter|less dense)\b.*\bliver\b.*\bspleen\b", r"\bliver\b.*\b(?:darker|brighter|denser|lighter|less dense)\b.*\bspleen\b",
        r"\bdifference (?:between|of|in)\b.*\bliver\b.*\bspleen\b", rf"{_LIVER_SPLEEN} difference\b",
    )),
    ("liver_fat_grade", (
        r"\bsteato\w+", r"\bliver fat\b", r"\bfat(?:ty|tier)?\b(?! tissue).*\b(?:liver|hepatic)\b", r"\b(?:liver|hepatic)\b.*\bfat(?:ty)?\b(?! tissue)",
    )),
    ("liver_spleen_ratio", (rf"{_LIVER_SPLEEN}(?!.*\b(?:volume|size)\b)", r"\bl/s\b")),
    ("recist_response", (
        r"\brecist (?:\d\.\d )?(?:response|category|outcome|result|status)\b", r"\brecist\b.*\b(?:respon\w+|categor\w+|progress\w*|stable|remission|compar\w+)\b",
        r"\b(?:respon\w+|progress\w*|categor\w+)\b.*\brecist\b", r"\bresponse\b.*\btarget lesions?\b", r"\btarget lesions?\b.*\brespon\w+\b",
        r"\b(?:partial|complete) (?:response|remission)\b",
    )),
    ("target_lesions_picture", (rf"\b{SHOW}\b.*{_TARGETS}", rf"{_TARGETS}.*\bpicture\b")),
    ("sum_of_diameters", (
        r"\bsum\b.*\b(?:diameters?|ax[ei]s)\b", r"\badd\b.*\bdiameters\b", r"\b(?:diameters|axes)\b.*\b(?:sum|added up|summed|in total|together)\b",
        r"\bsld\b", r"\bdiameters\b.*\badd up\b", r"\brecist sum\b", r"\bhow (?:large|big) are (?:the|my) target lesions\b",
    )),
    ("target_lesion_diameter", (r"\btarget lesions?\b.*\b(?:diameters?|measurable|each)\b", r"\bmeasurable\b.*\brecist\b")),
    ("calcium_picture", shown(_CALCIUM)),
    ("calcium_volume_score", (r"\bcalcium volume\b", r"\bvolume score\b", r"\bvolume of (?:the )?(?:coronary )?(?:calcium|calcifications)\b")),
    ("calcified_lesion_count", (r"\b(?:how many|number of|count(?: the)?) (?:separate )?(?:calcified (?:lesions|plaques|spots)|calcifications)\b",)),
    ("agatston_score", (r"\bagatston\b", r"\bcalcium scor\w+", r"\bcoronary calcium\b", r"\bcac\b", r"\bhow much calcium\b")),
    ("suv_volume", (
        r"\b(?:convert|turn|transform)\w*\b.*\bsuv\b", r"\bsuv (?:image|map|volume|units|scale)\b", r"\bimage in suv\b",
        r"\bstandardi[sz]ed uptake value image\b",
    )),
    ("suv_peak", (r"\bsuv[- ]?peak\b", rf"\bpeak {_UPTAKE}\b")),
    ("suv_mean", (r"\bsuv[- ]?mean\b", rf"\b(?:mean|average) (?:\w+ )?{_UPTAKE}\b", rf"\b{_UPTAKE}\b.*\bon average\b")),
    ("suv_max", (r"\bsuv[- ]?max\w*", rf"\b{_UPTAKE}\b")),
)  # fmt: skip
