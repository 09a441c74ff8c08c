{{- define "fairlead.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "fairlead.fullname" -}}
{{- $name := include "fairlead.name" . -}}
{{- $both := ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) -}}
{{- default $both .Values.fullnameOverride | trunc 52 | trimSuffix "-" -}}
{{- end -}}

{{- define "fairlead.serviceAccountName" -}}
{{- default (ternary (include "fairlead.fullname" .) "default" .Values.serviceAccount.create) .Values.serviceAccount.name -}}
{{- end -}}

{{- define "fairlead.image" -}}
{{- include "fairlead.reference" (list . .Values.image) -}}
{{- end -}}

{{/* repository:tag or repository@digest. Takes the root and the values of one image. */}}
{{- define "fairlead.reference" -}}
{{- $image := index . 1 -}}
{{- $tag := default (index . 0).Chart.AppVersion $image.tag -}}
{{- $image.repository }}{{ ternary (printf "@%s" $image.digest) (printf ":%s" $tag) (ne $image.digest "") -}}
{{- end -}}

{{- define "fairlead.selector" -}}
app.kubernetes.io/name: {{ include "fairlead.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{/* app.kubernetes.io/managed-by is Helm's here; the operator marks its own children with "fairlead". */}}
{{- define "fairlead.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{ include "fairlead.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Metadata without its name: labels, and annotations where there are any. Takes the root and further annotations. */}}
{{- define "fairlead.metadata" -}}
{{- $root := index . 0 -}}
{{- $annotations := merge (dict) (index . 1) $root.Values.commonAnnotations -}}
labels:
  {{- include "fairlead.labels" $root | nindent 2 }}
{{- with $annotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* Not empty where logs are served in the cluster: by the `job` runner. */}}
{{- define "fairlead.servesLogs" -}}
{{- if and .Values.logs.enabled (eq .Values.settings.runner "job") }}true{{ end -}}
{{- end -}}

{{- define "fairlead.logService" -}}
{{- include "fairlead.fullname" . }}-logs
{{- end -}}

{{/* The Secret that the keys of logs are made from. */}}
{{- define "fairlead.logKey" -}}
{{- default (printf "%s-log-key" (include "fairlead.fullname" .)) .Values.logs.keySecret -}}
{{- end -}}

{{- define "fairlead.metricsApi" -}}
{{- include "fairlead.fullname" . }}-metrics-api
{{- end -}}

{{/* Never the operator's: neither's Service or budget sees a pod of the other. */}}
{{- define "fairlead.metricsApiSelector" -}}
app.kubernetes.io/name: {{ include "fairlead.name" . }}-metrics-api
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}
