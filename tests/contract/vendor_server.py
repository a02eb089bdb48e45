# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The vendor's own server runtime in a process of its own, with the services of vendor_services, over TLS."""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path

from environment import ROOT
from simulator.certificates import issue
from support.ports import free_port
from support.programs import clean_environment

ADDRESS = "127.0.0.1"
START_TIMEOUT = 60.0
PROPERTIES = """\
[endpoint]
provider.type = AuthenticationFilter,LocalProvider
provider.name = esx
local.interfaces = contract.vendor_services
protocol = https_json
protocol.https_json.rpc = https://{address}:{port}/api
protocol.https_json.rpc.server = wsgi
protocol.https_json.msg = json
protocol.https_json.ssl.certdir = {folder}
protocol.https_json.ssl.certfile = server.pem
protocol.https_json.ssl.keyfile = server.key

[jsonrpc]
{prefix}

[logging]
default = false

[vmware.vapi.security.authentication_filter]
handlers = contract.vendor_services.Authentication
"""
# The runtime sets a locale that not every machine has.
START = """\
import sys
from vmware.vapi.l10n import constants
constants.DEFAULT_LOCALE = "C.UTF-8"
from contract.vendor_server import serve
serve(sys.argv[1])
"""


@dataclass(frozen=True)
class VendorHost:
    """A host that the vendor's server plays."""

    address: str
    port: int
    ca_path: str
    username: str
    password: str
    _process: subprocess.Popen[str] = field(repr=False)

    @property
    def url(self) -> str:
        """Without the path of the API."""
        return f"https://{self.address}:{self.port}"

    def reset(self) -> None:
        """Forgets everything: providers, issuers, client profiles, tokens."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None

        self._process.stdin.write("reset\n")
        self._process.stdin.flush()

        assert self._process.stdout.readline() == "done\n"


def serve(properties: str) -> None:
    """The process: serves until its standard input ends; a line of it asks for a reset."""
    from vmware.vapi.server.vapid import create_servers

    from contract import vendor_services

    (server,) = create_servers(properties)
    threading.Thread(target=server.serve_forever, daemon=True).start()

    for _line in sys.stdin:
        vendor_services.STATE.forget()
        print("done", flush=True)


@contextlib.contextmanager
def vendor_server(folder: Path, *, prefix: bool = False) -> Iterator[VendorHost]:
    """Starts the server and ends it; with `prefix` it answers nothing but /api."""
    from contract.vendor_services import PASSWORD
    from contract.vendor_services import USERNAME

    authority = issue("Vendor's server", authority=True)
    identity = issue("esx", authority, names=(ADDRESS,))
    (folder / "ca.pem").write_text(authority.pem, encoding="ascii")
    (folder / "server.pem").write_text(identity.pem, encoding="ascii")
    (folder / "server.key").write_text(identity.key_pem, encoding="ascii")

    port = free_port(ADDRESS)
    properties = folder / "vapi.properties"
    words = PROPERTIES.format(address=ADDRESS, port=port, folder=folder, prefix="prefix = /api" if prefix else "")
    properties.write_text(words, encoding="utf-8")
    imported = os.pathsep.join([str(ROOT / "tests"), str(ROOT / "tools")])
    command = [sys.executable, "-c", START, str(properties)]

    with (
        (folder / "log").open("w", encoding="utf-8") as log,
        subprocess.Popen(
            command,
            env=clean_environment(PYTHONPATH=imported),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        ) as process,
    ):
        try:
            host = VendorHost(ADDRESS, port, str(folder / "ca.pem"), USERNAME, PASSWORD, process)
            _wait(host, folder / "log")
            yield host
        finally:
            process.kill()


def _wait(host: VendorHost, log: Path) -> None:
    """Until the server takes connections."""
    context = ssl.create_default_context(cafile=host.ca_path)
    end = time.monotonic() + START_TIMEOUT

    while host._process.poll() is None and time.monotonic() < end:
        with (
            contextlib.suppress(OSError),
            socket.create_connection((host.address, host.port), timeout=5) as plain,
            context.wrap_socket(plain, server_hostname=host.address),
        ):
            return

        time.sleep(0.05)

    raise RuntimeError(f"The vendor's server did not start: {log.read_text(encoding='utf-8')}")
