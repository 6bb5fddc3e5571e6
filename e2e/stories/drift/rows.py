"""What others do to managed objects, row by row, and how each must end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from e2e.stories.drift import changes, identities, items, sharings, subresources
from e2e.stories.drift.hands import Thing

Act: TypeAlias = Callable[[Thing], object]

Rows: TypeAlias = tuple[tuple[Act, tuple[str, ...]], ...]
"""Acts, each with the kinds that it is done to."""


class Outcome(StrEnum):
    """How an object must end.

    RESTORED: it says what is declared, and is ours alone, at once. DOUBTFUL: the same, after a reading, because
    metadata does not tell the change from a harmless one. RECREATED: it is there again, under a new uid.
    UNTOUCHED: what they did stands, and we wrote nothing.
    """

    RESTORED = "restored"
    DOUBTFUL = "restored after a reading"
    RECREATED = "created again"
    UNTOUCHED = "left alone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One row for one kind; `kind` is its name."""

    act: Act
    kind: str
    outcome: Outcome

    @property
    def name(self) -> str:
        """A name for the object that it happens to."""
        return f"{self.act.__name__}-{self.kind}".replace("_", "-").lower()

    def __str__(self) -> str:
        return f"{self.act.__name__}-{self.kind}"


CONFIG_MAP, SECRET, DEPLOYMENT, SERVICE = "ConfigMap", "Secret", "Deployment", "Service"
WIDGET, LOOSE = "Widget", "Loose"
AUTOSCALER = "HorizontalPodAutoscaler"
PLAIN = (CONFIG_MAP, SECRET)
CUSTOM = (WIDGET, LOOSE)
BUILT_IN = (CONFIG_MAP, SECRET, DEPLOYMENT, SERVICE)
ALL = (*BUILT_IN, *CUSTOM)
SCALABLE = (DEPLOYMENT, WIDGET)

RESTORED: Rows = (
    (changes.a_put, ALL),
    (changes.a_merge_patch, ALL),
    (changes.a_strategic_patch, BUILT_IN),
    (changes.a_json_patch, ALL),
    (changes.a_forced_apply, ALL),
    (changes.an_update_under_our_name, ALL),
    (changes.a_change_and_its_undoing, ALL),
    (changes.a_removal_by_merge_patch, ALL),
    (changes.a_removal_by_json_patch, ALL),
    (changes.a_removal_by_put, ALL),
    (changes.an_apply_of_less_under_our_name, ALL),
    (changes.a_write_through_another_version, (*CUSTOM, AUTOSCALER)),
    (sharings.a_rival_that_agreed_and_changes_it, ALL),
    (sharings.a_rival_that_agreed_and_updates_it, ALL),
    (items.a_container_removed, (DEPLOYMENT,)),
    (items.a_variable_removed, (DEPLOYMENT,)),
    (items.a_container_port_removed, (DEPLOYMENT,)),
    (items.a_port_removed, (SERVICE,)),
    (items.a_part_removed, (WIDGET,)),
    (items.a_tag_removed, (WIDGET,)),
    (items.a_variable_changed, (DEPLOYMENT,)),
    (items.a_quantity_changed, (DEPLOYMENT,)),
    (items.a_part_changed, (WIDGET,)),
    (items.a_selector_key_added, (SERVICE,)),
    (items.a_key_of_an_atomic_map_added, (WIDGET,)),
    (items.a_step_added, CUSTOM),
    (items.a_variable_that_names_its_source, (DEPLOYMENT,)),
    (items.a_strategy_that_rolls, (DEPLOYMENT,)),
    (items.a_volume_of_the_host, (DEPLOYMENT,)),
    (subresources.a_scale_put, SCALABLE),
    (subresources.a_scale_patch, SCALABLE),
    (subresources.a_scale_apply, (DEPLOYMENT,)),
    (identities.our_label_removed, ALL),
    (identities.our_label_changed, ALL),
    (identities.our_digest_removed, ALL),
    (identities.our_owner_changed, ALL),
    (identities.managed_fields_cleared, ALL),
    (identities.managed_fields_emptied, BUILT_IN),
    (identities.managed_fields_kept_in_the_same_write, ALL),
)

RECREATED: Rows = (
    (identities.a_deletion, ALL),
    (identities.a_deletion_that_waited, ALL),
    (identities.a_deletion_and_a_copy, ALL),
    (identities.a_deletion_and_another_object, ALL),
)

DOUBTFUL: Rows = (
    (changes.an_apply_of_another_value_under_our_name, ALL),
    (items.another_selector_applied_under_our_name, (SERVICE,)),
    (items.containers_reordered, (DEPLOYMENT,)),
    (items.variables_reordered, (DEPLOYMENT,)),
    (items.ports_reordered, (SERVICE,)),
    (items.parts_reordered, (WIDGET,)),
    (identities.managed_fields_forged_by_a_second_write, ALL),
)

UNTOUCHED: Rows = (
    (changes.an_unforced_apply, ALL),
    (changes.a_strategic_patch_that_is_refused, CUSTOM),
    (changes.a_put_of_the_same, ALL),
    (changes.our_own_apply_again, ALL),
    (sharings.a_rival_that_agrees, ALL),
    (sharings.a_foreign_annotation, ALL),
    (sharings.a_foreign_label, ALL),
    (sharings.a_foreign_key, PLAIN),
    (sharings.a_foreign_owner, ALL),
    (sharings.a_foreign_finalizer, ALL),
    (sharings.notes_of_thirteen_managers, (CONFIG_MAP, DEPLOYMENT)),
    (items.a_quantity_spelt_otherwise, (DEPLOYMENT,)),
    (items.a_container_added, (DEPLOYMENT,)),
    (items.a_variable_added, (DEPLOYMENT,)),
    (items.a_container_port_added, (DEPLOYMENT,)),
    (items.limits_added, (DEPLOYMENT,)),
    (items.a_privilege_added, (DEPLOYMENT,)),
    (items.a_volume_in_memory, (DEPLOYMENT,)),
    (items.a_port_added, (SERVICE,)),
    (items.a_load_balancer, (SERVICE,)),
    (items.an_external_name, (SERVICE,)),
    (items.a_part_added, (WIDGET,)),
    (items.a_tag_added, (WIDGET,)),
    (subresources.a_status_patch, (DEPLOYMENT, *CUSTOM)),
    (subresources.a_scale_to_the_same, SCALABLE),
    (identities.managed_fields_emptied, CUSTOM),
)

TABLE = (
    (RESTORED, Outcome.RESTORED),
    (RECREATED, Outcome.RECREATED),
    (DOUBTFUL, Outcome.DOUBTFUL),
    (UNTOUCHED, Outcome.UNTOUCHED),
)


def cases(*outcomes: Outcome) -> tuple[Case, ...]:
    """Return the cases that end in one of these ways."""
    return tuple(one for rows, outcome in TABLE if outcome in outcomes for one in listed(rows, outcome))


def listed(rows: Rows, outcome: Outcome) -> tuple[Case, ...]:
    """Return one case for each act and kind."""
    return tuple(Case(act=act, kind=kind, outcome=outcome) for act, kinds in rows for kind in kinds)
