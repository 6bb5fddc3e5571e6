{{- define "towline.name" -}}
{{- $name := ternary .Release.Name (printf "%s-towline" .Release.Name) (contains "towline" .Release.Name) -}}
{{- default $name .Values.fullnameOverride | trunc 52 | trimSuffix "-" -}}
{{- end }}

{{- define "towline.serviceAccount" -}}
{{- default (ternary (include "towline.name" .) "default" .Values.serviceAccount.create) .Values.serviceAccount.name -}}
{{- end }}

{{- define "towline.selector" -}}
app.kubernetes.io/name: towline
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end }}

{{- define "towline.labels" -}}
{{ include "towline.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "towline.subjects" -}}
- kind: ServiceAccount
  name: {{ include "towline.serviceAccount" . | quote }}
  namespace: {{ .Release.Namespace | quote }}
{{- end }}

{{/* A roleRef is immutable: two names, so that an upgrade may change from one role to the other. */}}
{{- define "towline.declaredBinding" -}}
{{ include "towline.name" . }}-{{ ternary "cluster-admin" "declared" .Values.rbac.clusterAdmin }}
{{- end }}

{{- define "towline.image" -}}
{{- if .Values.image.digest -}}
{{ printf "%s@%s" .Values.image.repository .Values.image.digest }}
{{- else -}}
{{ printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) }}
{{- end }}
{{- end }}

{{/* What the operator runs by, as --own-object takes it: whoever deletes one of these ends it. */}}
{{- define "towline.ownObjects" -}}
{{- $name := include "towline.name" . -}}
{{- $here := .Release.Namespace -}}
{{- $rbac := "rbac.authorization.k8s.io" -}}
- Deployment.apps/{{ $here }}/{{ $name }}
- ServiceAccount/{{ $here }}/{{ include "towline.serviceAccount" . }}
{{- if .Values.rbac.create }}
- Role.{{ $rbac }}/{{ $here }}/{{ $name }}
- RoleBinding.{{ $rbac }}/{{ $here }}/{{ $name }}
- ClusterRole.{{ $rbac }}/{{ $name }}
- ClusterRoleBinding.{{ $rbac }}/{{ $name }}
{{- if not .Values.rbac.clusterAdmin }}
- ClusterRole.{{ $rbac }}/{{ $name }}-declared
{{- end }}
- ClusterRoleBinding.{{ $rbac }}/{{ include "towline.declaredBinding" . }}
{{- end }}
{{- if .Values.networkPolicy.enabled }}
- NetworkPolicy.networking.k8s.io/{{ $here }}/{{ $name }}
{{- end }}
{{- if .Values.audit.protectRecords }}
- ValidatingAdmissionPolicy.admissionregistration.k8s.io/{{ $name }}-records
- ValidatingAdmissionPolicyBinding.admissionregistration.k8s.io/{{ $name }}-records
{{- end }}
{{- if .Values.audit.checkRequesters }}
- ValidatingAdmissionPolicy.admissionregistration.k8s.io/{{ $name }}-requesters
- ValidatingAdmissionPolicyBinding.admissionregistration.k8s.io/{{ $name }}-requesters
{{- end }}
{{- with .Values.data.persistentVolumeClaim }}
{{- if .enabled }}
- PersistentVolumeClaim/{{ $here }}/{{ default $name .existingClaim }}
{{- end }}
{{- end }}
{{- end }}
