"""What others do to managed objects, row by row, and how each must end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from e2e.scenes.drift import identity_changes, list_changes, shared_fields, subresource_writes, value_changes
from e2e.scenes.drift.other_writers import Thing

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
    (value_changes.a_put, ALL),
    (value_changes.a_merge_patch, ALL),
    (value_changes.a_strategic_patch, BUILT_IN),
    (value_changes.a_json_patch, ALL),
    (value_changes.a_forced_apply, ALL),
    (value_changes.an_update_under_our_name, ALL),
    (value_changes.a_change_and_its_undoing, ALL),
    (value_changes.a_removal_by_merge_patch, ALL),
    (value_changes.a_removal_by_json_patch, ALL),
    (value_changes.a_removal_by_put, ALL),
    (value_changes.an_apply_of_less_under_our_name, ALL),
    (value_changes.a_write_through_another_version, (*CUSTOM, AUTOSCALER)),
    (shared_fields.a_rival_that_agreed_and_changes_it, ALL),
    (shared_fields.a_rival_that_agreed_and_updates_it, ALL),
    (list_changes.a_container_removed, (DEPLOYMENT,)),
    (list_changes.a_variable_removed, (DEPLOYMENT,)),
    (list_changes.a_container_port_removed, (DEPLOYMENT,)),
    (list_changes.a_port_removed, (SERVICE,)),
    (list_changes.a_part_removed, (WIDGET,)),
    (list_changes.a_tag_removed, (WIDGET,)),
    (list_changes.a_variable_changed, (DEPLOYMENT,)),
    (list_changes.a_quantity_changed, (DEPLOYMENT,)),
    (list_changes.a_part_changed, (WIDGET,)),
    (list_changes.a_selector_key_added, (SERVICE,)),
    (list_changes.a_key_of_an_atomic_map_added, (WIDGET,)),
    (list_changes.a_step_added, CUSTOM),
    (list_changes.a_variable_that_names_its_source, (DEPLOYMENT,)),
    (list_changes.a_strategy_that_rolls, (DEPLOYMENT,)),
    (list_changes.a_volume_of_the_host, (DEPLOYMENT,)),
    (subresource_writes.a_scale_put, SCALABLE),
    (subresource_writes.a_scale_patch, SCALABLE),
    (subresource_writes.a_scale_apply, (DEPLOYMENT,)),
    (identity_changes.our_label_removed, ALL),
    (identity_changes.our_label_changed, ALL),
    (identity_changes.our_digest_removed, ALL),
    (identity_changes.our_owner_changed, ALL),
    (identity_changes.managed_fields_cleared, ALL),
    (identity_changes.managed_fields_emptied, BUILT_IN),
    (identity_changes.managed_fields_kept_in_the_same_write, ALL),
)

RECREATED: Rows = (
    (identity_changes.a_deletion, ALL),
    (identity_changes.a_deletion_that_waited, ALL),
    (identity_changes.a_deletion_and_a_copy, ALL),
    (identity_changes.a_deletion_and_another_object, ALL),
)

DOUBTFUL: Rows = (
    (value_changes.an_apply_of_another_value_under_our_name, ALL),
    (list_changes.another_selector_applied_under_our_name, (SERVICE,)),
    (list_changes.containers_reordered, (DEPLOYMENT,)),
    (list_changes.variables_reordered, (DEPLOYMENT,)),
    (list_changes.ports_reordered, (SERVICE,)),
    (list_changes.parts_reordered, (WIDGET,)),
    (identity_changes.managed_fields_forged_by_a_second_write, ALL),
)

UNTOUCHED: Rows = (
    (value_changes.an_unforced_apply, ALL),
    (value_changes.a_strategic_patch_that_is_refused, CUSTOM),
    (value_changes.a_put_of_the_same, ALL),
    (value_changes.our_own_apply_again, ALL),
    (shared_fields.a_rival_that_agrees, ALL),
    (shared_fields.a_foreign_annotation, ALL),
    (shared_fields.a_foreign_label, ALL),
    (shared_fields.a_foreign_key, PLAIN),
    (shared_fields.a_foreign_owner, ALL),
    (shared_fields.a_foreign_finalizer, ALL),
    (shared_fields.notes_of_thirteen_managers, (CONFIG_MAP, DEPLOYMENT)),
    (list_changes.a_quantity_spelt_otherwise, (DEPLOYMENT,)),
    (list_changes.a_container_added, (DEPLOYMENT,)),
    (list_changes.a_variable_added, (DEPLOYMENT,)),
    (list_changes.a_container_port_added, (DEPLOYMENT,)),
    (list_changes.limits_added, (DEPLOYMENT,)),
    (list_changes.a_privilege_added, (DEPLOYMENT,)),
    (list_changes.a_volume_in_memory, (DEPLOYMENT,)),
    (list_changes.a_port_added, (SERVICE,)),
    (list_changes.a_load_balancer, (SERVICE,)),
    (list_changes.an_external_name, (SERVICE,)),
    (list_changes.a_part_added, (WIDGET,)),
    (list_changes.a_tag_added, (WIDGET,)),
    (subresource_writes.a_status_patch, (DEPLOYMENT, *CUSTOM)),
    (subresource_writes.a_scale_to_the_same, SCALABLE),
    (identity_changes.managed_fields_emptied, CUSTOM),
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
