# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How services become one plan for one host: their order, their conflicts, and who is asked about which step.

The services here are made up, because the engine knows no service.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field
from typing import Any
from typing import Optional
from typing import cast

import pytest

from ansible_collections.esx.trust.plugins.module_utils._api.client import Client
from ansible_collections.esx.trust.plugins.module_utils._engine.declared_host import DeclaredHost
from ansible_collections.esx.trust.plugins.module_utils._engine.declared_service import DeclaredService
from ansible_collections.esx.trust.plugins.module_utils._engine.plan import Plan
from ansible_collections.esx.trust.plugins.module_utils._engine.plan import ResourcePlan
from ansible_collections.esx.trust.plugins.module_utils._engine.plan import ServicePlan
from ansible_collections.esx.trust.plugins.module_utils._engine.plan import Step
from ansible_collections.esx.trust.plugins.module_utils._errors import InvalidInput

NOBODY = cast(Client, None)


@dataclass(frozen=True)
class Made:
    """A service whose host holds names. wanted: the names, each with True for present and False for absent."""

    kind: str
    held: tuple[str, ...] = ()
    wanted: Mapping[str, bool] = field(default_factory=dict)
    conflict: str = ""
    general: str = ""
    keeps_a_form: bool = False

    @property
    def kinds(self) -> tuple[str, ...]:
        return (self.kind,)

    def observe(self, client: Client) -> frozenset[str]:
        return frozenset(self.held)

    def look_again(self, client: Client, steps: Sequence[Step], observed: frozenset[str]) -> Optional[frozenset[str]]:
        assert steps

        return observed | {f"{self.kind} seen again"} if self.keeps_a_form else None

    def plan(self, observed: frozenset[str]) -> ServicePlan:
        resources = []

        for name, present in self.wanted.items():
            before, after = ({"name": name} if there else {} for there in (name in observed, present))
            change = Step.between(self.kind, name, before or None, after or None)
            plan_of_entry = Plan(
                before, after, () if bool(before) == present else (change,), (f"about {name}",), self.conflict or None
            )
            resources.append(ResourcePlan.of(self.kind, name, "present" if present else "absent", plan_of_entry))

        steps = tuple(step for resource in resources for step in resource.steps)

        return ServicePlan(
            resources=tuple(resources),
            added=tuple(step for step in steps if step.after),
            removed=tuple(step for step in steps if not step.after),
            before={f"{self.kind}s": [{"name": name} for name in sorted(observed)]},
            after={f"{self.kind}s": [resource.after for resource in resources if resource.after]},
            warnings=(f"of {self.kind}",),
            conflicts=(self.general,) if self.general else (),
        )

    def perform(self, client: Client, step: Step) -> Any:
        return f"{self.kind} did {step.id}"

    def was_carried_out(self, observed: frozenset[str], step: Step) -> bool:
        return (step.id in observed) == (step.after is not None)

    def is_same(self, step: Step, other: Step) -> bool:
        return bool(step.before == other.before)

    def carry_out(self, observed: frozenset[str], steps: Sequence[Step]) -> frozenset[str]:
        return observed.union(step.id for step in steps if step.after).difference(
            step.id for step in steps if not step.after
        )

    def restoring_steps(self, observed: frozenset[str], sent: Sequence[Step]) -> list[Step]:
        return [Step.between(self.kind, step.id, step.after, step.before) for step in reversed(sent)]

    def left_over(self, observed: frozenset[str], sent: Sequence[Step]) -> list[str]:
        return [f"{self.kind} left {step.id}" for step in sent]

    def difference_from_written(self, observed: frozenset[str], step: Step) -> str:
        return f"{self.kind} of {len(observed)}"

    def check_address(self, step: Step) -> None:
        if step.id == "..":
            raise InvalidInput("name: no.")

    def shown(self, records: Any) -> dict[str, Any]:
        return dict(records)

    def with_ids(self, records: Any, answers: Any) -> Any:
        return records


def host(*services: Made, single_resource: bool = False) -> DeclaredHost:
    return DeclaredHost(tuple(cast(DeclaredService, service) for service in services), single_resource)


