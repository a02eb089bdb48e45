# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Masks the secrets of a run in texts, in every reversible encoding.

A text is decoded again and again into views (see `views`). If a view holds a run of a secret (see `known_secrets`), the
place of that run in the original text is masked.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Collection
from collections.abc import Iterable
from collections.abc import Mapping
from typing import Any
from typing import Optional

from ansible_collections.esx.trust.plugins.module_utils._secrets.known_secrets import PART_OF_WORD
from ansible_collections.esx.trust.plugins.module_utils._secrets.known_secrets import RUN
from ansible_collections.esx.trust.plugins.module_utils._secrets.known_secrets import RUN_OF_SECRET
from ansible_collections.esx.trust.plugins.module_utils._secrets.known_secrets import Hit
from ansible_collections.esx.trust.plugins.module_utils._secrets.known_secrets import KnownSecrets
from ansible_collections.esx.trust.plugins.module_utils._secrets.masks import MASK
from ansible_collections.esx.trust.plugins.module_utils._secrets.views import Original
from ansible_collections.esx.trust.plugins.module_utils._secrets.views import View
from ansible_collections.esx.trust.plugins.module_utils._secrets.views import derived

#: The most encodings that are decoded one after the other.
_DEPTH = 4
#: The most bytes of all views of a text together, as a multiple of its characters. A text that needs more is hostile,
#: and the whole text is masked.
_MOST_VIEWS = 40
#: So many bytes of views are allowed for every text.
_LEAST_BUDGET = 1 << 20

#: The names in results that hold sentences. All other names hold names, ids and certificates, which people use again
#: as options of modules.
FREE_TEXTS = frozenset(
    (
        "msg",
        "message",
        "hint",
        "warnings",
        "exception",
        "details",
        "default_message",
        "localized",
        "conflict",
        "reason",
    )
)
#: The names in results whose values are words of this collection and never secrets. The values of options that have
#: choices are such words, too.
_FIELDS_OF_WORDS = frozenset(("api_protocol", "code", "operation", "resource"))
_OUR_NAME = re.compile(r"[a-z_]+")

#: The types of a dictionary. Python finds out faster that a value is a dict than that it is any other mapping.
_MAPPINGS = (dict, Mapping)

#: Separates texts that are searched together. It belongs to no encoding.
_SEPARATOR = "\0"


class Masked(dict[str, Any]):
    """A result in which the secrets of a run are masked. It must not get further texts that can hold a secret.

    redactor: the redactor that masked the secrets.
    """

    def __init__(self, result: Mapping[str, Any], redactor: Redactor) -> None:
        super().__init__(result)
        self._redactor = redactor

    @property
    def secrets(self) -> frozenset[str]:
        """The secrets that are masked."""
        return self._redactor.secrets

    def extended(self, more: Mapping[str, Any], options_with_choices: Collection[str] = ()) -> Masked:
        """This result with more entries, in which the same secrets are masked.

        options_with_choices: see `Redactor.scrub_result`.
        """
        masked = self._redactor.scrub_result(more, options_with_choices)
        return Masked({**self, **masked}, self._redactor)


