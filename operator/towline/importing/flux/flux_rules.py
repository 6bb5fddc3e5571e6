"""What becomes of each field of Flux's resources, by the schemas of its CRDs."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from towline.importing.field_rules import OFF, FieldRule, RuleTable, built_in, left, to

_OTHER_CLUSTER = to("(nothing: another cluster)")
_SERVICE_ACCOUNT = left("Towline does not act as a service account yet, and writes with its own rights")
_SUSPENDED = to("(nothing: what is imported begins under Observe)")
_BY_ITSELF = built_in(
    "changes in the cluster are seen when they happen, and commits at spec.interval of the source"
)
_RETRIES = built_in("retries begin after 1 s and double up to spec.interval")
_CLOUD = left(
    "credentials of a cloud provider are not supported: name a Secret in spec.secretRef", unless=("generic",)
)
_EXPRESSION = left("spec.dependsOn waits for Ready and takes no expression")

_KUSTOMIZATION: Mapping[str, FieldRule] = {
    "spec.interval": _BY_ITSELF,
    "spec.retryInterval": _RETRIES,
    "spec.timeout": to("healthTimeout"),
    "spec.path": to("path"),
    "spec.prune": to("prune"),
    "spec.deletionPolicy": to("deletionPolicy"),
    "spec.force": to("force"),
    "spec.suspend": _SUSPENDED,
    "spec.sourceRef.kind": to("url"),
    "spec.sourceRef.name": to("url"),
    "spec.sourceRef.namespace": to("url"),
    "spec.sourceRef.apiVersion": to("url"),
    "spec.targetNamespace": to("kustomize.namespace"),
    "spec.namePrefix": to("kustomize.namePrefix"),
    "spec.nameSuffix": to("kustomize.nameSuffix"),
    "spec.commonMetadata.labels{}": to("kustomize.labels"),
    "spec.commonMetadata.annotations{}": to("kustomize.annotations"),
    "spec.images[].name": to("kustomize.images"),
    "spec.images[].newName": to("kustomize.images"),
    "spec.images[].newTag": to("kustomize.images"),
    "spec.images[].digest": to("kustomize.images"),
    "spec.patches[].patch": to("kustomize.patches"),
    "spec.patches[].target.group": to("kustomize.patches"),
    "spec.patches[].target.version": to("kustomize.patches"),
    "spec.patches[].target.kind": to("kustomize.patches"),
    "spec.patches[].target.name": to("kustomize.patches"),
    "spec.patches[].target.namespace": to("kustomize.patches"),
    "spec.patches[].target.labelSelector": to("kustomize.patches"),
    "spec.patches[].target.annotationSelector": to("kustomize.patches"),
    "spec.components[]": to("kustomize.components"),
    "spec.ignoreMissingComponents": to("kustomize.components"),
    "spec.postBuild.substitute{}": to("substitute"),
    "spec.postBuild.substituteFrom[].kind": to("substitute"),
    "spec.postBuild.substituteFrom[].name": to("substitute"),
    "spec.postBuild.substituteFrom[].optional": to("substitute"),
    "spec.postBuild.substituteStrategy": to("substitute"),
    "spec.decryption.provider": to("decryption.provider"),
    "spec.decryption.secretRef.name": to("decryption.secretRef"),
    "spec.decryption.serviceAccountName": left(
        "keys of a cloud's key service are not supported for a service account"
    ),
    "spec.dependsOn[].name": to("dependsOn"),
    "spec.dependsOn[].namespace": to("dependsOn"),
    "spec.dependsOn[].readyExpr": _EXPRESSION,
    "spec.healthChecks": built_in(
        "Ready waits for the health of every object, not only of those that are named"
    ),
    "spec.healthCheckExprs[].apiVersion": to("healthChecks"),
    "spec.healthCheckExprs[].kind": to("healthChecks"),
    "spec.healthCheckExprs[].current": to("healthChecks"),
    "spec.healthCheckExprs[].failed": to("healthChecks"),
    "spec.healthCheckExprs[].inProgress": to("healthChecks"),
    "spec.wait": built_in("Ready always waits for the health of every object", unless=OFF),
    "spec.ignore[].paths[]": to("ignoreFields"),
    "spec.ignore[].target.group": to("ignoreFields"),
    "spec.ignore[].target.version": to("ignoreFields"),
    "spec.ignore[].target.kind": to("ignoreFields"),
    "spec.ignore[].target.name": to("ignoreFields"),
    "spec.ignore[].target.namespace": to("ignoreFields"),
    "spec.ignore[].target.labelSelector": to("ignoreFields"),
    "spec.ignore[].target.annotationSelector": to("ignoreFields"),
    "spec.serviceAccountName": _SERVICE_ACCOUNT,
    "spec.kubeConfig{}": _OTHER_CLUSTER,
    "spec.buildMetadata": built_in("towline.dev/source names the file of each object"),
}

_GIT_REPOSITORY: Mapping[str, FieldRule] = {
    "spec.url": to("url"),
    "spec.ref.branch": to("ref"),
    "spec.ref.tag": to("ref"),
    "spec.ref.semver": to("ref"),
    "spec.ref.name": to("ref"),
    "spec.ref.commit": to("ref"),
    "spec.interval": to("interval"),
    "spec.timeout": to("timeout"),
    "spec.secretRef.name": to("secretRef"),
    "spec.ignore": to("exclude"),
    "spec.suspend": _SUSPENDED,
    "spec.provider": _CLOUD,
    "spec.serviceAccountName": _CLOUD,
    "spec.proxySecretRef": left("a proxy is set in the environment of the operator, not in a resource"),
    "spec.verify": left(
        "set spec.verify yourself: the Secret stays as it is, HEAD is called Head, and TagAndHEAD is Tag or Head"
    ),
    "spec.include": left("files of other repositories are not put into the tree: give each a GitRepository"),
    "spec.recurseSubmodules": left(
        "submodules are passed over: commit the files, or give each a GitRepository", unless=OFF
    ),
    "spec.sparseCheckout": built_in("of a commit only what spec.path needs is read"),
}

_HELM_RELEASE: Mapping[str, FieldRule] = {
    "spec.chart.spec.chart": to("helm.chart.name"),
    "spec.chart.spec.version": to("helm.chart.version"),
    "spec.chart.spec.sourceRef.kind": to("helm.chart.repo"),
    "spec.chart.spec.sourceRef.name": to("helm.chart.repo"),
    "spec.chart.spec.sourceRef.namespace": to("helm.chart.repo"),
    "spec.chart.spec.sourceRef.apiVersion": to("helm.chart.repo"),
    "spec.chart.spec.valuesFiles[]": to("helm.valuesFiles"),
    "spec.chart.spec.ignoreMissingValuesFiles": to("helm.valuesFiles"),
    "spec.chart.spec.interval": built_in("the version of a chart is pinned"),
    "spec.chart.spec.reconcileStrategy": to("(nothing: each commit is rendered)"),
    "spec.chart.spec.verify": left("signatures of charts are not verified: their digests are pinned"),
    "spec.chart.metadata": built_in("there is no HelmChart that could have labels"),
    "spec.chartRef.kind": to("helm.chart"),
    "spec.chartRef.name": to("helm.chart"),
    "spec.chartRef.namespace": to("helm.chart"),
    "spec.chartRef.apiVersion": to("helm.chart"),
    "spec.interval": _BY_ITSELF,
    "spec.timeout": to("healthTimeout"),
    "spec.suspend": _SUSPENDED,
    "spec.releaseName": to("helm.releaseName"),
    "spec.targetNamespace": to("helm.namespace"),
    "spec.storageNamespace": built_in("Towline keeps no release Secrets: SyncRecords are the history"),
    "spec.values{}": to("helm.values"),
    "spec.valuesFrom[].kind": to("helm.valuesFrom"),
    "spec.valuesFrom[].name": to("helm.valuesFrom"),
    "spec.valuesFrom[].valuesKey": to("helm.valuesFrom"),
    "spec.valuesFrom[].targetPath": to("helm.valuesFrom"),
    "spec.valuesFrom[].optional": to("helm.valuesFrom"),
    "spec.valuesFrom[].literal": to("helm.valuesFrom"),
    "spec.postRenderers[].kustomize.images[].name": to("kustomize.images"),
    "spec.postRenderers[].kustomize.images[].newName": to("kustomize.images"),
    "spec.postRenderers[].kustomize.images[].newTag": to("kustomize.images"),
    "spec.postRenderers[].kustomize.images[].digest": to("kustomize.images"),
    "spec.postRenderers[].kustomize.patches[].patch": to("kustomize.patches"),
    "spec.postRenderers[].kustomize.patches[].target.group": to("kustomize.patches"),
    "spec.postRenderers[].kustomize.patches[].target.version": to("kustomize.patches"),
    "spec.postRenderers[].kustomize.patches[].target.kind": to("kustomize.patches"),
    "spec.postRenderers[].kustomize.patches[].target.name": to("kustomize.patches"),
    "spec.postRenderers[].kustomize.patches[].target.namespace": to("kustomize.patches"),
    "spec.postRenderers[].kustomize.patches[].target.labelSelector": to("kustomize.patches"),
    "spec.postRenderers[].kustomize.patches[].target.annotationSelector": to("kustomize.patches"),
    "spec.commonMetadata.labels{}": to("kustomize.labels"),
    "spec.commonMetadata.annotations{}": to("kustomize.annotations"),
    "spec.postRenderStrategy": left(
        "hooks and CRDs of the chart are rendered like everything else", unless=("combined",)
    ),
    "spec.dependsOn[].name": to("dependsOn"),
    "spec.dependsOn[].namespace": to("dependsOn"),
    "spec.dependsOn[].readyExpr": _EXPRESSION,
    "spec.healthCheckExprs[].apiVersion": to("healthChecks"),
    "spec.healthCheckExprs[].kind": to("healthChecks"),
    "spec.healthCheckExprs[].current": to("healthChecks"),
    "spec.healthCheckExprs[].failed": to("healthChecks"),
    "spec.healthCheckExprs[].inProgress": to("healthChecks"),
    "spec.waitStrategy": built_in("Ready always waits for the health of every object"),
    "spec.driftDetection.mode": to("drift"),
    "spec.driftDetection.ignore[].paths[]": to("ignoreFields"),
    "spec.driftDetection.ignore[].target.group": to("ignoreFields"),
    "spec.driftDetection.ignore[].target.version": to("ignoreFields"),
    "spec.driftDetection.ignore[].target.kind": to("ignoreFields"),
    "spec.driftDetection.ignore[].target.name": to("ignoreFields"),
    "spec.driftDetection.ignore[].target.namespace": to("ignoreFields"),
    "spec.driftDetection.ignore[].target.labelSelector": to("ignoreFields"),
    "spec.driftDetection.ignore[].target.annotationSelector": to("ignoreFields"),
    "spec.install.crds": to("helm.crds"),
    "spec.install.skipCRDs": to("helm.crds"),
    "spec.upgrade.crds": to("helm.crds"),
    "spec.install.disableHooks": to("helm.hooks"),
    "spec.upgrade.disableHooks": to("helm.hooks"),
    "spec.install.createNamespace": left(
        "namespaces are not created by the way: declare a Namespace in Git", unless=OFF
    ),
    "spec.serviceAccountName": _SERVICE_ACCOUNT,
    "spec.kubeConfig{}": _OTHER_CLUSTER,
    "spec.maxHistory": built_in("SyncRecords are the history"),
    "spec.persistentClient": built_in("it is about connections of Flux's own"),
    "spec.test": left("tests of a chart are not run", unless=OFF),
    "spec.rollback": left("there is no rollback: revert the commit"),
    "spec.uninstall": left("what deleting the GitRepository does is said by spec.deletionPolicy"),
    "spec.upgrade.preserveValues": to("(nothing: values are those of Git)"),
    "spec.upgrade.chartNameChangeStrategy": built_in("an object that a chart declares no longer is pruned"),
    "spec.upgrade.cleanupOnFail": left(
        "objects of a sync that failed stay until a commit drops them", unless=OFF
    ),
    "spec.upgrade.force": left(
        "see spec.force, which recreates an object only if its immutable fields change", unless=OFF
    ),
}

_INSTALL_AND_UPGRADE: Mapping[str, FieldRule] = {
    "disableOpenAPIValidation": left("objects are always validated by the API server", unless=OFF),
    "disableSchemaValidation": left("values are always validated by the chart's schema", unless=OFF),
    "disableTakeOwnership": left("see spec.adopt for what may be taken over", unless=OFF),
    "disableWait": built_in("nothing waits but Ready, and a gate where one is set", unless=OFF),
    "disableWaitForJobs": built_in("nothing waits but Ready, and a gate where one is set", unless=OFF),
    "remediation": left(
        "there is no automatic rollback or removal: an error stays visible until a commit or a retry"
    ),
    "replace": built_in("there are no releases with names that could be in use", unless=OFF),
    "serverSideApply": built_in("objects are always written by server-side apply"),
    "strategy": _RETRIES,
    "timeout": built_in("spec.healthTimeout counts for all objects"),
}

_HELM_REPOSITORY: Mapping[str, FieldRule] = {
    "spec.url": to("helm.chart.repo"),
    "spec.type": to("helm.chart.repo"),
    "spec.secretRef.name": to("remotes[].secretRef"),
    "spec.interval": built_in("the version of a chart is pinned"),
    "spec.timeout": built_in("downloads have a time limit of their own"),
    "spec.suspend": _SUSPENDED,
    "spec.accessFrom": built_in("a GitRepository names the chart's repository itself"),
    "spec.certSecretRef": left("put ca.crt into the Secret of spec.remotes[]"),
    "spec.insecure": left("charts are fetched over TLS only", unless=OFF),
    "spec.passCredentials": left("credentials are sent to the host of the repository only", unless=OFF),
    "spec.provider": _CLOUD,
}

_HELM_CHART: Mapping[str, FieldRule] = {
    "spec.chart": to("helm.chart.name"),
    "spec.version": to("helm.chart.version"),
    "spec.sourceRef.kind": to("helm.chart.repo"),
    "spec.sourceRef.name": to("helm.chart.repo"),
    "spec.sourceRef.namespace": to("helm.chart.repo"),
    "spec.sourceRef.apiVersion": to("helm.chart.repo"),
    "spec.valuesFiles[]": to("helm.valuesFiles"),
    "spec.ignoreMissingValuesFiles": to("helm.valuesFiles"),
    "spec.interval": built_in("the version of a chart is pinned"),
    "spec.reconcileStrategy": to("(nothing: each commit is rendered)"),
    "spec.suspend": _SUSPENDED,
    "spec.verify": left("signatures of charts are not verified: their digests are pinned"),
}

_OCI_REPOSITORY: Mapping[str, FieldRule] = {
    "spec.url": to("helm.chart.repo"),
    "spec.ref.tag": to("helm.chart.version"),
    "spec.ref.semver": to("helm.chart.version"),
    "spec.ref.semverFilter": to("helm.chart.version"),
    "spec.ref.digest": to("helm.chart.version"),
    "spec.layerSelector": left("of a chart's artifact the layer of the chart is read"),
    "spec.secretRef.name": to("remotes[].secretRef"),
    "spec.interval": built_in("the version of a chart is pinned"),
    "spec.timeout": built_in("downloads have a time limit of their own"),
    "spec.suspend": _SUSPENDED,
    "spec.ignore": left("a chart is read whole"),
    "spec.insecure": left("charts are fetched over TLS only", unless=OFF),
    "spec.certSecretRef": left("put ca.crt into the Secret of spec.remotes[]"),
    "spec.proxySecretRef": left("a proxy is set in the environment of the operator, not in a resource"),
    "spec.provider": _CLOUD,
    "spec.serviceAccountName": _CLOUD,
    "spec.verify": left("signatures of charts are not verified: their digests are pinned"),
}

RULES: Mapping[str, RuleTable] = MappingProxyType(
    {
        "Kustomization": RuleTable(_KUSTOMIZATION),
        "GitRepository": RuleTable(_GIT_REPOSITORY),
        "HelmRelease": RuleTable(
            {
                **_HELM_RELEASE,
                **{
                    f"spec.{when}.{name}": rule
                    for when in ("install", "upgrade")
                    for name, rule in _INSTALL_AND_UPGRADE.items()
                },
            }
        ),
        "HelmRepository": RuleTable(_HELM_REPOSITORY),
        "HelmChart": RuleTable(_HELM_CHART),
        "OCIRepository": RuleTable(_OCI_REPOSITORY),
    }
)
"""By kind. Buckets and ExternalArtifacts have no Git home, so what uses them is not imported."""
