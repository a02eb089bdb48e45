# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan for a fleet: the same is said once, for any fleet in few lines, and nobody is left out of the whole plan."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.esx.trust.plugins.module_utils._engine.plan import Plan
from ansible_collections.esx.trust.plugins.plugin_utils._fleet_look import page
from ansible_collections.esx.trust.plugins.plugin_utils._fleet_look import plan
from ansible_collections.esx.trust.plugins.plugin_utils._fleet_look.look import Look
from ansible_collections.esx.trust.plugins.plugin_utils._fleet_look.outcome import hosts_by_need
from ansible_collections.esx.trust.plugins.plugin_utils._fleet_look.outcome import left_out
from ansible_collections.esx.trust.plugins.plugin_utils._fleet_look.outcome import sentence
from ansible_collections.esx.trust.plugins.plugin_utils._fleet_look.variables import FleetHost
from support.whole_hosts import NEW
from support.whole_hosts import OLD
from support.whole_hosts import absent
from support.whole_hosts import desired
from support.whole_hosts import host_with
from support.whole_hosts import issuer
from support.whole_hosts import planned

WHEN = "2026-01-31T08:00:00Z"


def changing(*operations: tuple[str, str, str], **more: Any) -> dict[str, Any]:
    done = [{"operation": action, "resource": resource, "id": name} for action, resource, name in operations]
    resources = [
        {"resource": r, "id": name, "status": "missing", "before": {}, "after": {}} for _o, r, name in operations
    ]
    return {"changed": True, "operations": done, "resources": resources, **more}


def failing(code: str, message: str) -> dict[str, Any]:
    return {"failed": True, "msg": message, "failure": {"code": code, "message": message, "hint": ""}}


FINE: dict[str, Any] = {"changed": False, "operations": [], "resources": []}
CREATE = changing(("create", "kms_provider", "site-a"))


def certificate(subject: str, sha256: str) -> dict[str, Any]:
    return {"subject": subject, "sha256": sha256, "not_after": "2030-01-01T00:00:00Z", "chain": 0, "position": 0}


def test_hosts_with_the_same_plan_share_a_line() -> None:
    update = changing(("update", "token_issuer", "vcenter01"))

    update["resources"] = [
        {
            "resource": "token_issuer",
            "id": "vcenter01",
            "status": "differs",
            "before": {"certificates": [certificate("CN=old", "11")]},
            "after": {"certificates": [certificate("CN=new", "22")]},
        }
    ]

    results = {f"esx{number:03}": CREATE for number in range(300)}
    results.update({f"esx{number:03}": update for number in range(7, 19)})
    results["esx200"] = failing("conflict", "10.0.0.1: the key provider 'site-a' is there with another key_id.")
    results["esx201"] = failing("unreachable", "10.0.0.2: no connection.")
    results["esx202"] = FINE
    made = plan.build({**results, "esx203": None}, WHEN)

    assert made["lines"] == [
        "284 hosts (esx000, …): create key provider site-a.",
        "12 hosts (esx007, …): update token issuer vcenter01, certificates of CN=new (ends 2030-01-01) replace those of"
        " CN=old (ends 2030-01-01).",
        "1 host (esx200): conflict, nothing will be written there: the key provider 'site-a' is there with another"
        " key_id.",
        "1 host (esx201): no answer, nothing will be written there.",
        "1 host (esx203): examined later by a task of its own, because its connection, become, interpreter or"
        " environment is not local, or esx_trust_in_worker is false.",
        "1 host (esx202): as declared.",
    ]

    assert made["groups"][1]["limit"] == ",".join(f"esx{number:03}" for number in range(7, 19))

    everywhere = dict.fromkeys(("a", "b", "c", "d"), CREATE)

    assert plan.build(everywhere, WHEN)["lines"] == ["4 hosts: create key provider site-a."]
    assert plan.build({"a": CREATE, "b": CREATE}, WHEN)["lines"] == ["2 hosts (a, b): create key provider site-a."]


def test_groups_of_a_size_stand_in_the_order_in_which_hosts_are_written() -> None:
    both = changing(("create", "kms_provider", "site-a"), ("create", "client_profile", "admins"))
    lines = plan.build({"a": both, "b": both}, WHEN)["lines"]
    assert [line.partition(": ")[2] for line in lines] == [
        "create key provider site-a.",
        "create client profile admins.",
    ]