class Redactor:
    """Knows the secrets of one run, and masks them in any text."""

    def __init__(self, secrets: Iterable[Optional[str]] = ()) -> None:
        self._known = KnownSecrets()
        for secret in secrets:
            self.add(secret)

    def add(self, secret: Optional[str]) -> None:
        """Mask `secret`, in every encoding, from now on, and register it with ansible-core.

        None, and a text that is too short for a secret, are ignored.
        """
        self._known.add(secret)

    @property
    def secrets(self) -> frozenset[str]:
        """The secrets of the run so far."""
        return frozenset(self._known.words)

    def scrub(self, text: str) -> str:
        """The text with asterisks in the place of every secret, and of every twelve characters in a row of a secret."""
        return self._scrubbed([text], is_value=False)[0]

    def scrub_result(self, result: Mapping[str, Any], options_with_choices: Collection[str] = ()) -> Masked:
        """A result with the secrets masked in every text, number and name, at any depth.

        Sentences are masked as by `scrub`. All other texts are values: names, ids and certificates. In a value, a short
        secret is masked only if the whole value is that secret; else a short secret would damage many names.

        options_with_choices: the names of the options whose values come from a fixed list. Such a value is no secret.
        """
        texts = _Texts(_FIELDS_OF_WORDS.union(options_with_choices))
        texts.collect(result)
        sentences_changed = self._scrub_all(texts.sentences, is_value=False)
        values_changed = self._scrub_all(texts.values, is_value=True)

        number_is_secret = not self._known.words.isdisjoint(texts.numbers)
        if sentences_changed or values_changed or number_is_secret or texts.has_other_types:
            return Masked(self._rebuilt(result, None, texts), self)

        # Most results hold no secret. To copy them would take longer than the search for secrets.
        return Masked(result, self)

    def _scrub_all(self, texts: dict[str, str], *, is_value: bool) -> bool:
        """Replace each value of the dictionary by the scrubbed form of its key. True if one of them changed."""
        originals = list(texts)
        scrubbed = self._scrubbed(originals, is_value=is_value)
        if scrubbed == originals:
            return False

        texts.update(zip(originals, scrubbed))
        return True

    def _scrubbed(self, texts: list[str], *, is_value: bool) -> list[str]:
        """Each text with its secrets masked. All texts are searched together, which is faster than one by one.

        is_value: True for names and values, False for sentences.
        """
        if not texts or not self._known.words:
            return texts

        hits = self._found(_SEPARATOR.join(texts))
        if hits is None:
            return self._scrubbed_one_by_one(texts, is_value=is_value)
        if not hits:
            return texts

        hits.sort()
        scrubbed = []
        first = 0
        offset = 0

        for text in texts:
            end = offset + len(text)

            # The hits in the texts before are done.
            while first < len(hits) and hits[first].end <= offset:
                first += 1

            inside = _hits_between(hits, first, offset, end)
            if inside:
                text = self._masked(text, inside, is_value=is_value)

            scrubbed.append(text)

            offset = end + len(_SEPARATOR)

        return scrubbed

    def _scrubbed_one_by_one(self, texts: list[str], *, is_value: bool) -> list[str]:
        """Each text with its secrets masked, after the search of all texts together took too long.

        A text that takes too long by itself is masked whole.
        """
        if len(texts) == 1:
            return [MASK]

        scrubbed: list[str] = []
        for text in texts:
            scrubbed.extend(self._scrubbed([text], is_value=is_value))

        return scrubbed

    def _masked(self, text: str, hits: list[Hit], *, is_value: bool) -> str:
        """A text with those of its hits masked that count.

        is_value: True for a name or a value, False for a sentence.
        """
        if not is_value:
            return _replaced(
                text,
                [(hit.start, hit.end) for hit in hits if hit.kind != PART_OF_WORD],
            )

        if self._known.is_public_value(text):
            return text

        # White space at the ends, and the padding of Base64 at the end, do not belong to the value.
        value_start = len(text) - len(text.lstrip())
        value_end = len(text.rstrip())

        spans = []
        for hit in hits:
            is_whole_value = hit.start <= value_start and not text[hit.end : value_end].strip("=")
            if is_whole_value or hit.kind == RUN_OF_SECRET:
                spans.append((hit.start, hit.end))

        return _replaced(text, spans)

    def _rebuilt(self, value: Any, name: Optional[str], texts: _Texts) -> Any:
        """A part of a result, with every text replaced by its scrubbed form.

        name: the name under which the part stands.
        """
        if isinstance(value, str):
            is_no_secret = name in texts.fields_of_words and _is_short_word(value)
            return value if is_no_secret else texts.scrubbed(value, name)

        if isinstance(value, bool) or value is None:
            return value

        if isinstance(value, (int, float)):
            return MASK if str(value) in self._known.words else value

        if isinstance(value, _MAPPINGS):
            rebuilt = {}
            for key, entry in value.items():
                shown = key
                # A password like "failed" must not hide a name that Ansible reads.
                if isinstance(key, str) and not _is_short_word(key):
                    shown = texts.values.get(key, key)

                rebuilt[shown] = self._rebuilt(entry, _place(key, name), texts)

            return rebuilt

        if isinstance(value, (list, tuple, set, frozenset)):
            return [self._rebuilt(entry, name, texts) for entry in value]

        return value

    def _found(self, text: str) -> Optional[list[Hit]]:
        """The places of secrets, and of runs of secrets, in a text.

        None if the search would take too long, which only a hostile text can cause.
        """
        found: list[Hit] = []
        wanted = self._known.wanted
        budget = max(_LEAST_BUDGET, _MOST_VIEWS * len(text))
        original = Original(text)
        seen = {original.data}
        # Each view and the number of its decodings. The views with the fewest decodings come first.
        views: deque[tuple[int, View]] = deque([(0, original)])

        while views:
            depth, view = views.popleft()
            found.extend(self._known.found_in(view))
            if depth == _DEPTH:
                continue

            for decoded in derived(view, wanted):
                budget -= decoded.effort
                if decoded.data not in seen:
                    seen.add(decoded.data)
                    budget -= len(decoded.data)
                    views.append((depth + 1, decoded))

                if budget < 0:
                    return None

        return found


