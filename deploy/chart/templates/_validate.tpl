{{/* What no schema can say. */}}
{{- define "stagewright.validate" -}}
{{- if gt (len .Release.Name) 35 }}{{ fail "the release's name is too long for those of its Services: at most 35 letters" }}{{ end }}
{{- if and .Values.gateway.enabled (not .Values.gateway.parentRefs) }}{{ fail "gateway.parentRefs: name the Gateway that the routes are for" }}{{ end }}
{{- if and .Values.scaling.enabled (not .Values.scaling.prometheus) }}{{ fail "scaling.prometheus: name the URL of the Prometheus that has this release's metrics" }}{{ end }}
{{- if and (or .Values.strimzi.topics .Values.strimzi.users) (not .Values.strimzi.cluster) }}{{ fail "strimzi.cluster: name the Kafka resource that topics and users belong to" }}{{ end }}
{{- $accounts := list }}
{{- if and .Values.strimzi.users (eq (.Values.strimzi.namespace | default .Release.Namespace) .Release.Namespace) }}
{{- $accounts = concat (keys .Values.services) (keys .Values.strimzi.others) }}
{{- end }}
{{- range $name, $own := .Values.services }}
{{- if has $own.secret $accounts }}{{ fail (printf "services.%s.secret: Strimzi writes a Secret of this name for the account; take another name" $name) }}{{ end }}
{{- $http := dig "http_port" $.Values.settings.http_port $own.settings }}
{{- $internal := dig "internal_port" $.Values.settings.internal_port $own.settings }}
{{- if eq (int $http) (int $internal) }}{{ fail (printf "services.%s.settings: http_port and internal_port need to be two ports" $name) }}{{ end }}
{{- range $workload, $wanted := $own.workloads }}
{{- if gt (int $wanted.scaling.minReplicas) (int $wanted.scaling.maxReplicas) }}{{ fail (printf "services.%s.workloads.%s.scaling: minReplicas is above maxReplicas" $name $workload) }}{{ end }}
{{- end }}
{{- end }}
{{- $doc := index .Values.services "doc-service" }}
{{- $claims := list }}
{{- range concat .Values.files $doc.files }}{{ if .claim }}{{ $claims = append $claims .path }}{{ end }}{{ end }}
{{- if and (not $doc.settings.files_url) (not (has ($doc.settings.files_dir | default "") $claims)) }}
{{- fail "services.doc-service.settings: set files_url to an object store, or files_dir to the path of a claim in its files" }}
{{- end }}
{{- end -}}
