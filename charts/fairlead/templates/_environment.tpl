{{/* One variable for each setting that is not empty: FAIRLEAD_REGISTRY_PUSH for registryPush. Whole numbers stay whole,
though Helm reads them as floating points. */}}
{{- define "fairlead.environment" -}}
{{- $settings := merge (dict "namespace" .Release.Namespace) .Values.settings -}}
{{- if eq .Values.settings.runner "job" -}}
{{- $_ := set $settings "taskImage" (include "fairlead.reference" (list . .Values.taskImage)) -}}
{{- end -}}
{{- with .Values.watchNamespaces -}}
{{- $_ := set $settings "watchNamespaces" (join " " .) -}}
{{- end -}}
{{- if .Values.caBundle.configMap -}}
{{- $_ := set $settings "caBundle" (printf "/etc/fairlead/ca-bundle/%s" .Values.caBundle.key) -}}
{{- end -}}
{{- if .Values.dockerConfig.secret -}}
{{- $_ := set $settings "dockerConfig" "/etc/fairlead/docker-config/config.json" -}}
{{- end -}}
{{- if .Values.engines.buildkit.enabled -}}
{{- $_ := set $settings "buildkitNamespace" .Values.engines.buildkit.namespace -}}
{{- $_ := set $settings "buildkitImage" .Values.engines.buildkit.image -}}
{{- end -}}
{{- if .Values.metricsApi.enabled -}}
{{- $_ := set $settings "metricsApi" (printf "%s/%s" .Release.Namespace (include "fairlead.metricsApi" .)) -}}
{{- end -}}
{{- $_ := set $settings "exposureHosts" (join " " .Values.exposure.hosts) -}}
{{- $_ := set $settings "exposureClusterIssuers" (join " " .Values.exposure.clusterIssuers) -}}
{{- range $setting, $value := dict "exposureIngressClasses" "ingressClasses" "exposureGateways" "gateways" "exposureAnnotations" "annotations" -}}
{{- $pairs := list -}}
{{- range $name, $said := index $.Values.exposure $value -}}
{{- $pairs = append $pairs (printf "%s=%v" $name $said) -}}
{{- end -}}
{{- $_ := set $settings $setting (join " " $pairs) -}}
{{- end -}}
{{- if include "fairlead.servesLogs" . -}}
{{- $_ := set $settings "logAddress" (printf "0.0.0.0:%d" (int .Values.logs.port)) -}}
{{- $_ := set $settings "logKeyFile" "/etc/fairlead/log-key/key" -}}
{{- $service := printf "/api/v1/namespaces/%s/services/%s/proxy" .Release.Namespace (include "fairlead.logService" .) -}}
{{- $_ := set $settings "logUriBase" (default $service .Values.logs.uriBase) -}}
{{- $_ := set $settings "logTokens" (and .Values.logs.tokens (empty .Values.watchNamespaces)) -}}
{{- end -}}
{{- range $name := keys $settings | sortAlpha -}}
{{- $value := index $settings $name -}}
{{- if not (and (kindIs "string" $value) (empty $value)) }}
- name: FAIRLEAD_{{ snakecase $name | upper }}
  value: {{ ternary (int64 $value | toString) (toString $value) (or (kindIs "float64" $value) (kindIs "int64" $value)) | quote }}
{{- end -}}
{{- end -}}
{{- with .Values.dockerHost }}
- name: DOCKER_HOST
  value: {{ . | quote }}
{{- end -}}
{{- end -}}

{{- define "fairlead.healthPort" -}}
{{- regexFind "[0-9]+$" .Values.settings.healthAddress -}}
{{- end -}}