def test_hosts_whose_variables_cannot_be_read_for_one_reason_share_a_line() -> None:
    given = [FleetHost(f"esx{number}", complaint="esx_timeout: cannot be read.") for number in range(9)]
    looked = Look(key_providers=False, threads=1, refusals=1).at(given)
    results = {host: result and result["trust"] for host, result in looked.items()}
    made = plan.build(results, WHEN)

    assert made["lines"] == ["9 hosts: cannot be examined: esx_timeout: cannot be read."]
    assert results["esx3"] is not None
    assert results["esx3"]["msg"] == "esx3: esx_timeout: cannot be read."


def test_what_was_done_is_said_in_the_same_groups() -> None:
    results = {"a": CREATE, "b": CREATE, "c": failing("api_error", "c: refused."), "d": FINE}
    assert plan.done(results) == [
        "2 hosts (a, b): created key provider site-a.",
        "1 host (c): failed: refused.",
        "1 host (d): as declared.",
    ]


def of_plan(made: Plan) -> dict[str, Any]:
    """The result of esx_host_trust in check mode."""
    operations = [step.describe() for step in made.steps]
    return {"changed": bool(operations), "operations": operations, "resources": made.found["resources"]}


def test_a_renaming_is_one_change() -> None:
    host = host_with(("vcenter01", "https://vc", OLD))
    renaming = planned(host, desired(issuers=[issuer("vc-new", "https://vc", OLD), absent("vcenter01")]))
    result = of_plan(renaming)

    assert len(result["operations"]) == 3
    assert plan.build({"a": result}, WHEN)["lines"] == ["1 host (a): rename token issuer vcenter01 to vc-new."]
    assert plan.done({"a": result}) == ["1 host (a): renamed token issuer vcenter01 to vc-new."]

    declared = [issuer("vc-new", "https://vc", NEW), issuer("vcenter01", "https://other", OLD)]
    first, second = plan.build({"a": of_plan(planned(host, desired(issuers=declared)))}, WHEN)["lines"]

    assert first.startswith("1 host (a): rename token issuer vcenter01 to vc-new, certificates of CN=new")
    assert second == "1 host (a): update token issuer vcenter01, issuer https://other replaces https://vc."


def test_an_alias_that_another_issuer_has_is_no_mere_renaming() -> None:
    host = host_with(("vcenter01", "https://vc", OLD), ("vc-new", "https://idp", OLD))
    renaming = planned(host, desired(issuers=[issuer("vc-new", "https://vc", OLD), absent("vcenter01")]))
    lines = plan.build({"a": of_plan(renaming)}, WHEN)["lines"]

    assert any("update token issuer vc-new, issuer https://vc replaces https://idp" in line for line in lines), lines


def test_a_host_that_was_written_and_failed_is_named_for_both() -> None:
    written = {"operations": [{"operation": "delete", "resource": "token_issuer", "id": "old"}]}
    results = {
        "a": {**failing("unreachable", "a: no connection."), **written},
        "b": {**failing("conflict", "b: somebody else changes it."), **written},
    }
    assert plan.done({**results, "c": {**FINE, "changed": True, **written}}) == [
        "3 hosts (a, b, c): deleted token issuer old.",
        "1 host (a): failed: no connection.",
        "1 host (b): failed: somebody else changes it.",
    ]


def test_differences_are_shown_once_for_all_hosts_that_share_them() -> None:
    diff = {"before": {"kms_providers": {}}, "after": {"kms_providers": {"site-a": {"type": "NATIVE"}}}}
    results = {f"esx{number}": {**CREATE, "diff": diff} for number in range(9)}
    results["fine"] = {**FINE, "diff": {"before": {}, "after": {}}}
    lines = plan.difference_lines(plan.build(results, WHEN)["differences"])

    assert lines[0] == "9 hosts (esx0, esx1, esx2 and 6 more):"
    assert [line for line in lines if "site-a" in line] == ['+    "site-a": {']


def test_a_write_that_a_host_did_not_keep_is_no_change() -> None:
    result = {**CREATE, "changed": False}
    assert plan.done({"a": result}) == ["1 host (a): written, and the host holds the same as before; see the warnings."]


_NAMES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)
_RESULTS = st.one_of(
    st.just(FINE),
    st.none(),
    st.builds(
        lambda names: changing(*((operation, "token_issuer", name) for operation, name in names)),
        st.lists(st.tuples(st.sampled_from(["create", "update", "delete"]), _NAMES), min_size=1, max_size=3),
    ),
    st.builds(failing, st.sampled_from(["conflict", "api_error", "unreachable", "invalid_input"]), _NAMES),
    st.builds(dict),
)


