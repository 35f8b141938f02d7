"""Regions that the person gave: "the lesion I outlined", "my mask", "the marked area"."""

from __future__ import annotations

import re

from scanwright.agent.planner.reading.structures import GIVEN

_MADE = (
    r"(?:outlined|marked|drew|drawn|delineated|segmented|annotated|contoured|painted|circled|highlighted|traced|labell?ed|uploaded|attached|"
    r"provided|supplied|sent|gave|given|loaded|selected|enclosed|submitted|made|created)"
)
_THING = r"(?:area|region|zone|part|structure|object|thing|tissue|lesion|tumou?r|mass|nodule|finding|lymph node|node|mask|roi|segmentation|annotation|label|contour|outline|shape|volume|voxels|one|h[ae]+matoma|h[ae]+morrhage|bleed|metastas[ie]s)s?"
_WHO = r"(?:i|we|he|she|they|you|my (?:colleague|resident|doctor)|the (?:radiologist|resident|doctor|colleague|technician)|someone|somebody)"
_DREW = r"(?:outlined|drew|drawn|delineated|segmented|annotated|contoured|painted|circled|traced)"
_AGO = r"(?:'ve|\s+have|\s+had)?\s+(?:\w+ly\s+|just\s+|already\s+)?"
_BY_PERSON = re.compile(
    rf"(?:\b(?:the|this|that|my|our|an?)\s+)?(?:\w+\s+)?\b{_THING}\s+(?:(?:that|which)\s+)?\b{_WHO}{_AGO}{_MADE}\b"
    rf"|(?:\b(?:what|whatever|that)\s+)?(?<!where )\b{_WHO}{_AGO}{_DREW}\b"
)
_PARTICIPLE = re.compile(rf"\b(?:the|this|that|my|our|an?)?\s*\b{_MADE}\s+(?:\w+\s+)?{_THING}\b")
_AFTERWARDS = re.compile(
    rf"\b(?:the|this|that|my|our)?\s*(?:\w+\s+)?{_THING}(?:\s+(?:that|which)(?:\s+(?:is|was|has been|were))?)?\s+{_MADE}(?:\s+(?:by\s+\w+(?:\s+\w+)?|on it|in red|here|beforehand))?\b(?!\s+(?:as|for|into))"
)
_OWNED = re.compile(
    r"\b(?:my|our|his|her)\s+(?:\w+\s+)?(?:masks?|regions?(?: of interest)?|rois?|vois?|outlines?|contours?|labels?|drawings?|segmentations?|annotations?|selection|shape|delineation)\b"
)


def with_given_marked(text: str) -> str:
    """text (lower case) with each phrase for a given region replaced by one token, so that no word in it is a cue."""
    for pattern in (_BY_PERSON, _OWNED, _PARTICIPLE, _AFTERWARDS):
        text = pattern.sub(f" {GIVEN} ", text)
    return re.sub(r"\s+", " ", text).strip()