class _Texts:
    """The texts of a result, and the scrubbed form of each.

    fields_of_words: the names of the fields that hold words of this collection. A short word there is no secret.
    """

    def __init__(self, fields_of_words: frozenset[str]) -> None:
        self.fields_of_words = fields_of_words
        #: The numbers of the result, as texts.
        self.numbers: set[str] = set()
        #: True if the result holds a tuple, a set, or a mapping that is no dictionary. The masked copy holds a list or
        #: a dictionary instead.
        self.has_other_types = False
        #: The scrubbed form of each sentence, by the sentence.
        self.sentences: dict[str, str] = {}
        #: The scrubbed form of each other text, by the text: names, ids, certificates.
        self.values: dict[str, str] = {}

    def collect(self, value: Any, *, in_sentence: bool = False) -> None:
        """Add all texts of a part of a result. in_sentence: whether the part stands under a name of FREE_TEXTS."""
        if isinstance(value, str):
            texts = self.sentences if in_sentence else self.values
            texts[value] = value
        elif isinstance(value, _MAPPINGS):
            self.has_other_types = self.has_other_types or not isinstance(value, dict)
            for key, entry in value.items():
                if isinstance(key, str):
                    self.values[key] = key

                self.collect(entry, in_sentence=in_sentence or key in FREE_TEXTS)
        elif isinstance(value, (list, tuple, set, frozenset)):
            self.has_other_types = self.has_other_types or not isinstance(value, list)
            for entry in value:
                self.collect(entry, in_sentence=in_sentence)
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            self.numbers.add(str(value))

    def scrubbed(self, text: str, name: Optional[str]) -> str:
        """The scrubbed form of a text that stands under this name."""
        return self._under(name).get(text, text)

    def _under(self, name: Optional[str]) -> dict[str, str]:
        return self.sentences if name in FREE_TEXTS else self.values


def _place(key: Any, name: Optional[str]) -> Optional[str]:
    """The name that decides about the entry `key` of a dictionary that stands under `name`.

    Everything inside of a sentence counts as a sentence.
    """
    return name if name in FREE_TEXTS else str(key)


def _is_short_word(text: str) -> bool:
    """True for a text that may be a word of this collection or of Ansible, and that is too short to hold a run."""
    return len(text) < RUN and _OUR_NAME.fullmatch(text) is not None


def _hits_between(hits: list[Hit], first: int, start: int, end: int) -> list[Hit]:
    """The parts of the hits that lie between `start` and `end`, counted from `start`.

    hits: all hits, sorted. first: the index of the first hit that may lie there.
    """
    inside = []
    for index in range(first, len(hits)):
        hit = hits[index]
        if hit.start >= end:
            break

        if hit.end > start:
            inside_start = max(hit.start, start) - start
            inside_end = min(hit.end, end) - start
            inside.append(Hit(inside_start, inside_end, hit.kind))

    return inside


def _replaced(text: str, spans: list[tuple[int, int]]) -> str:
    """The text with a mask in the place of each span. Spans that touch get one mask together."""
    pieces: list[str] = []
    last = 0

    for start, end in sorted(spans):
        if start > last or not pieces:
            pieces += [text[last:start], MASK]

        last = max(last, end)

        # The padding of Base64 is masked, too: it tells the length of the secret.
        while text[last : last + 1] == "=":
            last += 1

    return "".join(pieces) + text[last:]
