# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Imports all libraries that belong neither to Python nor to ansible-core. No other file imports them.

If a library is missing, stand-ins take the places of its names, so that all other files can still be imported.
`MISSING` then tells the module which library it has to ask for.
"""

from __future__ import annotations

import os
import traceback
from typing import Any

from ansible.module_utils.basic import missing_required_lib
from ansible.module_utils.compat.version import LooseVersion

#: The traceback of the failed import, by the name of the missing library.
MISSING: dict[str, str] = {}

# When requests 2.32 is imported, it makes a TLS context. Python writes the secrets of that context into the file that
# this variable names, so the variable is hidden during the import.
_key_log = os.environ.pop("SSLKEYLOGFILE", None)

#: True if urllib3 lets Python check the name in a certificate (from urllib3 2 on), False if urllib3 checks it itself.
PYTHON_CHECKS_NAMES = False

try:
    import requests
    from requests.adapters import HTTPAdapter
    from urllib3._version import __version__ as _urllib3_version
    from urllib3.connection import HTTPSConnection
    from urllib3.connectionpool import HTTPSConnectionPool
    from urllib3.exceptions import HTTPError
    from urllib3.exceptions import InvalidHeader
    from urllib3.exceptions import SecurityWarning
    from urllib3.util import Retry

    try:
        from urllib3.util.ssl_match_hostname import CertificateError
    except ImportError:  # urllib3 before 1.26.8
        from urllib3.packages.ssl_match_hostname import CertificateError  # type: ignore[import-not-found,no-redef]
    PYTHON_CHECKS_NAMES = LooseVersion(_urllib3_version) >= LooseVersion("2")
except (ImportError, OSError):
    MISSING["requests"] = traceback.format_exc()
    # The plugins must load without the library, to say that it is missing. A type checker sees second definitions.
    requests: Any = None  # type: ignore[no-redef]
    HTTPAdapter: Any = object  # type: ignore[no-redef]
    HTTPSConnection: Any = object  # type: ignore[no-redef]
    HTTPSConnectionPool: Any = object  # type: ignore[no-redef]
    Retry: Any = None  # type: ignore[no-redef]
    HTTPError = SecurityWarning = InvalidHeader = CertificateError = Exception  # type: ignore[misc,assignment]
finally:
    if _key_log is not None:
        os.environ["SSLKEYLOGFILE"] = _key_log

try:
    import cryptography
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.asymmetric import padding
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.hazmat.primitives.serialization import Encoding
    from cryptography.hazmat.primitives.serialization import load_der_private_key
except ImportError:
    MISSING["cryptography"] = traceback.format_exc()
    # These are stand-ins too, as for requests.
    x509: Any = None  # type: ignore[no-redef]
    hashes: Any = None  # type: ignore[no-redef]
    ec: Any = None  # type: ignore[no-redef]
    padding: Any = None  # type: ignore[no-redef]
    rsa: Any = None  # type: ignore[no-redef]
    Encoding: Any = None  # type: ignore[no-redef]
    load_der_private_key: Any = None  # type: ignore[no-redef]
    InvalidSignature = UnsupportedAlgorithm = Exception  # type: ignore[misc,assignment]

#: The traceback of the failed import of each library that only some options need, by the name of the library. The code
#: of these options looks here before it uses the library.
MISSING_FOR_SOME: dict[str, str] = {}

try:
    from defusedxml.common import DefusedXmlException
    from defusedxml.ElementTree import ParseError
    from defusedxml.ElementTree import fromstring
except ImportError:
    MISSING_FOR_SOME["defusedxml"] = traceback.format_exc()
    fromstring: Any = None  # type: ignore[no-redef]
    # A handler of ValueError catches DefusedXmlException and not ParseError; the same is true of the stand-ins.
    DefusedXmlException = UnicodeError
    ParseError = SyntaxError

#: The oldest supported versions. The tests run with them.
OLDEST = {"requests": "2.25.1", "cryptography": "41.0.0"}


def _refuse_older(library: str, version: str) -> None:
    """Add the library to `MISSING` if the installed version is older than the oldest supported version."""
    oldest = OLDEST[library]
    if LooseVersion(version) < LooseVersion(oldest):
        MISSING[f"{library} >= {oldest}"] = f"The version that is installed is {version}."


if "requests" not in MISSING:
    _refuse_older("requests", requests.__version__)

if "cryptography" not in MISSING:
    _refuse_older("cryptography", cryptography.__version__)


def missing_message(library: str, reason: str = "") -> str:
    """The sentence that asks the user for a missing library, in Ansible's own words.

    reason: what the library is needed for, beginning with "to".
    """
    return str(missing_required_lib(library, reason=reason or None))


__all__ = [
    "MISSING",
    "MISSING_FOR_SOME",
    "PYTHON_CHECKS_NAMES",
    "CertificateError",
    "DefusedXmlException",
    "Encoding",
    "HTTPAdapter",
    "HTTPError",
    "HTTPSConnection",
    "HTTPSConnectionPool",
    "InvalidHeader",
    "InvalidSignature",
    "ParseError",
    "Retry",
    "SecurityWarning",
    "UnsupportedAlgorithm",
    "ec",
    "fromstring",
    "hashes",
    "load_der_private_key",
    "missing_message",
    "padding",
    "requests",
    "rsa",
    "x509",
]
