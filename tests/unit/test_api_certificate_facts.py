# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The form in which a host returns certificates."""

from __future__ import annotations

from ansible_collections.esx.trust.plugins.module_utils._services.api_certificate_facts import certificate_facts
from support.certificates import chain


def test_the_form_of_certificates() -> None:
    leaf, root = chain(2)
    crlf = leaf.replace("\n", "\r\n")
    facts = certificate_facts([{"cert_chain": [leaf, root]}, {"cert_chain": [crlf]}])

    assert facts == {
        "forms": ["pem", "pem, CRLF"],
        "line_lengths": [64],
        "trailing_newline": True,
        "one_certificate_each": True,
        "chain_lengths": [1, 2],
        "leaf_first": True,
        "ends_with_self_signed": True,
    }

    assert certificate_facts([{"cert_chain": [root, leaf]}])["leaf_first"] is False

    body = "".join(leaf.splitlines()[1:-1])

    assert certificate_facts([{"cert_chain": [body]}])["forms"] == ["base64"]
    assert certificate_facts([{"cert_chain": [leaf.replace("\n", "\\n")]}])["forms"] == ["pem, line ends written out"]
    assert certificate_facts([{"cert_chain": [leaf.replace("\n", "")]}])["forms"] == ["pem, one line"]
    assert certificate_facts([{"cert_chain": [leaf + root]}])["one_certificate_each"] is False
    assert certificate_facts([{"cert_chain": ["no certificate"]}])["forms"] == ["other"]
    assert certificate_facts([])["trailing_newline"] is None
