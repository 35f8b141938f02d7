"""Reading a cohort question, in English and without a model: rules for the rows, the planner for what is measured."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import ValidationError
from scanwright.agent.cohort.phrases import (
    BETWEEN, COMPARED, INTENSE, SCAN_NOUN, Text, fact_of, number, operator, quantity, take_facts,
)  # fmt: skip
from scanwright.agent.cohort.question import CohortQuestion, Condition, Fact, How, Plot, Sort, Summary
from scanwright.agent.plan.studies import StudyView
from scanwright.agent.planner.base import Declined, Planner, Unclear
from scanwright.tools.contract.goal import Goal
from scanwright.tools.contract.quantity import Quantity

Outcome = Literal["answer", "ask", "refuse"]
_STATS: dict[How, str] = {
    "iqr": r"interquartile ranges?|iqrs?", "sd": r"standard deviations?|sds?|std", "mean": r"means?|averages?",
    "median": r"medians?", "min": r"minim(?:um|a|al)|min", "max": r"maxim(?:um|a|al)|max", "sum": r"sums?|totals?",
    "count": r"numbers?|counts?",
}  # fmt: skip
_STAT = "|".join(f"(?:{p})" for p in _STATS.values())
_HEAD = re.compile(
    rf"(?<!\w)(?:the )?(?P<first>{_STAT})(?P<more>(?:\s*(?:,|and|, and|&|\+/-|±)\s*(?:the )?(?:{_STAT}))*)"
    rf"(?:\s*\((?P<inside>{_STAT})\))?(?:\s+of)?\s+(?!of (?:studies|patients))",
    re.I,
)
_WORDS = {
    w: i for i, w in enumerate(("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"), start=1)
}
_COUNT = rf"(?P<n>\d+|{'|'.join(_WORDS)})"
_MOST = r"(?P<most>largest|biggest|highest|greatest|longest|most|oldest|smallest|lowest|shortest|least|fewest|youngest)"
_LESS = re.compile(r"smallest|lowest|shortest|least|fewest|youngest", re.I)
_FIRST = (
    r",?\s*(?:in )?\(?\b(?P<dir>(?:largest|biggest|highest|greatest|oldest|most|longest) first|descending(?:ly)?"
    r"|(?:smallest|lowest|youngest|least|shortest) first|ascending)\b(?: order)?\)?"
)
_FACT = r"(?P<fact>age(?: (?:band|group))?|sex(?:es)?|gender|scanners?(?: model)?|modality|body part|men and women|women and men)"
_STATISTICS = re.compile(
    r"\bsignifican\w*|\bcorrelat\w*|\bregress\w*|\bp[- ]?values?\b|\bt[- ]?tests?\b|\banova\b|\bpredict\w*|\bsurviv\w*|"
    r"\bassociat\w*|\bconfidence intervals?|\bhazard\b|\bodds\b|\bcluster\w*|\boutliers?\b|\bmann.whitney|\bwilcoxon|"
    r"\bdifferences? between\b|\bdiffer\b|\bpercentiles?\b|\bquantiles?\b|\bvariance\b|\bmodes?\b|\btrends?\b",
    re.I,
)
_UNSAID = re.compile(r"\b(?:the |a )?(?:cut-?offs?|thresholds?|limits?|usual|normal|expected)\b", re.I)
_NO_STATISTICS = (
    "No test, model or correlation is computed here: ask for the statistics of each group (mean, median, SD, IQR, "
    "range), for a table, or for a plot."
)
_OFFERS = ("mean lung volume by sex", "which of them have a spleen larger than 300 mL", "plot brain volume against age")
_SHARE_OF_ROWS = re.compile(r"\b(?:what|which) (?:share|percentage|proportion|fraction) of (?:the )?" + SCAN_NOUN, re.I)


@dataclass(frozen=True)
class CohortReading:
    """What was read: a question that can be answered, or why not (with what was understood of it)."""

    outcome: Outcome
    question: CohortQuestion
    reason: str | None = None
    offers: tuple[str, ...] = ()
    planner: str = "rules"
    confidence: float = 1.0
    warnings: tuple[str, ...] = ()


class _Stop(Exception):
    """What keeps a question from being answered."""

    def __init__(self, outcome: Outcome, sentence: str, offers: Sequence[str] = ()) -> None:
        super().__init__(sentence)
        self.outcome, self.sentence, self.offers = outcome, sentence, tuple(offers)


def read_cohort(question: str, planner: Planner, studies: Sequence[StudyView]) -> CohortReading:
    """Reads a question; studies are examples of the cohort, the first one stands for all. Never raises."""
    reader = _Reader(question, planner, studies)
    try:
        reader.read()
        return reader.reading("answer")
    except _Stop as stop:
        return reader.reading(stop.outcome, stop.sentence, stop.offers)
    except ValidationError:
        return CohortReading(
            "ask", CohortQuestion(), "It is not clear what is wanted of the rows: say it anew.", _OFFERS
        )


def read_where(text: str) -> tuple[Condition, ...]:
    """The facts that a choice of studies names: "CT of the chest of women over 60". Raises ValueError."""
    rest = Text(text)
    found = take_facts(rest, of_scans=True)
    left = re.sub(rf"\b(?:of|the|and|in|all|with|scans?|{SCAN_NOUN})\b|[,.]", " ", rest.left, flags=re.I).split()
    if left or not found:
        raise ValueError(" ".join(left) or text)
    return found


@dataclass
class _Reader:
    asked: str
    planner: Planner
    studies: Sequence[StudyView]
    goals: list[Goal] = field(default_factory=list)
    where: list[Condition] = field(default_factory=list)
    facts: tuple[Condition, ...] = ()
    sort: Sort | None = None
    limit: int | None = None
    summaries: list[Summary] = field(default_factory=list)
    plot: Plot | None = None
    show: Literal["table", "list", "count"] = "table"
    names: set[str] = field(default_factory=set)
    confidence: float = 1.0
    warnings: list[str] = field(default_factory=list)

    def reading(self, outcome: Outcome, reason: str | None = None, offers: tuple[str, ...] = ()) -> CohortReading:
        made = CohortQuestion(
            goals=tuple(self.goals), where=(*self.where, *self.facts), sort=self.sort, limit=self.limit,
            summaries=tuple(self.summaries), plot=self.plot, show=self.show,
        )  # fmt: skip
        names = " and ".join(sorted(self.names)) or "rules"
        return CohortReading(outcome, made, reason, offers, names, self.confidence, tuple(dict.fromkeys(self.warnings)))

    def read(self) -> None:
        if _STATISTICS.search(self.asked):
            raise _Stop("refuse", _NO_STATISTICS)
        if _SHARE_OF_ROWS.search(self.asked):
            raise _Stop("ask", "A share of the studies is not given: ask how many there are.", ("how many of them …",))
        text = Text(re.sub(r"\s+", " ", self.asked).strip().rstrip("?.! "))
        text.take(r",? ?\bplease\b|\b(?:can|could|would) you\b")
        self._shown(text)
        self._facts_first(text)
        direction = text.take(_FIRST)
        colour = text.take(rf",? ?\b(?:coloured|colored|colour|color|grouped|split|stratified) by {_FACT}\b")
        by = _fact(colour)
        if not (self._plotted(text, by) or self._ranked(text)):
            self._rows(text, by)
        if direction is not None and self.sort is not None:
            down = re.match(r"(?:largest|biggest|highest|greatest|oldest|most|longest|desc)", direction["dir"], re.I)
            self.sort = Sort(by=self.sort.by, descending=down is not None)
        elif direction is not None:
            raise _Stop("ask", "It is not clear what the rows are sorted by: say “sorted by …”.", _OFFERS)
        nothing = not (self.goals or self.where or self.facts or self.summaries or self.plot or self.sort)
        if nothing and self.show != "count":
            raise _Stop("ask", "It is not clear what is wanted of these studies: say what to measure.", _OFFERS)

    def _shown(self, text: Text) -> None:
        if text.take(rf"\b(?:in )?how many (?:of )?(?:the |these |those |them\b|my )?(?:{SCAN_NOUN}\b)?(?: are there)?|"
                     rf"\b(?:the )?number of (?:{SCAN_NOUN})\b|\bcount (?:the )?{SCAN_NOUN}\b"):  # fmt: skip
            self.show = "count"
        elif text.take(
            rf"\b(?:in |on )?which (?:of )?(?:the |these |those |my |them\b)?(?:{SCAN_NOUN}\b)?|^whose\b|^who\b|"
            rf"\b(?:list|show|find|give me|name)(?: me)?(?: all)?(?: of)?(?: the)? {SCAN_NOUN}\b(?= (?:with|where|whose|in|that))"
        ):
            self.show = "list"

    def _facts_first(self, text: Text) -> None:
        # "by sex", "for men and women" name groups, not conditions.
        groups = re.search(
            r"\b(?:in|for|between|of) (?:men and women|women and men|males and females)\b", text.left, re.I
        )
        if groups:
            text.left = text.left.replace(groups[0], "by sex")
        self.facts = take_facts(text)

    def _plotted(self, text: Text, by: Fact | None) -> bool:
        kind = text.take(
            r"\b(?:(?:make|draw|show|plot|give|create)(?: me)?(?: us)? )?(?:an? |the )?"
            r"(?:(?P<histogram>histograms?|distributions?)|(?P<box>box ?-?(?:and-whisker )?(?:plots?|charts?))|"
            r"(?P<bar>bar ?-?(?:plots?|charts?|graphs?))|(?P<scatter>scatter ?-?(?:plots?|charts?|graphs?|diagrams?)|\bscatter))"
            r"(?: (?:of|for|with|showing))?\b"
        )
        if kind is None:
            kind = text.take(
                r"^\s*(?:please )?(?:plot|graph|chart|draw|visuali[sz]e)(?: (?:of|the))?\b|\b(?:an? |the )?plots? of\b"
            )
        if kind is None:
            return False
        name = next(
            (k for k in ("histogram", "box", "bar", "scatter") if k in (kind.groupdict() or {}) and kind[k]), None
        )
        grouped = (
            text.take(rf",? ?\b(?:by|per|for each|in each|across|for both) {_FACT}\b") if name != "scatter" else None
        )
        if grouped is not None:
            by = _fact(grouped)
            if by == "age" and name is None:
                grouped, by = None, None
                text.left += " against age"
        against = re.split(r"\s(?:against|versus|vs\.?|over|as a function of|with respect to)\s", text.left, flags=re.I)
        if len(against) == 1 and name == "scatter":
            against = re.split(r"\s(?:and|by)\s", text.left, maxsplit=1, flags=re.I)
        if len(against) == 2 and name in (None, "scatter"):
            y, x = self._columns(against[0], one=True)[0], self._columns(against[1], one=True)[0]
            if x in ("sex", "scanner", "modality", "body_part"):
                self.plot = Plot(kind="box", x=y, by=x)
            else:
                self.plot = Plot(kind="scatter", x=x, y=y, by=by)
            return True
        if name == "scatter":
            raise _Stop("ask", "A scatter plot needs two columns: say what is plotted against what.", _OFFERS[2:])
        column = self._columns(text.left, one=True)[0]
        chosen: Any = name or ("box" if by is not None else "histogram")
        self.plot = Plot(kind=chosen, x=column, by=by)
        return True

    def _ranked(self, text: Text) -> bool:
        """ "the five largest X", "the patient with the most X", "top 3 by X"."""
        top = text.take(rf"\b(?:the )?top {_COUNT}(?: {SCAN_NOUN})?(?: (?:by|in|with))?")
        if top is not None:
            return self._rank(text, top, descending=True)
        of_n = text.take(
            rf"\b(?:show|list|give|find|name)?(?: me)? ?(?:the )?(?:{_COUNT} (?:of the )?)?(?:{SCAN_NOUN} )?"
            rf"(?:(?:that |which )?(?:with|has|have|having) )?(?:the )?{_MOST}(?! first)(?: in)?\b(?: {SCAN_NOUN}\b)?"
        )
        if of_n is None:
            return False
        if of_n["most"].lower() in ("oldest", "youngest"):
            self.sort = Sort(by="age", descending=of_n["most"].lower() == "oldest")
            self.limit, self.show = _count(of_n["n"]), "list"
            rest = _bare(text.left)
            if rest:
                self._columns(rest)
            return True
        return self._rank(text, of_n, descending=_LESS.search(of_n["most"]) is None)

    def _rank(self, text: Text, match: re.Match[str], *, descending: bool) -> bool:
        column = self._columns(text.left, sized=True, one=True)[0]
        self.sort, self.limit, self.show = Sort(by=column, descending=descending), _count(match["n"]), "list"
        return True

    def _rows(self, text: Text, by: Fact | None) -> None:
        ordered = text.take(
            r",?\s*(?:and )?\b(?:sort|sorted|order|ordered|rank|ranked)\b(?P<what>.*?)\bby\b (?P<by>[^,]+?)(?=,|$)"
        )
        grouped = text.take(
            rf",?\s*\b(?:by|per|for each|in each|grouped by|split by|separately for|for both) {_FACT}\b"
        )
        by = _fact(grouped) or by
        average = text.take(r",?\s*\bon average\b")
        every = text.take(rf"\b(?:for|of|in|across|over|from) (?:all|every|each|the whole)(?: of)?(?: the| these)?"
                          rf"(?: {SCAN_NOUN}| cohort| cts?| mrs?| mris?| pets?)?\b")  # fmt: skip
        hows = self._statistics(text, by, spread=by is not None or (every is not None and "ll" in every[0]))
        if average is not None:
            hows = [*hows, "mean"]
        measured = self._conditions(text, ordered=ordered is not None)
        if by is not None and not hows:
            hows = ["mean"] if measured else ["count"]
        if hows and self.show == "table":
            self.summaries = [Summary(of=c, how=h, by=by) for c in measured for h in hows]
            if not measured:
                raise _Stop("ask", "It is not clear what the statistic is of: say what to measure.", _OFFERS)
        elif hows:
            raise _Stop("ask", "Ask for the statistics and for the list one by one.", _OFFERS)
        if ordered is not None:
            self._sorted_by(ordered)

    def _sorted_by(self, match: re.Match[str]) -> None:
        what = _bare(match["what"])
        if what:
            self._columns(what)
        fact = fact_of(match["by"])
        if fact is not None:
            self.sort = Sort(by=fact)
            return
        bare = re.fullmatch(
            r"(?:the |their |its )?(volume|size|value|it|that|result|index|density|hu|share)s?",
            match["by"].strip(),
            re.I,
        )
        if bare and len(self.goals) == 1:
            self.sort = Sort(by="g1")
            return
        self.sort = Sort(by=self._columns(re.sub(r"\btheir\b|\bits\b", "", match["by"]), one=True)[0])

    def _statistics(self, text: Text, by: Fact | None, *, spread: bool) -> list[How]:
        match = _HEAD.search(text.left)
        if match is None:
            return []
        said = re.findall(_STAT, f"{match['first']} {match['more'] or ''} {match['inside'] or ''}", re.I)
        hows = [next(h for h, p in _STATS.items() if re.fullmatch(p, w, re.I)) for w in said]
        rest = text.left[match.end() :]
        intense = INTENSE.search(rest)
        if intense is not None and len(hows) == 1 and hows[0] in ("mean", "median", "max", "min", "sd"):
            # "mean lung density" is one number of each scan; only a group or "all" asks for a mean of it.
            return list(hows) if spread else []
        if hows == ["count"] and (not spread or not re.match(r"(?:of )?(?:studies|patients|scans)", rest, re.I)):
            return []
        text.left = text.left[: match.start()] + " " + rest
        return hows

    def _conditions(self, text: Text, *, ordered: bool) -> list[str]:
        """Conditions on what is measured; the columns that stand in the question outside them."""
        rest, columns = text.left, []
        if re.search(
            r"\b(?:was|were|is|are) (?P<no>not |no )?(?:found|seen|visible|detected|detectable|there)\b|^\s*(?:have|has) (?:any|an?|no) [^\d]*?found\b",
            rest,
            re.I,
        ):
            no = re.search(r"\b(?:not|no)\b", rest, re.I)
            what = re.sub(
                r"\b(?:was|were|is|are|not|no|an?|any|found|seen|visible|detected|detectable|there|have|has|could|be)\b",
                " ",
                rest,
                flags=re.I,
            )
            column = self._columns(f"volume of {_bare(what)}", one=True)[0]
            self.where.append(Condition(column=column, op="not_found" if no else "found"))
            return []
        while True:
            between, plain = BETWEEN.search(rest), COMPARED.search(rest)
            match = between if between is not None and (plain is None or between.start() <= plain.start()) else plain
            if match is None:
                break
            subject = rest[: match.start()]
            value = quantity(match)
            if value.unit == "[hnsf'U]" and not INTENSE.search(subject):
                # A limit on voxels belongs to what is measured, not to the rows.
                follows = COMPARED.search(rest, match.end())
                if follows is None:
                    break
                match, subject = follows, rest[: follows.start()]
                value = quantity(match)
            size = re.search(r"larger|bigger|smaller|greater", match[0], re.I) is not None
            lead = re.split(
                r",|\band (?=their\b)|\bwith an?\b|\bwith\b|\bwhose\b|\bwhere\b|\bhav(?:e|ing)\b|\bhas\b",
                subject,
                flags=re.I,
            )
            if len(lead) > 1 and _bare(" ".join(lead[:-1])):
                columns += self._columns(" ".join(lead[:-1]))
                subject = lead[-1]
            words = _bare(subject)
            column = self._fact_or_goal(words, sized=size or value.unit in ("mL", "L", "cm3", "mm3"))
            if match is between:
                low = Quantity(value=number(match["low"]), unit=value.unit)
                self.where += [
                    Condition(column=column, op=">=", value=low),
                    Condition(column=column, op="<=", value=value),
                ]
            else:
                self.where.append(Condition(column=column, op=operator(match["op"]), value=value))
            rest = re.sub(r"^\s*(?:,|and|but|with)\b", " ", rest[match.end() :], flags=re.I)
            if re.match(r"\s*or\b", rest, re.I):
                raise _Stop("ask", "Conditions are joined with “and”; ask for each side of an “or” by itself.", _OFFERS)
        if _UNSAID.search(rest) and self.show != "table":
            what = re.split(r"\b(?:above|below|over|under|larger|smaller|than|beyond|within)\b", rest, flags=re.I)[0]
            self._columns(what, sized=True)
            raise _Stop("ask", "Say the threshold as a number with its unit, as “above 300 mL”.", ("above 300 mL",))
        words = _bare(rest)
        if words and not (ordered and not words):
            if self.show == "list" and not self.where and not self.facts:
                # "Which of them have X": a row is chosen by something, and nothing says by what.
                self._columns(words)
                raise _Stop("ask", "It is not clear which studies are meant: add a threshold, or “found”.", _OFFERS)
            columns += self._columns(words)
        return columns

    def _fact_or_goal(self, words: str, *, sized: bool) -> str:
        fact = fact_of(words)
        if fact is not None:
            return fact
        if not words or re.fullmatch(r"(?:it|they|them|that|volume|size)", words, re.I):
            if len(self.goals) == 1:
                return "g1"
            raise _Stop("ask", "It is not clear what is compared: say of what the value is.", _OFFERS)
        return self._columns(words, sized=sized, one=True)[0]

    def _columns(self, text: str, *, sized: bool = False, one: bool = False) -> list[str]:
        """The columns that words name: facts, or goals by the planner. Raises _Stop where they name none."""
        words = _bare(text)
        fact = fact_of(words)
        if fact is not None:
            return [fact]
        if not words:
            raise _Stop("ask", "It is not clear what to measure: name the structure or the quantity.", _OFFERS)
        goals = self._goals(words, sized=sized)
        if one and len(goals) != 1:
            raise _Stop("ask", f"One value is needed where you say “{words}”, and it names {len(goals)}.", _OFFERS)
        columns = []
        for goal in goals:
            if goal not in self.goals:
                self.goals.append(goal)
            columns.append(f"g{self.goals.index(goal) + 1}")
        return columns

    def _goals(self, words: str, *, sized: bool) -> list[Goal]:
        quantity_said = re.search(
            r"\b(?:volumes?|sizes?|index|scores?|shares?|fractions?|ratios?|diameters?|areas?|lengths?|widths?|counts?|numbers?|"
            r"shift|densit\w+|hu|suv\w*|intensit\w+|attenuation|spacing|percentage|surface|calibre|nuclei|asymmetry|change)\b",
            words, re.I,
        )  # fmt: skip
        if (sized or re.fullmatch(r"(?:left|right|both|the|and|\s|\w+){1,6}", words)) and quantity_said is None:
            words = f"volume of the {words}"
        proposal = self.planner.propose(words, self.studies)
        self.names.add(proposal.planner)
        self.warnings += proposal.warnings
        self.confidence = min(self.confidence, proposal.confidence)
        for item in proposal.items:
            if isinstance(item, Declined):
                raise _Stop("refuse", item.sentence, item.offers)
            if isinstance(item, Unclear):
                raise _Stop("ask", item.sentence, item.offers)
        if not proposal.goals:
            raise _Stop("ask", f"It is not clear what “{words}” is: name a structure and a quantity.", _OFFERS)
        return [g.model_copy(update={"output": None}) for g in proposal.goals]


def _count(text: str | None) -> int:
    return 1 if text is None else _WORDS.get(text.lower()) or int(text)


def _fact(match: re.Match[str] | None) -> Fact | None:
    return None if match is None else fact_of(match["fact"])


def _bare(text: str) -> str:
    """The words without those that only speak of the rows."""
    words = re.sub(
        rf"\b(?:a |the )?(?:table|csv|spreadsheet|overview|list) (?:of|with)(?: the)?\b|"
        rf"\b(?:for|of|in|across|from|per|among) (?:all|every|each|these|those|the|this|my)?(?: of)?(?: the| these)? ?(?:{SCAN_NOUN}|them|cohort)\b|"
        rf"^\s*(?:what|how (?:large|big|much)|show|give|list|measure|compute|calculate|tell|report|get|find|sort|rank)(?: me)?\b(?: (?:is|are|was|were))?|"
        rf"^\s*(?:are there )?(?:is|are|have|has|do|does|had|there|with|where|whose|that)\b|\btogether with\b|^\s*(?:an?|the|their|its|all)\b|"
        rf"\b(?:is|are|was|were|have|has)\s*$|^\s*{SCAN_NOUN}\b|^\s*(?:and|,|of)\b|\b(?:and|,|of)\s*$",
        " ", text, flags=re.I,
    )  # fmt: skip
    words = " ".join(words.split()).strip(" ,.;:")
    return words if words == text.strip(" ,.;:") else _bare(words)
