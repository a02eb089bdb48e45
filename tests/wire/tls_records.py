# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The boundaries of TLS records in a stream of bytes."""

from __future__ import annotations

from typing import Union

#: A number of bytes from the start; or a TLS record, counted from 0, and a number of its bytes.
Position = Union[int, tuple[int, int]]

RECORD_HEADER = 5
#: The type of a record.
APPLICATION_DATA = 23


class Records:
    """Follows the boundaries of TLS records in a stream."""

    def __init__(self) -> None:
        self.starts = [0]
        self.kinds: list[int] = []

    def follow(self, stream: bytearray) -> None:
        while len(stream) >= self.starts[-1] + RECORD_HEADER:
            start = self.starts[-1]
            self.kinds.append(stream[start])
            self.starts.append(start + RECORD_HEADER + int.from_bytes(stream[start + 3 : start + 5], "big"))

    @property
    def lengths(self) -> list[int]:
        """Of every record whose header was seen, header included."""
        return [after - before for before, after in zip(self.starts, self.starts[1:], strict=False)]

    def place(self, position: Position) -> int | None:
        """The byte of the stream; None if it cannot be known yet."""
        if isinstance(position, int):
            return position
        record, offset = position
        if record >= len(self.starts):
            return None
        if record + 1 < len(self.starts):
            offset = min(offset, self.starts[record + 1] - self.starts[record])

        return self.starts[record] + offset
