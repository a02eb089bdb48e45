# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The escapes that texts are written with, and the bytes that they stand for."""

from __future__ import annotations

import html
import re
from re import Match

# The escapes of JSON, Python, JavaScript and C. `backslash` reads the groups.
BACKSLASH = re.compile(
    rb"""
    \\(?:
        u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})  # two halves of one character
        | u([0-9a-fA-F]{4})        # a character of 16 bits
        | u\{([0-9a-fA-F]{1,6})\}  # any character, in JavaScript
        | U([0-9a-fA-F]{8})        # any character, in Python
        | x([0-9a-fA-F]{2})        # a byte
        | ([0-3][0-7]{2})          # a byte in octal digits
        | ([^uUx])                 # a letter, such as n for the end of a line
    )
    """,
    re.DOTALL | re.VERBOSE,
)
# JSON has fewer escapes: octal and hexadecimal escapes of Python are none in JSON. The groups that can never match keep
# the numbers of the groups the same as above.
BACKSLASH_OF_JSON = re.compile(
    rb"""
    \\(?:
        u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})
        | u([0-9a-fA-F]{4})
        | (?!)()
        | (?!)()
        | (?!)()
        | (?!)()
        | (["\\/bfnrt])
    )
    """,
    re.VERBOSE,
)
_BACKSLASH_NAMES = {
    b"n": b"\n",
    b"r": b"\r",
    b"t": b"\t",
    b"b": b"\b",
    b"f": b"\f",
    b"v": b"\v",
    b"a": b"\a",
}
# Old scripts write a character as %u and four hexadecimal digits.
PERCENT = re.compile(rb"%(?:([0-9a-fA-F]{2})|u([0-9a-fA-F]{4}))")
PERCENT_OR_PLUS = re.compile(rb"%(?:([0-9a-fA-F]{2})|u([0-9a-fA-F]{4}))|\+")
# Zeros may stand before the number of a character. Their number is limited, because Python refuses to read numbers with
# thousands of digits.
ENTITY = re.compile(
    rb"""
    &(?:
        \#0{0,99}[0-9]{1,7}              # the number of a character
        | \#[xX]0{0,99}[0-9a-fA-F]{1,6}  # the same in hexadecimal digits
        | [A-Za-z][A-Za-z0-9]{1,31}      # the name of a character
    );?
    """,
    re.VERBOSE,
)
# A number in a list of bytes, with the separators behind it. Java prints bytes with a sign.
# A number with a point in it is no byte, but a full stop may stand behind a list.
DECIMAL = re.compile(rb"(?<![0-9])(?<![0-9]\.)(-?[0-9]{1,3})(?![0-9]|\.[0-9])[,;+\s\"']{0,40}")


def backslash(match: Match[bytes]) -> bytes:
    """The bytes that an escape with a backslash stands for."""
    high, low, four, braced, eight, byte, octal, character = match.groups()
    if byte:
        return bytes([int(byte, 16)])
    if octal:
        return bytes([int(octal, 8)])
    if character is not None:
        return _BACKSLASH_NAMES.get(character, character)

    code = int(high or four or braced or eight, 16)
    if high:
        # JSON writes a character that needs more than 16 bits as two halves.
        code = 0x10000 + ((code - 0xD800) << 10) + int(low, 16) - 0xDC00

    if code >= 0x110000:
        # There is no such character, so this is no escape.
        return match[0]

    return chr(code).encode("utf-8", "surrogatepass")


def backslash_of_characters(match: Match[bytes]) -> bytes:
    """The bytes of a Python escape whose two digits are the number of a character."""
    digits = match[6]
    if digits:
        return chr(int(digits, 16)).encode()

    return backslash(match)


def percent(match: Match[bytes]) -> bytes:
    """The bytes that an escape of a URL, or the plus sign of a form, stands for."""
    byte, character = match.groups()
    if character:
        return chr(int(character, 16)).encode("utf-8", "surrogatepass")
    if byte:
        return bytes([int(byte, 16)])

    return b" "


def entity(match: Match[bytes]) -> bytes:
    """The bytes of the character that an HTML entity stands for."""
    return html.unescape(match[0].decode()).encode("utf-8", "surrogatepass")


def decimal(match: Match[bytes]) -> bytes:
    """The byte that a decimal number stands for, with or without a sign."""
    number = int(match[1])
    return bytes([number & 0xFF]) if -128 <= number <= 255 else match[0]


def holds_numbers(data: bytes, least: int) -> bool:
    """True if at least so many numbers stand behind each other, with nothing but separators between them."""
    numbers_in_a_row = 0
    end = 0

    for match in DECIMAL.finditer(data):
        follows = match.start() == end
        numbers_in_a_row = numbers_in_a_row + 1 if follows else 1
        end = match.end()

        if numbers_in_a_row >= least:
            return True

    return False