@given(st.lists(_RESULTS, min_size=1, max_size=200))
def test_any_fleet_fits_on_a_screen_and_nobody_is_forgotten(some: list[Any]) -> None:
    results = {f"esx{number:03}": result for number, result in enumerate(some)}
    made = plan.build(results, WHEN)

    # On the screen there is one more, which names the page.
    assert 0 < len(made["lines"]) < 40
    assert not any(unicodedata.category(letter) == "Cc" for line in made["lines"] for letter in line)
    assert {host for group in made["groups"] for host in group["hosts"]} == set(results) == set(made["hosts"])

    lists = hosts_by_need(results)
    parts = [lists["roll_out"], list(lists["failing"]), list(lists["down"]), lists["as_declared"]]

    assert sorted(host for part in parts for host in part) == sorted(results)


REFUSED = failing("unauthenticated", "b: refused.")
REFUSED["failure"].update({"status": 401, "login_refused": True})
RESULTS = {
    "a": CREATE,
    "b": REFUSED,
    "c": failing("unauthenticated", "c: was not examined, because b refused the same login."),
    "d": failing("conflict", "d: another key_id."),
    "e": failing("unreachable", "e: no connection."),
    "f": FINE,
    **dict.fromkeys(("g0", "g1", "g2", "g3"), CREATE),
}


def test_a_host_that_was_not_asked_is_distinguished_from_one_that_refused() -> None:
    lists = hosts_by_need(RESULTS)
    assert (lists["not_asked"], lists["conflicts"], list(lists["failing"])) == (["c"], ["d"], ["b", "c", "d"])
    assert lists["login_refused"] == ["b"]


def test_the_hosts_that_were_not_written_fail_at_the_end() -> None:
    """A host that was not asked fails only if each host has an event of its own, or if no other host failed."""
    lists = hosts_by_need(RESULTS)

    assert left_out(lists, ["a"], each_host=False) == ["b", "d", "e", "a"]
    assert left_out(lists, [], each_host=True) == ["b", "c", "d", "e"]
    assert left_out({**lists, "failing": ["c"]}, [], each_host=False) == ["c", "e"]


def test_the_outcome_is_one_sentence() -> None:
    lists = hosts_by_need(RESULTS)
    rest = "1 as declared, 1 conflict (d), 1 failed (b), 1 not asked, 1 down (e)"
    done = dict.fromkeys(lists["roll_out"], CREATE)

    assert sentence(lists, done, check_mode=False) == f"5 changed, {rest}."
    assert sentence(lists, done, check_mode=True) == f"5 to be changed, {rest}."
    assert sentence(lists, {}, check_mode=False) == f"{rest}, 5 not written (a, g0, g1, …)."

    failed = {**done, "a": failing("api_error", "a: refused.")}
    assert "4 changed, 1 as declared, 1 conflict (d), 2 failed (a, b)" in sentence(lists, failed, check_mode=False)
    assert sentence(hosts_by_need({}), {}, check_mode=False) == "No host."


def test_two_hundred_hosts_with_plans_of_their_own_fit_on_a_screen() -> None:
    results: dict[str, Any] = {
        f"esx{number:03}": changing(("delete", "token_issuer", f"alias{number}")) for number in range(200)
    }
    results.update({f"bad{number:03}": failing("conflict", f"bad: no. {number}") for number in range(100)})
    results["fine"] = FINE
    lines = plan.build(results, WHEN)["lines"]

    assert plan.LINES - 2 < len(lines) < 40
    assert re.fullmatch(r"\d+ hosts \(esx\d+, …\): other changes\.", lines[-4]), lines
    assert lines[-2].endswith("other conflicts, nothing will be written there.")
    assert lines[-1] == "1 host (fine): as declared."


def test_the_page_escapes_what_hosts_say_and_has_a_list_for_limit() -> None:
    results = {f"esx{number}": failing("api_error", "x: <script>alert(1)</script>") for number in range(400)}
    text = page.render(plan.build(results, WHEN))

    assert "<script>" not in text
    assert "&lt;script&gt;" in text
    assert "esx0,<wbr>esx1,<wbr>esx2" in text
    # A place where a line may break is not copied with the text.
    assert ",".join(f"esx{number}" for number in range(400)) in text.replace("<wbr>", "")
    assert "default-src 'none'" in text
