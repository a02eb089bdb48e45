# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whom the modules believe to be the host."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from simulator import Fleet

if TYPE_CHECKING:
    from simulator import Host
    from support.modules import Modules

#: The host holds what a run declares of itself, so that a run that succeeds changes nothing.
pytestmark = pytest.mark.usefixtures("held_provider")


def test_an_unknown_certificate_is_refused_before_the_login(modules: Modules, host: Host) -> None:
    ran = modules.kms_provider(ca_path=None)
    assert ran.result["failure"]["code"] == "untrusted"
    assert "ca_path" in ran.message
    assert "thumbprint" in ran.message
    assert host.journal == []


@pytest.mark.parametrize("form", ["colons", "bare", "lower", "named"])
def test_a_pinned_certificate_needs_no_ca(modules: Modules, host: Host, form: str) -> None:
    pin = host.fingerprint
    forms = {"colons": pin, "bare": pin.replace(":", ""), "lower": pin.lower(), "named": f"SHA256:{pin}"}
    assert not modules.kms_provider(ca_path=None, thumbprint=forms[form]).failed


@pytest.mark.parametrize("validate_certs", [True, False])
def test_another_certificate_than_the_pinned_one_is_refused(
    modules: Modules, host: Host, fleet: Fleet, validate_certs: bool
) -> None:
    stranger = next(neighbour for neighbour in fleet.hosts if neighbour.address != host.address)
    ran = modules.kms_provider(thumbprint=stranger.fingerprint, validate_certs=validate_certs)

    assert ran.result["failure"]["code"] == "untrusted"
    assert host.fingerprint in ran.message
    assert host.journal == []


def test_without_validation_it_works_and_warns(modules: Modules) -> None:
    ran = modules.kms_provider(ca_path=None, validate_certs=False)
    assert not ran.failed
    assert "validate_certs" in ran.warnings


def test_a_certificate_of_another_name_is_refused(modules: Modules, host: Host) -> None:
    with Fleet(hosts=1) as strangers:
        strangers.hosts[0].renew_certificate(name="elsewhere.example.com")
        ran = modules.kms_provider(
            hostname=strangers.hosts[0].address, port=strangers.hosts[0].port, ca_path=strangers.ca_path
        )

        assert ran.result["failure"]["code"] == "untrusted"
        assert strangers.hosts[0].journal == []


def test_a_folder_of_cas_is_read(modules: Modules, fleet: Fleet, tmp_path: Path) -> None:
    ca = tmp_path / "ca.pem"
    ca.write_text(Path(fleet.ca_path).read_text())
    # OpenSSL finds a certificate in a folder by a hash of its subject.
    command = ["openssl", "x509", "-hash", "-noout", "-in", str(ca)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    ca.rename(tmp_path / f"{done.stdout.strip()}.0")

    assert not modules.kms_provider(ca_path=str(tmp_path)).failed


def test_a_file_without_certificates_is_named(modules: Modules, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")
    ran = modules.kms_provider(ca_path=str(tmp_path / "ca.pem"))

    assert ran.failed
    assert "ca_path" in ran.message
