{{- define "gateway.name" -}}
{{- if contains .Chart.Name .Release.Name }}{{ .Release.Name | trunc 63 | trimSuffix "-" }}{{ else }}{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 63 | trimSuffix "-" }}{{ end }}
{{- end }}

{{- define "gateway.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "gateway.labels" -}}
{{ include "gateway.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "gateway.serviceAccount" -}}
{{- if .Values.serviceAccount.create }}{{ default (include "gateway.name" .) .Values.serviceAccount.name }}{{ else }}{{ default "default" .Values.serviceAccount.name }}{{ end }}
{{- end }}

{{- /* The configuration as the gateway reads it: yours, and both ports on all addresses where it says nothing else. */ -}}
{{- define "gateway.config" -}}
{{- $_ := required "set config.auth: who signs the callers' tokens" .Values.config.auth }}
{{- $_ := required "set config.clusters: the OpenSearch clusters behind the gateway" .Values.config.clusters }}
{{- $ours := dict "listen" (dict "host" "0.0.0.0" "port" 8080) "ops" (dict "host" "0.0.0.0" "port" 9090) }}
{{- toYaml (mustMergeOverwrite $ours (deepCopy .Values.config)) }}
{{- end }}

{{- define "gateway.port" -}}
{{- int (dig "listen" "port" 8080 .Values.config) }}
{{- end }}

{{- define "gateway.opsPort" -}}
{{- int (dig "ops" "port" 9090 .Values.config) }}
{{- end }}

{{- /* What a running gateway goes on with as it was started: a change of these needs a restart. As in src/config/need-restart.ts. */ -}}
{{- define "gateway.readAtStart" -}}
{{- $config := include "gateway.config" . | fromYaml }}
{{- $read := dict "audit" (get $config "audit") }}
{{- range $section, $settings := dict
  "listen" (list "host" "port" "tls")
  "ops" (list "host" "port")
  "limits" (list "connections" "headerBytes" "headersTimeout" "requestTimeout" "drainDelay" "drain")
  "reload" (list "watch" "interval")
  "revocation" (list "file" "index" "interval" "accept")
}}
{{- range $settings }}
{{- $_ := set $read (printf "%s.%s" $section .) (dig $section . "" $config) }}
{{- end }}
{{- end }}
{{- toJson $read }}
{{- end }}
