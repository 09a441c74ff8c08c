{{/* What the operator may do, and nothing more: it reads no Secret (it may only make one), runs nothing in pods, and
sees no nodes. tests/unit/test_role.py compares this with what the code asks for. */}}
{{- define "fairlead.own-namespace-rules" -}}
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  verbs: [get, create, patch]  # of several operators one works
- apiGroups: [""]
  resources: [configmaps]
  verbs: [create, patch]  # the echo, by which the liveness probe sees that events still arrive
{{- end -}}

{{- define "fairlead.local-registry-rules" -}}
- apiGroups: [""]
  resources: [configmaps]
  resourceNames: [local-registry-hosting]
  verbs: [get]  # which registry the cluster has of its own, where no value names one
{{- end -}}

{{/* In the namespace of the `buildkit` engine: what tasks need, and no more. */}}
{{- define "fairlead.builds-rules" -}}
- apiGroups: [batch]
  resources: [jobs]
  verbs: [list, watch, create, patch, delete]
- apiGroups: [""]
  resources: [configmaps]
  verbs: [create]  # the request of a task, which goes with its Job
- apiGroups: [""]
  resources: [pods]
  verbs: [list, watch]
- apiGroups: [""]
  resources: [pods/log]
  verbs: [get]
- apiGroups: [""]
  resources: [events]
  verbs: [list]  # of one pod or Job that does not start
{{- end -}}

{{- define "fairlead.rules" -}}
- apiGroups: [fairlead.dev]
  resources: [models, inferenceimages, webservices]
  verbs: [get, list, watch, patch]  # patch: takes off the finalizer of an earlier Fairlead
- apiGroups: [fairlead.dev]
  resources: [models/status, inferenceimages/status, webservices/status]
  verbs: [patch]
- apiGroups: [fairlead.dev]
  resources: [models/finalizers, inferenceimages/finalizers, webservices/finalizers]
  verbs: [update]  # children block their owner's deletion
- apiGroups: [""]
  resources: [configmaps]
  verbs: [get, list, watch]  # their metadata is watched, their content read where it is referred to
- apiGroups: [""]
  resources: [configmaps]
  verbs: [create]  # job runner: the request of a task, which goes with its Job; never changed
- apiGroups: [batch]
  resources: [jobs]
  verbs: [list, watch, create, patch, delete]  # job runner. patch: release, owners, time to live
- apiGroups: [apps]
  resources: [deployments]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [""]
  resources: [services]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [policy]
  resources: [poddisruptionbudgets]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [autoscaling]
  resources: [horizontalpodautoscalers]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [""]
  resources: [secrets]
  verbs: [create]  # a service's two keys, once; never read
- apiGroups: [""]
  resources: [pods]
  verbs: [list, watch]  # of services and of tasks, by our labels
- apiGroups: [""]
  resources: [namespaces]
  verbs: [get]  # is it being deleted? then nothing is written to it any more
- apiGroups: [""]
  resources: [pods/log]
  verbs: [get]
- apiGroups: [""]
  resources: [events]
  verbs: [list]  # of one pod or Job that does not start: what only its events tell
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create]
{{- end -}}

{{/* Of the operator, where Webservices may have Ingresses. */}}
{{- define "fairlead.ingress-rules" -}}
- apiGroups: [networking.k8s.io]
  resources: [ingresses]
  verbs: [get, list, watch, create, patch, delete]
{{- end -}}

{{/* Of the operator, where Webservices may have HTTPRoutes. */}}
{{- define "fairlead.route-rules" -}}
- apiGroups: [gateway.networking.k8s.io]
  resources: [httproutes]
  verbs: [get, list, watch, create, patch, delete]
{{- end -}}

{{/* To ask whose a token is, and what they may: cluster-wide, so not with watchNamespaces. */}}
{{- define "fairlead.log-token-rules" -}}
- apiGroups: [authentication.k8s.io]
  resources: [tokenreviews]
  verbs: [create]
- apiGroups: [authorization.k8s.io]
  resources: [subjectaccessreviews]
  verbs: [create]
{{- end -}}

{{/* Of the metrics API: whom to ask. */}}
{{- define "fairlead.metrics-api-rules" -}}
- apiGroups: [fairlead.dev]
  resources: [webservices]
  verbs: [list, watch]
- apiGroups: [""]
  resources: [pods]
  verbs: [list, watch]  # of services and fronts, by our labels
{{- end -}}

{{/* Of the operator, where there is a metrics API: whose is it? */}}
{{- define "fairlead.metrics-reader-rules" -}}
- apiGroups: [apiregistration.k8s.io]
  resources: [apiservices]
  resourceNames: [v1beta2.custom.metrics.k8s.io]
  verbs: [get]
- apiGroups: [custom.metrics.k8s.io]
  resources: [webservices.fairlead.dev/fairlead_measures]
  verbs: [get]
- apiGroups: [custom.metrics.k8s.io]
  resources: [webservices.fairlead.dev/fairlead_demand_concurrency]
  verbs: [get]  # for autoscale.fastLane
{{- end -}}
