from __future__ import annotations

from dataclasses import replace

from towline.api.syncrecord import FieldChange
from towline.errors import Failure, Refusal
from towline.model import Key, ObjectRef
from towline.read.comparison import comparison_lines
from towline.read.comparison.compared import ComparedChange, Comparison, Effect, StayingObject

WEB = ObjectRef("apps", "Deployment", "shop", "web")
NEW = ObjectRef("", "ConfigMap", "shop", "new")
CLAIM = ObjectRef("", "PersistentVolumeClaim", "shop", "uploads")
FOUND = Comparison(
    repository=Key("team", "shop"),
    target="main",
    sha="1a2b3c4" + "0" * 33,
    changes=(
        ComparedChange(ref=NEW, action=Effect.CREATE, file="deploy/new.yaml", line=1),
        ComparedChange(
            ref=WEB,
            action=Effect.RESTART,
            fields=(
                FieldChange(path="/spec/template/spec/containers/0/image", old="app:1", new="app:2"),
                FieldChange(path="/metadata/labels/tier", old=None, new="front"),
                FieldChange(path="/spec/paused", old=False, new=None),
            ),
            file="deploy/web.yaml",
            line=7,
        ),
    ),
    refused=(
        Failure(
            reason=Refusal.UNKNOWN_FIELD,
            message="unknown field",
            object="Service/shop/web",
            file="deploy/web.yaml",
            line=30,
            field="/spec/port",
        ),
    ),
    blocked=(
        StayingObject(ref=CLAIM, reason="PruneBlocked", message="deleting it loses data", waits=True),
        StayingObject(ref=NEW._replace(name="old"), reason="", message="kept", waits=False),
    ),
    notes=("you may not patch Secret/shop/db",),
)

SUM = "2 changes (create 1, restart 1), 1 refused, 1 removal would wait for a confirmation"


def test_a_terminal_shows_each_change_with_its_fields_and_then_the_sum() -> None:
    assert list(comparison_lines.lines(FOUND)) == [
        "+ create ConfigMap shop/new  deploy/new.yaml:1",
        "~ restart Deployment shop/web (its pods are replaced)  deploy/web.yaml:7",
        '    spec.template.spec.containers[0].image: "app:1" -> "app:2"',
        '    metadata.labels.tier: + "front"',
        "    spec.paused: - false",
        "! deploy/web.yaml:30 Service shop/web spec.port: UnknownField: unknown field",
        "! delete, once confirmed, PersistentVolumeClaim shop/uploads: deleting it loses data",
        "! stays: ConfigMap shop/old: kept",
        f"team/shop at main (1a2b3c4): {SUM}",
        "note: you may not patch Secret/shop/db",
    ]


def test_nothing_to_do_is_one_line() -> None:
    nothing = Comparison(repository=Key("team", "shop"), target="1a2b3c4", sha=FOUND.sha)
    assert list(comparison_lines.lines(nothing)) == ["team/shop at 1a2b3c4: nothing would change"]


def test_a_comment_begins_with_a_hidden_line_that_names_the_repository() -> None:
    first, _, rest = comparison_lines.markdown(FOUND).partition("\n")
    assert first == "<!-- towline-diff: team/shop -->"
    assert "**Towline** would apply `main (1a2b3c4)` to `team/shop`: 2 changes" in rest
    assert "```diff\n+ create ConfigMap shop/new" in rest
    assert comparison_lines.marker(Key("team", "shop2")) not in comparison_lines.markdown(FOUND)


def test_no_value_ends_its_code_block_or_forms_markdown() -> None:
    hostile = "```\n<img src=x>\n# heading"
    field = FieldChange(path="/data/a`b", old="x", new=hostile)
    found = replace(
        FOUND,
        changes=(ComparedChange(ref=NEW, action=Effect.UPDATE, fields=(field,)),),
        refused=(Failure(reason=Refusal.INVALID, message="`<b>`", object=str(NEW)),),
        notes=("<script> [link](x) @team",),
    )
    told = comparison_lines.markdown(found)
    assert told.count("````") == 2
    assert told.index("````") < told.index("<img") < told.rindex("````")
    assert "`` ConfigMap shop/new: Invalid: `<b>` ``" in told
    assert r"\<script\> \[link\]\(x\) \@team" in told


def test_a_comment_stays_below_what_forges_accept_and_counts_what_it_leaves_out() -> None:
    fields = tuple(FieldChange(path=f"/data/{n}", old="a" * 150, new="b" * 150) for n in range(30))
    change = ComparedChange(ref=NEW, action=Effect.UPDATE, fields=fields)
    told = comparison_lines.markdown(replace(FOUND, changes=(change,) * 50))
    assert len(told) < 65_536
    assert "more changes" in told


def test_one_change_that_is_longer_than_a_comment_is_cut() -> None:
    fields = tuple(FieldChange(path=f"/data/{n}", old="a" * 150, new="b" * 150) for n in range(1000))
    told = comparison_lines.markdown(
        replace(FOUND, changes=(ComparedChange(ref=NEW, action=Effect.UPDATE, fields=fields),))
    )
    assert len(told) < 65_536
    assert told.count("```") == 2


def test_a_refusal_says_what_helps_and_what_waits_says_what_a_confirmation_would_do() -> None:
    told = comparison_lines.lines(
        replace(
            FOUND,
            changes=(),
            refused=(Failure(reason=Refusal.IMMUTABLE_FIELD, message="field is immutable", object=str(WEB)),),
            blocked=(
                StayingObject(
                    ref=NEW,
                    action=Effect.RELEASE,
                    reason="SourceEmpty",
                    message="nothing is left",
                    waits=True,
                ),
            ),
        )
    )
    refused, waiting, *_ = told
    assert "field is immutable. Rename it, or have it recreated by the line towline.dev/force" in refused
    assert waiting == "! release, once confirmed, ConfigMap shop/new: nothing is left"
