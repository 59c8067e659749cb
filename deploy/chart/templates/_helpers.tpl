{{/* Names, labels and parts that several resources have. Each takes the root as `root`, and what it is about. */}}

{{- define "stagewright.data" -}}
{{- .Files.Get (printf "generated/%s.yaml" .name) -}}
{{- end -}}

{{/* The name of a workload; a service's only one is called like the service. */}}
{{- define "stagewright.component" -}}
{{- if eq .workload "all" }}{{ .service }}{{ else }}{{ .service }}-{{ .workload }}{{ end -}}
{{- end -}}

{{/* The workload that answers a service's requests. */}}
{{- define "stagewright.serving" -}}
{{- if eq . "rule-engine" }}rule-engine-api{{ else }}{{ . }}{{ end -}}
{{- end -}}

{{- define "stagewright.labels" -}}
app.kubernetes.io/name: {{ .service }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
app.kubernetes.io/part-of: stagewright
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ .root.Chart.Name }}-{{ .root.Chart.Version | replace "+" "_" }}
{{- end -}}

{{/* What never changes, so that a release can be upgraded. */}}
{{- define "stagewright.selector" -}}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{- define "stagewright.image" -}}
{{- $image := .root.Values.image -}}
{{ $image.repository }}/{{ .service }}:{{ $image.tag | default .root.Chart.AppVersion }}
{{- end -}}

{{- define "stagewright.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
seccompProfile: {type: RuntimeDefault}
{{- end -}}

{{- define "stagewright.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end -}}

{{/* The settings of a service: what the chart knows, then those of all, then its own. */}}
{{- define "stagewright.settings" -}}
{{- $values := .root.Values -}}
{{- $known := dict "http_host" "0.0.0.0" -}}
{{- $inside := list -}}
{{- range .data.calls -}}
{{- $host := printf "%s-%s-internal" $.root.Release.Name . -}}
{{- $port := dig . "settings" "internal_port" $values.settings.internal_port $values.services -}}
{{- $_ := set $known (printf "%s_url" (replace "-" "_" .)) (printf "http://%s:%v" $host (int $port)) -}}
{{- $inside = append $inside $host -}}
{{- end -}}
{{- $own := get $values.services .service -}}
{{- $all := mergeOverwrite $known (deepCopy $values.settings) (deepCopy $own.settings) -}}
{{- $_ := set $all "plaintext_allowed" (concat $inside ($all.plaintext_allowed | default list)) -}}
{{- toYaml $all -}}
{{- end -}}

{{- define "stagewright.text" -}}
{{- if kindIs "slice" . -}}
{{ join "," . }}
{{- else if kindIs "map" . -}}
{{- $pairs := list -}}
{{- range $name, $value := . }}{{ $pairs = append $pairs (printf "%s=%s" $name $value) }}{{ end -}}
{{ join "," $pairs }}
{{- else if and (kindIs "float64" .) (eq (floor .) (float64 .)) -}}
{{ int64 . }}
{{- else -}}
{{ . }}
{{- end -}}
{{- end -}}

{{/* The environment of a container; `owner` is for migrations. */}}
{{- define "stagewright.environment" -}}
{{- $own := get .root.Values.services .service -}}
{{- range $name, $value := include "stagewright.settings" . | fromYaml }}
{{- if not (kindIs "invalid" $value) }}
- name: {{ upper $name }}
  value: {{ include "stagewright.text" $value | quote }}
{{- end }}
{{- end }}
{{- if eq (.workload | default "") "api" }}
- name: API_ONLY
  value: "true"
{{- end }}
{{- range .data.secrets }}
{{- if or (not .owner) $.owner }}
- name: {{ .key }}
  valueFrom:
    secretKeyRef:
      name: {{ $own.secret }}
      key: {{ .key }}
      {{- if not .required }}
      optional: true
      {{- end }}
{{- end }}
{{- end }}
{{- range $name, $value := $own.environment }}
- name: {{ $name }}
  value: {{ $value | quote }}
{{- end }}
{{- end -}}

{{- define "stagewright.environmentFrom" -}}
{{- with (get .root.Values.services .service).environmentSecret }}
envFrom:
  - secretRef:
      name: {{ . }}
{{- end }}
{{- end -}}

{{- define "stagewright.files" -}}
{{- $own := get .root.Values.services .service -}}
{{- toYaml (dict "files" (concat .root.Values.files $own.files)) -}}
{{- end -}}

{{- define "stagewright.mounts" -}}
- name: tmp
  mountPath: /tmp
{{- range (include "stagewright.files" . | fromYaml).files }}
- name: {{ .name }}
  mountPath: {{ .path }}
  {{- if not .claim }}
  readOnly: true
  {{- end }}
{{- end }}
{{- end -}}

{{- define "stagewright.volumes" -}}
- name: tmp
  emptyDir:
    sizeLimit: 1Gi
{{- range (include "stagewright.files" . | fromYaml).files }}
- name: {{ .name }}
  {{- if .secret }}
  secret:
    secretName: {{ .secret }}
    defaultMode: 0440
  {{- else if .configMap }}
  configMap:
    name: {{ .configMap }}
  {{- else }}
  persistentVolumeClaim:
    claimName: {{ .claim }}
  {{- end }}
{{- end }}
{{- end -}}
