{{/* One NetworkPolicy: `from` or `to` on `ports`; neither denies. `out` opens to anywhere where `to` is empty. */}}
{{- define "stagewright.policy" -}}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: {{ .root.Release.Name }}-{{ .name }}
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- include "stagewright.labels" (dict "root" .root "service" "network" "component" .name) | nindent 4 }}
spec:
  podSelector:
    {{- toYaml .pods | nindent 4 }}
  {{- if .from }}
  policyTypes: [Ingress]
  ingress:
    - from:
        {{- toYaml .from | nindent 8 }}
      ports:
        {{- include "stagewright.ports" . | nindent 8 }}
  {{- else if or .to .out }}
  policyTypes: [Egress]
  egress:
    - ports:
        {{- include "stagewright.ports" . | nindent 8 }}
      {{- with .to }}
      to:
        {{- toYaml . | nindent 8 }}
      {{- end }}
  {{- else }}
  policyTypes: [Ingress, Egress]
  {{- end }}
{{- end -}}

{{- define "stagewright.ports" -}}
{{- range .ports }}
- protocol: TCP
  port: {{ if kindIs "string" . }}{{ . }}{{ else }}{{ int . }}{{ end }}
{{- if $.udp }}
- protocol: UDP
  port: {{ int . }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "stagewright.migrating" -}}
{{- range $service, $_ := . }}
- {{ $service }}-migrate
{{- end }}
{{- end -}}
