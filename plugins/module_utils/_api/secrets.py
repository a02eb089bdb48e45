# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes secrets out of text that comes from elsewhere, in whatever reversible encoding they come.

A text is decoded again and again into views (`views`). Where a view holds a run of a secret (`known_secrets`), the
place in the original text is masked.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable
from collections.abc import Mapping
from typing import Any
from typing import Optional

from ansible_collections.esx.trust.plugins.module_utils._api.known_secrets import PART_OF_WORD
from ansible_collections.esx.trust.plugins.module_utils._api.known_secrets import RUN
from ansible_collections.esx.trust.plugins.module_utils._api.known_secrets import RUN_OF_ONE
from ansible_collections.esx.trust.plugins.module_utils._api.known_secrets import Hit
from ansible_collections.esx.trust.plugins.module_utils._api.known_secrets import KnownSecrets
from ansible_collections.esx.trust.plugins.module_utils._api.views import Original
from ansible_collections.esx.trust.plugins.module_utils._api.views import View
from ansible_collections.esx.trust.plugins.module_utils._api.views import derived

MASK = "********"
#: What Ansible and we write in the place of a secret.
MASKS = (MASK, "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER", "$REDACTED$")
#: How many encodings a secret may have, one over the other.
_DEPTH = 4
#: Bytes of all views of one text together, as a multiple of the text, and at least. More is hostile, and masked whole.
_MOST_VIEWS = 40
_LEAST_BUDGET = 1 << 20

#: The names in results under which sentences stand. All others hold names, ids and certificates, which people give
#: back to modules.
FREE_TEXTS = frozenset(
    ("msg", "message", "hint", "warnings", "exception", "details", "default_message", "localized", "conflict", "reason")
)
#: The names in results whose values are words of ours and never anybody's secret.
_OUR_WORDS = frozenset(
    (
        "api_protocol",
        "auth_method",
        "chains_mode",
        "code",
        "entitlements_mode",
        "issuer_conflict",
        "operation",
        "resource",
        "state",
    )
)
_OUR_NAME = re.compile(r"[a-z_]+")

#: Between two texts that are looked at as one: part of no encoding.
_SEPARATOR = "\0"


def is_masked(text: str) -> bool:
    """True if a mask has eaten a part of the text."""
    return any(mask in text for mask in MASKS)


