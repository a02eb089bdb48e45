# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The only place that imports what is not in Python or ansible-core.

Where a library is missing, its names are stand-ins that let the files above be imported, and `MISSING`
says what the module has to ask for.
"""

from __future__ import annotations

import os
import traceback
from typing import Any

from ansible.module_utils.compat.version import LooseVersion

#: Name of a missing library -> the traceback of its import, for `missing_required_lib`.
MISSING: dict[str, str] = {}

# requests 2.32 makes a TLS context when it is imported, which writes the secrets of TLS into the file of this variable.
_key_log = os.environ.pop("SSLKEYLOGFILE", None)

#: Whether urllib3 lets Python check the name in a certificate (from 2 on) or does it itself.
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
    x509: Any = None  # type: ignore[no-redef]
    hashes: Any = None  # type: ignore[no-redef]
    ec: Any = None  # type: ignore[no-redef]
    padding: Any = None  # type: ignore[no-redef]
    rsa: Any = None  # type: ignore[no-redef]
    Encoding: Any = None  # type: ignore[no-redef]
    load_der_private_key: Any = None  # type: ignore[no-redef]
    InvalidSignature = UnsupportedAlgorithm = Exception  # type: ignore[misc,assignment]

#: The same for what only some options need; whoever needs it looks.
MISSING_FOR_SOME: dict[str, str] = {}

try:
    from defusedxml.common import DefusedXmlException
    from defusedxml.ElementTree import ParseError
    from defusedxml.ElementTree import fromstring
except ImportError:
    MISSING_FOR_SOME["defusedxml"] = traceback.format_exc()
    fromstring: Any = None  # type: ignore[no-redef]
    # Related as the true ones are: the one is a ValueError, the other none.
    DefusedXmlException = UnicodeError
    ParseError = SyntaxError

#: The oldest versions that the tests run with.
OLDEST = {"requests": "2.25.1", "cryptography": "41.0.0"}


def _too_old(library: str, version: str) -> None:
    if LooseVersion(version) < LooseVersion(OLDEST[library]):
        MISSING[f"{library} >= {OLDEST[library]}"] = f"The version that is installed is {version}."


if "requests" not in MISSING:
    _too_old("requests", requests.__version__)
if "cryptography" not in MISSING:
    _too_old("cryptography", cryptography.__version__)

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
    "padding",
    "requests",
    "rsa",
    "x509",
]
