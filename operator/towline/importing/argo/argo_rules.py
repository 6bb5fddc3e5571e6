"""What becomes of each field of Argo CD's resources, by the schemas of its CRDs."""

from __future__ import annotations

from towline.importing.field_rules import OFF, RuleTable, built_in, left, to

_JSONNET = left("Jsonnet is not rendered: commit what it makes")
_OWN_VERSION = left("the versions of kustomize and helm are those of the operator's image")
_KUBE_VERSION = left("charts in a kustomization see the versions of the cluster")

SOURCE = RuleTable(
    {
        "source.repoURL": to("url"),
        "source.path": to("path"),
        "source.targetRevision": to("ref"),
        "source.tagPrefix": left("a range of versions is about tags such as v1.2.3, without another prefix"),
        "source.chart": to("helm.chart.name"),
        "source.ref": to("helm.valuesFiles"),
        "source.name": built_in("a GitRepository has a name of its own"),
        "source.directory.recurse": to("exclude"),
        "source.directory.include": to("exclude"),
        "source.directory.exclude": to("exclude"),
        "source.directory.disableExtensionFilter": left(
            "only files named .yaml, .yml or .json are read", unless=OFF
        ),
        "source.directory.jsonnet.extVars": _JSONNET,
        "source.directory.jsonnet.libs": _JSONNET,
        "source.directory.jsonnet.tlas": _JSONNET,
        "source.helm.releaseName": to("helm.releaseName"),
        "source.helm.namespace": to("helm.namespace"),
        "source.helm.valueFiles[]": to("helm.valuesFiles"),
        "source.helm.ignoreMissingValueFiles": to("helm.valuesFiles"),
        "source.helm.values": to("helm.values"),
        "source.helm.valuesObject{}": to("helm.values"),
        "source.helm.parameters[].name": to("helm.parameters"),
        "source.helm.parameters[].value": to("helm.parameters"),
        "source.helm.parameters[].forceString": to("helm.parameters"),
        "source.helm.fileParameters[].name": to("helm.parameters"),
        "source.helm.fileParameters[].path": to("helm.parameters"),
        "source.helm.skipCrds": to("helm.crds"),
        "source.helm.kubeVersion": to("helm.kubeVersion"),
        "source.helm.apiVersions[]": to("helm.apiVersions"),
        "source.helm.skipTests": built_in("tests of a chart are never applied"),
        "source.helm.skipSchemaValidation": left(
            "values are always validated by the chart's schema", unless=OFF
        ),
        "source.helm.passCredentials": left(
            "credentials are sent to the host of the repository only", unless=OFF
        ),
        "source.helm.version": _OWN_VERSION,
        "source.kustomize.namePrefix": to("kustomize.namePrefix"),
        "source.kustomize.nameSuffix": to("kustomize.nameSuffix"),
        "source.kustomize.namespace": to("kustomize.namespace"),
        "source.kustomize.images[]": to("kustomize.images"),
        "source.kustomize.replicas[].name": to("kustomize.replicas"),
        "source.kustomize.replicas[].count": to("kustomize.replicas"),
        "source.kustomize.patches[].patch": to("kustomize.patches"),
        "source.kustomize.patches[].path": to("kustomize.patches"),
        "source.kustomize.patches[].options{}": to("kustomize.patches"),
        "source.kustomize.patches[].target.group": to("kustomize.patches"),
        "source.kustomize.patches[].target.version": to("kustomize.patches"),
        "source.kustomize.patches[].target.kind": to("kustomize.patches"),
        "source.kustomize.patches[].target.name": to("kustomize.patches"),
        "source.kustomize.patches[].target.namespace": to("kustomize.patches"),
        "source.kustomize.patches[].target.labelSelector": to("kustomize.patches"),
        "source.kustomize.patches[].target.annotationSelector": to("kustomize.patches"),
        "source.kustomize.components[]": to("kustomize.components"),
        "source.kustomize.ignoreMissingComponents": to("kustomize.components"),
        "source.kustomize.commonLabels{}": to("kustomize.labels"),
        "source.kustomize.labelWithoutSelector": to("kustomize.labels"),
        "source.kustomize.labelIncludeTemplates": to("kustomize.labels"),
        "source.kustomize.forceCommonLabels": built_in("labels of the overlay always win", unless=OFF),
        "source.kustomize.commonAnnotations{}": to("kustomize.annotations"),
        "source.kustomize.commonAnnotationsEnvsubst": to("kustomize.annotations"),
        "source.kustomize.forceCommonAnnotations": built_in(
            "annotations of the overlay always win", unless=OFF
        ),
        "source.kustomize.version": _OWN_VERSION,
        "source.kustomize.kubeVersion": _KUBE_VERSION,
        "source.kustomize.apiVersions": _KUBE_VERSION,
        "source.plugin{}": to("(nothing: plugins are refused)"),
    }
)
"""Of `spec.source`, and of each of `spec.sources`."""