class Redactor:
    """Knows the secrets of one run and masks them in any text."""

    def __init__(self, secrets: Iterable[Optional[str]] = ()) -> None:
        self._known = KnownSecrets()
        for secret in secrets:
            self.add(secret)

    def add(self, secret: Optional[str]) -> None:
        """Mask `secret`, in every encoding, from now on; ansible-core learns of it too. Very short texts are none."""
        self._known.add(secret)

    def scrub(self, text: str) -> str:
        """The text with every known secret replaced by asterisks, and every run of twelve characters of it."""
        return self._scrubbed([text], record=False)[0]

    def scrub_value(self, text: str) -> str:
        """The text, which is a name, an id or a certificate, masked only where it is a secret or holds a run of one."""
        return self._scrubbed([text], record=True)[0]

    def scrub_result(self, result: Mapping[str, Any]) -> dict[str, Any]:
        """A result with every text, number and name in it scrubbed, at any depth.

        Sentences are scrubbed as by `scrub`, names and values that modules take back as by `scrub_value`.
        """
        found: dict[bool, dict[str, str]] = {False: {}, True: {}}
        _collect(result, None, found)
        for record, texts in found.items():
            scrubbed = self._scrubbed(list(texts), record=record)
            texts.update(zip(list(texts), scrubbed))
        rebuilt: dict[str, Any] = self._rebuilt(result, None, found)
        return rebuilt

    def _scrubbed(self, texts: list[str], *, record: bool) -> list[str]:
        """What is left of each text. All are looked at as one, which is much faster than one after the other."""
        if not self._known.words:
            return texts
        joined = _SEPARATOR.join(texts)
        hits = self._found(joined)
        if hits is None:
            # Nobody can look at everything in it. Looked at alone, the others may be clear.
            return [MASK] if len(texts) == 1 else [self._scrubbed([text], record=record)[0] for text in texts]
        if not hits:
            return texts
        hits.sort()
        scrubbed = []
        offset = 0
        first = 0
        for text in texts:
            end = offset + len(text)
            while first < len(hits) and hits[first].end <= offset:
                first += 1
            inside = []
            for hit in hits[first:]:
                if hit.start >= end:
                    break
                if hit.end > offset:
                    inside.append(Hit(max(hit.start, offset) - offset, min(hit.end, end) - offset, hit.kind))
            scrubbed.append(self._masked(text, inside, record=record) if inside else text)
            offset = end + len(_SEPARATOR)
        return scrubbed

    def _masked(self, text: str, hits: list[Hit], *, record: bool) -> str:
        """A text with the hits masked that count in it."""
        if not record:
            return _replaced(text, [(hit.start, hit.end) for hit in hits if hit.kind != PART_OF_WORD])
        if self._known.names_itself(text):
            return text
        begin, end = len(text) - len(text.lstrip()), len(text.rstrip())
        spans = []
        for hit in hits:
            # Behind a whole value in Base64 there may be padding.
            whole = hit.start <= begin and not text[hit.end : end].strip("=")
            if hit.kind == RUN_OF_ONE or whole:
                spans.append((hit.start, hit.end))
        return _replaced(text, spans)

    def _rebuilt(self, value: Any, name: Optional[str], found: Mapping[bool, Mapping[str, str]]) -> Any:
        if isinstance(value, str):
            if name in _OUR_WORDS and _OUR_NAME.fullmatch(value) and len(value) < RUN:
                return value
            return found[name not in FREE_TEXTS].get(value, value)
        if isinstance(value, bool) or value is None:
            return value
        if isinstance(value, (int, float)):
            return MASK if str(value) in self._known.words else value
        if isinstance(value, Mapping):
            rebuilt = {}
            for key, entry in value.items():
                shown = self._rebuilt_name(key, found)
                rebuilt[shown] = self._rebuilt(entry, _place(key, name), found)
            return rebuilt
        if isinstance(value, (list, tuple, set, frozenset)):
            return [self._rebuilt(entry, name, found) for entry in value]
        return value

    def _rebuilt_name(self, key: Any, found: Mapping[bool, Mapping[str, str]]) -> Any:
        # A password like "failed" must not take away what Ansible reads.
        if not isinstance(key, str) or (_OUR_NAME.fullmatch(key) and len(key) < RUN):
            return key
        return found[True].get(key, key)

    def _found(self, text: str) -> Optional[list[Hit]]:
        """Where a secret or a run of one stands in the text; None if it is made to take too long to look."""
        found: list[Hit] = []
        wanted = self._known.wanted
        budget = max(_LEAST_BUDGET, _MOST_VIEWS * len(text))
        original = Original(text)
        seen = {original.data}
        # The views that took the fewest steps come first: from them most steps are left.
        views: deque[tuple[int, View]] = deque([(0, original)])
        while views:
            depth, view = views.popleft()
            found.extend(self._known.found_in(view))
            if depth == _DEPTH:
                continue

            for further in derived(view, wanted):
                budget -= further.effort
                if further.data not in seen:
                    seen.add(further.data)
                    budget -= len(further.data)
                    views.append((depth + 1, further))
                if budget < 0:
                    return None
        return found


def _replaced(text: str, spans: list[tuple[int, int]]) -> str:
    """The text with a mask for each of the spans; for those that touch, one for all."""
    pieces: list[str] = []
    last = 0
    for start, end in sorted(spans):
        if start > last or not pieces:
            pieces += [text[last:start], MASK]
        last = max(last, end)
        # The padding of Base64 tells the length of what was masked, and more of it can hold the last bits.
        while text[last : last + 1] == "=":
            last += 1
    return "".join(pieces) + text[last:]


def _collect(value: Any, name: Optional[str], found: Mapping[bool, dict[str, str]]) -> None:
    """Put every text of a result where it belongs: among the sentences (False) or among the values (True)."""
    if isinstance(value, str):
        found[name not in FREE_TEXTS][value] = value
    elif isinstance(value, Mapping):
        for key, entry in value.items():
            if isinstance(key, str):
                found[True][key] = key
            _collect(entry, _place(key, name), found)
    elif isinstance(value, (list, tuple, set, frozenset)):
        for entry in value:
            _collect(entry, name, found)


def _place(key: Any, name: Optional[str]) -> Optional[str]:
    """The name under which an entry stands: all that is inside of sentences is one."""
    return name if name in FREE_TEXTS else str(key)
