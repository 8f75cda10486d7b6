"""Which rules a sentence of the vendor's is about: a search by words over what the rules and refusals say.

Words count by how rare they are among the rules; words that no rule uses, such as the names of layers, do not count.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import log
from operator import itemgetter
from typing import NamedTuple

from safecheck.finding import Verdict
from safecheck.rulebook.index import Entry
from safecheck.rulebook.lowering.lower import REFUSED
from safecheck.rulebook.profile import Profile

_ENOUGH = 0.4
"""Share of the weight of a sentence's words that a rule must have to be about it."""
_REFUSAL = 0.9
"""What the words of a refusal count, which stand for one operator each and are many."""
_ASIDE = 0.6
"""What a word counts that stands in the explanation only."""
_SHOWN = 5
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_RUN = re.compile(r"[A-Za-z]+")
_LAYER = re.compile(r"\AI(?=[A-Z])|Layer\Z")
_ENDING = re.compile(r"(?:ing|ed|es|s|e)\Z")
_STEM = 6
_SAME = {"conv": "convol", "trans": "transp", "elt": "elemen"}
_SAYS_NOTHING = (
    "a an and are as at be been by can code core data device dim do does drive dla error fail failure for from "
    "gpu has have how if in into is it its layer least mode no node not of on only one onnx or os other range "
    "refuse restricted run safety scope should support switch than that the this to trt unsupported validation "
    "version was what which will with within you"
)
_DEVICES = {"dla": re.compile(r"\bDLA\b"), "gpu": re.compile(r"[Ss]afety|[Rr]estricted")}


_Rank = tuple[float, bool, int, str]


@dataclass(frozen=True, slots=True)
class Found:
    """A rule that a sentence is about."""

    entry: Entry
    share: float
    """How much of what the sentence says the rule says too, 0 to 1."""
    refusal: str
    """The refusal of the parser that is meant, with its operator; empty for the words of the rule itself."""


def find(message: str, entries: Iterable[Entry], profiles: Iterable[Profile]) -> list[Found]:
    """The rules that a message is about, the best first; `profiles` bring the refusals of their parsers."""
    texts = list(_texts(entries, _meant(message, list(profiles))))
    titles, asides = [frozenset(_words(text.title)) for text in texts], [frozenset(_words(text.why)) for text in texts]
    used = Counter(word for title, aside in zip(titles, asides, strict=True) for word in title | aside)
    weights = {word: log(1 + len(texts) / used[word]) for word in set(_words(message)) & used.keys()}
    whole = sum(weights.values())
    best: dict[str, tuple[_Rank, Found]] = {}
    for text, title, aside in zip(texts, titles, asides, strict=True):
        said = sum(weights[word] * (1 if word in title else _ASIDE) for word in (title | aside) & weights.keys())
        share = (_REFUSAL if text.refusal else 1) * said / whole if whole else 0.0
        # of two that say as much, the one that quotes the vendor, then the one that says less else
        rank = -share, not text.entry.rule.says, len(title), text.entry.rule.id
        known = best.get(text.entry.rule.id)
        if share >= _ENOUGH and (known is None or rank < known[0]):
            best[text.entry.rule.id] = rank, Found(text.entry, share, text.refusal)
    return [found for _, found in sorted(best.values(), key=itemgetter(0))[:_SHOWN]]


class _Text(NamedTuple):
    entry: Entry
    title: str
    why: str = ""
    refusal: str = ""


def _meant(message: str, profiles: list[Profile]) -> list[Profile]:
    """The profiles of the device that the message is about, or all of them."""
    for device, words in _DEVICES.items():
        if words.search(message):
            return [profile for profile in profiles if profile.target["device"] == device]
    return profiles


def _texts(entries: Iterable[Entry], profiles: list[Profile]) -> Iterator[_Text]:
    """What each rule against something says that is in force in the profiles, and what their parsers refuse."""
    ids = {profile.id for profile in profiles}
    refusing: dict[str, Entry] = {}
    for entry in entries:
        rule = entry.rule
        if (
            ids.isdisjoint(entry.profiles) or rule.verdict is Verdict.ALLOWED or rule.mandatory
        ):  # a misreading comes without a word
            continue
        yield _Text(entry, " ".join((rule.id, rule.title, *rule.layers, *rule.operators, *rule.says)), rule.why)
        if REFUSED in rule.layers:
            refusing |= dict.fromkeys(entry.profiles, entry)
    told = set[tuple[str, str]]()
    for profile in profiles:
        for name in profile.table.operators if profile.id in refusing else ():
            operator = profile.table.operator(name)
            for refusal in () if operator is None else operator.refuses:
                text = f"{name}: {refusal.text}"
                if (refusing[profile.id].rule.id, text) not in told:
                    told.add((refusing[profile.id].rule.id, text))
                    yield _Text(refusing[profile.id], text, refusal=text)


def _words(text: str) -> Iterator[str]:
    """Stems of the words of a text, of the parts of names written in one, and of such names as a whole."""
    for run in _RUN.findall(text.replace("TensorRT", "")):
        for word in {_LAYER.sub("", run), *_WORD.findall(run)}:
            stem = _stem(word)
            if stem not in _SILENT and len(stem) > 1:
                yield stem


def _stem(word: str) -> str:
    stem = _ENDING.sub("", word.lower()) or word.lower()
    return _SAME.get(stem, stem)[:_STEM]


_SILENT = frozenset(map(_stem, _SAYS_NOTHING.split()))