def planned(*services: Made, single_resource: bool = False) -> Plan:
    declared = host(*services, single_resource=single_resource)
    return declared.plan(declared.observe(NOBODY))


CAKES = Made("cake", held=("old",), wanted={"old": False, "new": True})
TEAS = Made("tea", held=("black",), wanted={"black": False, "green": True})


def test_services_add_in_their_order_and_remove_in_reverse() -> None:
    for order in ((CAKES, TEAS), (TEAS, CAKES)):
        kinds = [service.kind for service in order]
        steps = [(step.action, step.resource) for step in planned(*order).steps]
        assert steps == [("create", kinds[0]), ("create", kinds[1]), ("delete", kinds[1]), ("delete", kinds[0])]


def test_the_record_has_the_lists_of_all_services() -> None:
    plan = planned(CAKES, TEAS)
    assert plan.before == {"cakes": [{"name": "old"}], "teas": [{"name": "black"}]}
    assert plan.after == {"cakes": [{"name": "new"}], "teas": [{"name": "green"}]}

    assert [(part["id"], part["status"]) for part in plan.found["resources"]] == [
        ("old", "extra"),
        ("new", "missing"),
        ("black", "extra"),
        ("green", "missing"),
    ]

    assert plan.warnings == ("about old", "about new", "about black", "about green", "of cake", "of tea")


def test_a_single_resource_has_its_own_record_and_no_report() -> None:
    plan = planned(Made("cake", wanted={"new": True}), single_resource=True)
    assert (plan.before, plan.after, plan.found) == ({}, {"name": "new"}, {})


@pytest.mark.parametrize(
    ("troubled", "sentence"),
    [
        (Made("tea", wanted={"green": True}, conflict="no tea."), "no tea."),
        (Made("tea", wanted={"green": True}, general="no water."), "no water."),
        (Made("tea", wanted={"green": True}, conflict="no.", general="no."), "no."),
        (Made("tea", wanted={"green": True}, conflict="no tea.", general="no water."), "no tea. Also, no water."),
        (
            Made("tea", held=("..",), wanted={"..": False}),
            "the tea '..' is there, and the API cannot delete it (name: no.)",
        ),
    ],
)
def test_a_conflict_in_one_service_is_a_conflict_of_the_whole(troubled: Made, sentence: str) -> None:
    plan = planned(CAKES, troubled)
    assert plan.conflict == sentence
    assert plan.steps == ()
    assert plan.before == plan.after
    assert plan.found["resources"]


def test_each_step_is_a_matter_of_its_own_service() -> None:
    both = host(CAKES, TEAS)
    observed = both.observe(NOBODY)
    cake, tea, no_tea, no_cake = both.plan(observed).steps

    assert (both.perform(NOBODY, cake), both.perform(NOBODY, tea)) == ("cake did new", "tea did green")
    assert not both.was_carried_out(observed, tea)

    after = both.assumed(observed, [tea, no_cake])

    assert after == ({*()}, {"black", "green"})
    assert both.was_carried_out(after, tea)
    assert both.was_carried_out(after, no_cake)
    assert (both.difference_from_written(after, no_cake), both.difference_from_written(after, tea)) == (
        "cake of 0",
        "tea of 2",
    )
    assert both.is_same(no_tea, no_tea)
    assert [(step.action, step.id) for step in both.restoring_steps(after, [tea, no_cake])] == [
        ("create", "old"),
        ("delete", "green"),
    ]
    assert both.left_over(after, [tea, no_cake]) == ["cake left old", "tea left green"]


def test_only_a_service_that_wrote_and_has_forms_of_its_own_is_looked_at_again() -> None:
    odd = Made("tea", held=("black",), wanted={"green": True}, keeps_a_form=True)
    both = host(CAKES, odd)
    observed = both.observe(NOBODY)
    cake, tea = both.plan(observed).steps[:2]

    assert both.look_again(NOBODY, [cake], observed) is None
    assert both.look_again(NOBODY, [cake, tea], observed) == ({"old"}, {"black", "tea seen again"})
    assert both.look_again(NOBODY, [], observed) is None
