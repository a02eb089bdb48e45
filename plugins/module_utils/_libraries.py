# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The only place that imports what is not in Python or ansible-core.

Where a library is missing, its names are stand-ins that let the files above be imported, and `MISSING`
says what the module has to ask for.
"""

from __future__ import annotations

import traceback
from typing import Any

#: Name of a missing library -> the traceback of its import, for `missing_required_lib`.
MISSING: dict[str, str] = {}

try:
    import requests
    from requests.adapters import HTTPAdapter
    from urllib3.connection import HTTPSConnection
    from urllib3.connectionpool import HTTPSConnectionPool
    from urllib3.exceptions import HTTPError
    from urllib3.exceptions import InsecureRequestWarning
    from urllib3.exceptions import InvalidHeader
    from urllib3.util import Retry
    from urllib3.util.ssl_ import create_urllib3_context
    from urllib3.util.ssl_match_hostname import CertificateError
except ImportError:
    MISSING["requests"] = traceback.format_exc()
    requests: Any = None  # type: ignore[no-redef]
    HTTPAdapter: Any = object  # type: ignore[no-redef]
    HTTPSConnection: Any = object  # type: ignore[no-redef]
    HTTPSConnectionPool: Any = object  # type: ignore[no-redef]
    create_urllib3_context: Any = None  # type: ignore[no-redef]
    Retry: Any = None  # type: ignore[no-redef]
    HTTPError = InsecureRequestWarning = InvalidHeader = CertificateError = Exception  # type: ignore[misc,assignment]

try:
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.serialization import Encoding
    from cryptography.hazmat.primitives.serialization import load_der_private_key
except ImportError:
    MISSING["cryptography"] = traceback.format_exc()
    x509: Any = None  # type: ignore[no-redef]
    hashes: Any = None  # type: ignore[no-redef]
    Encoding: Any = None  # type: ignore[no-redef]
    load_der_private_key: Any = None  # type: ignore[no-redef]
    InvalidSignature = UnsupportedAlgorithm = Exception  # type: ignore[misc,assignment]

__all__ = [
    "MISSING",
    "CertificateError",
    "Encoding",
    "HTTPAdapter",
    "HTTPError",
    "HTTPSConnection",
    "HTTPSConnectionPool",
    "InsecureRequestWarning",
    "InvalidHeader",
    "InvalidSignature",
    "Retry",
    "UnsupportedAlgorithm",
    "create_urllib3_context",
    "hashes",
    "load_der_private_key",
    "requests",
    "x509",
]
