# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the API offers, as data: one `Operation` for each operation that the collection uses."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Optional
from urllib.parse import quote
from urllib.parse import urlencode

from ansible_collections.esx.trust.plugins.module_utils._errors import InvalidInput


def path_element(name: str, value: str) -> str:
    """`value` if it can be one element of a path. Raises InvalidInput, which calls it `name`."""
    if not value:
        raise InvalidInput(f"{name}: is empty.")
    if value in (".", ".."):
        # Everything on the way removes such an element from a path, and the request would mean something else.
        raise InvalidInput(f"{name}: {value!r} cannot be the name of anything in a URL.")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InvalidInput(f"{name}: is no valid Unicode text.") from None
    return value


@dataclass(frozen=True)
class Operation:
    """One operation of the API, as its reference declares it.

    id: the operation's full name in the API.
    method, path: of the REST form; names in braces are path parameters.
    success, errors: the HTTP codes and the error types that the reference documents; hosts may differ.
    returns: whether a successful answer has a body. secret: whether that body is one, so that it is never quoted.
    public: whether it needs no login; then none is sent. media: what the body is written in, "json" or "xml".
    """

    id: str
    method: str
    path: str
    success: tuple[int, ...]
    errors: tuple[str, ...]
    returns: bool = False
    secret: bool = False
    public: bool = False
    media: str = "json"

    @property
    def title(self) -> str:
        """How messages call it."""
        return f"{self.method} {self.path}"

    @property
    def reads(self) -> bool:
        """True if the operation changes nothing, so that it may be repeated at will."""
        return self.method == "GET"

    def url_path(self, parameters: Optional[Mapping[str, str]] = None, query: Iterable[tuple[str, str]] = ()) -> str:
        """The path with its parameters filled in, percent-encoded, and the query behind it. Raises InvalidInput."""
        elements = {name: quote(path_element(name, value), safe="") for name, value in (parameters or {}).items()}
        path = self.path.format(**elements)
        encoded = urlencode(list(query), quote_via=quote)
        return f"{path}?{encoded}" if encoded else path