APPLICATION = RuleTable(
    {
        "spec.source{}": to("(one GitRepository)"),
        "spec.sources[]{}": to("(a GitRepository each)"),
        "spec.sourceHydrator.syncSource.repoURL": to("url"),
        "spec.sourceHydrator.syncSource.path": to("url"),
        "spec.sourceHydrator.syncSource.targetBranch": to("url"),
        "spec.sourceHydrator.drySource{}": left(
            "hydrating stays with Argo CD: this follows the branch that it writes"
        ),
        "spec.sourceHydrator.hydrateTo": left("this follows syncSource, which is what is applied"),
        "spec.destination.server": to("defaultNamespace"),
        "spec.destination.name": to("defaultNamespace"),
        "spec.destination.namespace": to("defaultNamespace"),
        "spec.project": left(
            "there are no projects: spec.path and the rights of the operator say what may be applied",
            unless=("default",),
        ),
        "spec.ignoreDifferences[].group": to("ignoreFields[].target.group"),
        "spec.ignoreDifferences[].kind": to("ignoreFields[].target.kind"),
        "spec.ignoreDifferences[].name": to("ignoreFields[].target.name"),
        "spec.ignoreDifferences[].namespace": to("ignoreFields[].target.namespace"),
        "spec.ignoreDifferences[].jsonPointers[]": to("ignoreFields[].fields"),
        "spec.ignoreDifferences[].jqPathExpressions[]": to("ignoreFields[].fields"),
        "spec.ignoreDifferences[].managedFieldsManagers[]": to("ignoreFields[].fields"),
        "spec.syncPolicy.automated.prune": to("mode"),
        "spec.syncPolicy.automated.selfHeal": to("mode"),
        "spec.syncPolicy.automated.enabled": to("mode"),
        "spec.syncPolicy.automated.allowEmpty": to("mode"),
        "spec.syncPolicy.syncOptions[]": to("(each by itself)"),
        "spec.syncPolicy.retry": built_in(
            "retries begin after 1 s and double up to spec.interval, as long as it takes"
        ),
        "spec.syncPolicy.managedNamespaceMetadata": left("declare the Namespace with its labels in Git"),
        "spec.revisionHistoryLimit": built_in("SyncRecords are the history"),
        "spec.info": left("write what people should know into annotations of the GitRepository"),
    }
)
"""Of an Application; its sources have rules of their own."""

_ONLY_STATIC = (
    "which elements there are is not known from files: make a list generator of them, and import that"
)

APPLICATION_SET = RuleTable(
    {
        "spec.generators[].list.elements[]{}": to("(a GitRepository each)"),
        "spec.generators[].list.elementsYaml": to("(a GitRepository each)"),
        "spec.generators[].git.repoURL": to("(a GitRepository each)"),
        "spec.generators[].git.revision": to("(a GitRepository each)"),
        "spec.generators[].git.directories[].path": to("(a GitRepository each)"),
        "spec.generators[].git.directories[].exclude": to("(a GitRepository each)"),
        "spec.generators[].git.files[].path": to("(a GitRepository each)"),
        "spec.generators[].git.files[].exclude": to("(a GitRepository each)"),
        "spec.generators[].git.pathParamPrefix": to("(a GitRepository each)"),
        "spec.generators[].git.values{}": to("(a GitRepository each)"),
        "spec.generators[].git.requeueAfterSeconds": left(
            "what is new in Git makes no new GitRepository: import again"
        ),
        "spec.generators[].git.template{}": to("(nothing: refused)"),
        "spec.generators[].list.template{}": to("(nothing: refused)"),
        "spec.generators[].selector.matchLabels{}": to("(a GitRepository each)"),
        "spec.generators[].selector.matchExpressions[].key": to("(a GitRepository each)"),
        "spec.generators[].selector.matchExpressions[].operator": to("(a GitRepository each)"),
        "spec.generators[].selector.matchExpressions[].values[]": to("(a GitRepository each)"),
        "spec.generators[].clusters{}": to("(nothing: refused)"),
        "spec.generators[].clusterDecisionResource{}": to("(nothing: refused)"),
        "spec.generators[].matrix{}": to("(nothing: refused)"),
        "spec.generators[].merge{}": to("(nothing: refused)"),
        "spec.generators[].plugin{}": to("(nothing: refused)"),
        "spec.generators[].pullRequest{}": to("(nothing: refused)"),
        "spec.generators[].scmProvider{}": to("(nothing: refused)"),
        "spec.template{}": to("(a GitRepository each)"),
        "spec.templatePatch": to("(nothing: refused)"),
        "spec.goTemplate": to("(a GitRepository each)"),
        "spec.goTemplateOptions": built_in("a value that is missing is always an error"),
        "spec.applyNestedSelectors": built_in(
            "selectors inside other generators are refused with them", unless=OFF
        ),
        "spec.ignoreApplicationDifferences": built_in("there is no controller that would undo a change"),
        "spec.preservedFields": built_in("there is no controller that would undo a change"),
        "spec.strategy": left(
            "GitRepositories sync by themselves: see spec.dependsOn for an order",
            unless=({"type": "AllAtOnce"},),
        ),
        "spec.syncPolicy.applicationsSync": built_in(
            "there is no controller that would change a GitRepository"
        ),
        "spec.syncPolicy.preserveResourcesOnDeletion": built_in(
            "what was adopted stays when a GitRepository is deleted"
        ),
    }
)
"""Of an ApplicationSet; the Applications that it makes have rules of their own."""

REFUSED_GENERATORS = {
    "clusters": "it makes Applications for other clusters: import there, where Towline runs for each",
    "clusterDecisionResource": "it makes Applications for other clusters: import there, where Towline runs for each",
    "matrix": _ONLY_STATIC,
    "merge": _ONLY_STATIC,
    "plugin": _ONLY_STATIC,
    "pullRequest": _ONLY_STATIC,
    "scmProvider": _ONLY_STATIC,
}
"""Generators that cannot be read from files, with what to do instead."""
