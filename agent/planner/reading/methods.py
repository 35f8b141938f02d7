"""How sure, and by which methods: the words that ask for a second method, and the question without them."""

from __future__ import annotations

import re

from scanwright.agent.planner.reading.wants import cued_want

_METHODS = r"(?:methods?|models?|networks?|algorithms?|ways|techniques?|tools)"
_SEVERAL = r"(?:2|3|both|all|every|each|several|different|multiple|other|more than one|at least 2|the|of|your|available|independent|possible)"
_SURE = r"(?:sure|certain|uncertain|confident|reliable|trustworthy|precise)"
_IT = r"(?:that|this|it|them|those|these|the (?:number|value|result|figure|measurement|estimate|answer)s?)"
_HAVE = r"(?:\s+(?:that )?(?:you|we) (?:have|know|can use|offer)|\s+there (?:is|are)|\s+(?:available|at hand|here))?"
_AND = r"(?:\s*,)?(?:\s*\b(?:and|but|plus)\b)?(?:\s*\b(?:then|also|say|tell me|show me)\b)?\s*"

# "…, and how sure are you of that?"
_HOW_SURE = re.compile(
    rf"{_AND}\bhow {_SURE} (?:(?:are|is|can|may) (?:you|we|i|one)(?: be)?(?: (?:of|about|with|in) {_IT}| there| here)?|(?:is|are) {_IT}\b)"
    rf"(?=\s*(?:$|[,.;?!]))"
)
# "how certain is the ventricle volume?", "how sure are you of the size of the brain?"
_HOW_SURE_OF = re.compile(
    rf"\bhow {_SURE} (?:(?:are|can|may) (?:you|we|i|one) (?:be )?(?:of|about|in|with)|(?:is|are))(?= (?:the|this|that|these|those|my|his|her|its|your) )"
)
_UNCERTAINTY = re.compile(
    rf"{_AND}\b(?:with|including|incl\.?|give|state)? ?(?:an? |its |the |their |some )?(?:measure of |degree of |estimate of )?"
    r"(?:uncertaint(?:y|ies)|error bars?|confidence range|margin of error)\b(?! (?:of|in|on|about|for) )"
)
_UNCERTAINTY_OF = re.compile(r"\b(?:uncertaint(?:y|ies)|error bars?|margin of error) (?:of|in|on|about|for)\b")
_BY_METHODS = re.compile(
    rf"{_AND}\b(?:with|by|using|from|in) (?:{_SEVERAL} )*(?:2|3|both|all|every|each|several|different|multiple|more than one|at least 2) (?:{_SEVERAL} )*{_METHODS}\b{_HAVE}"
)
_COMPARE = re.compile(
    rf"\bcompar\w+ (?:{_SEVERAL} )*(?:methods|models|networks|algorithms|techniques)\b{_HAVE}(?: (?:for|of|on|in|with|by))?"
)
_AGREE = re.compile(
    rf"(?:\b(?P<how>how (?:well|closely|much|far)) )?\b(?:do|does|whether|if) (?:{_SEVERAL} )*(?:methods|models|networks|algorithms|techniques|outlines|masks) "
    rf"(?:agree|overlap|match|coincide|outline the same)(?: (?:with each other|with one another))?(?: (?:on|about|for|in|over|of))?"
)
_AGREE_OF = re.compile(
    rf"\bhow (?:well|closely|much|far) do (?:{_SEVERAL} )*(?P<of>(?:[a-z]+ ){{1,3}}?)(?:outlines|masks|segmentations|contours) "
    r"(?P<how>agree|overlap|match|coincide)(?: with (?:each other|one another))?"
)
_OUTLINES = re.compile(r"\bdice\b|\boverlap\w*\b|\boutline")
_DICE = re.compile(rf"\b(?:(?:of|between|for) (?:{_SEVERAL} )*(?:{_METHODS}|outlines|masks))\b")


def without_methods(text: str) -> tuple[str, bool]:
    """text (lower case, normalised) without the words that ask how sure the answer is, or for every method.

    True where there were such words. What is left is what is to be measured: "how certain is the size of the brain"
    is "what is the size of the brain"; "how well do the methods agree on the brain" is "dice overlap of the brain".
    """
    asked = said = text
    text = _AGREE_OF.sub(r"how well do the outlines agree on the \g<of>", text)
    agree = _AGREE.search(text)
    if agree is not None:
        rest = f"{text[: agree.start()]} {text[agree.end() :]}"
        outlines = _OUTLINES.search(agree[0]) or _OUTLINES.search(rest) or cued_want(rest) is None
        text = f"{text[: agree.start()]}{'dice overlap of' if outlines else 'what is'} {text[agree.end() :]}"
    text = _COMPARE.sub("measure", text)
    text = _HOW_SURE.sub("", text)
    text = _HOW_SURE_OF.sub("what is", text)
    text = _UNCERTAINTY_OF.sub("value of", _UNCERTAINTY.sub("", text))
    text = _BY_METHODS.sub("", text)
    if re.search(r"\bdice\b", text):
        text = _DICE.sub("", text)
        said = "" if said == text else said
    changed = text != said
    left = re.sub(r"\s+", " ", re.sub(r"([?!.,])\s*(?=[?!.,])", "", text)).strip(" ,")
    return (left if changed and re.search(r"\w", left) else asked), changed
