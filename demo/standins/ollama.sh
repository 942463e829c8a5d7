# Ollama: models on disk and in memory, downloads and deletions. A model is a file in the volume, named as the model is.
#
# A download takes some seconds; what stands in /tmp/pull changes that: a number of seconds between two of its 40 steps,
# or stall (nothing new comes), cut (the connection breaks), full (the disk is), nonsense (no JSON).
models=/data/models

# What can be downloaded, with its size in bytes.
library='llama3.2:1b 1321098329
llama3.2:3b 2019393189
llama3:latest 4661224676
gemma3:1b 815319791
qwen3:0.6b 522653767
smollm2:135m 270898672
nomic-embed-text:latest 274302450
all-minilm:latest 45960996'

prepare() {
  [ ! -d "$models" ] || return 0
  mkdir -p "$models"
  echo 2019393189 >"$models/llama3.2:3b"
  echo 274302450 >"$models/nomic-embed-text:latest"
}

digest_of() { printf %s "$1" | sha256sum | cut -c1-64; }

entry() { # NAME: what lists say of a model
  printf '"name": "%s", "model": "%s", "size": %s, "digest": "%s"' "$1" "$1" "$(cat "$models/$1")" "$(digest_of "$1")"
  printf ', "details": {"parent_model": "", "format": "gguf", "family": "%s", "families": ["%s"], "parameter_size": "%s", "quantization_level": "Q4_K_M"}' \
    "${1%%:*}" "${1%%:*}" "${1#*:}"
}

list() {
  separator=
  for name in $(ls -t "$models"); do
    printf '%s{%s, "modified_at": "%s"}' "$separator" "$(entry "$name")" "$(date -u -r "$models/$name" +%Y-%m-%dT%H:%M:%SZ)"
    separator=', '
  done
}

loaded() {
  name=llama3.2:3b
  [ ! -f "$models/$name" ] || printf '{%s, "size_vram": 0, "expires_at": "%s"}' "$(entry "$name")" "$(date -u -d "@$(($(date +%s) + 300))" +%Y-%m-%dT%H:%M:%SZ)"
}

# said FIELD: a text of the body
said() { printf %s "$BODY" | tr '\n' ' ' | sed -n "s/.*\"$1\" *: *\"\([^\"]*\)\".*/\1/p"; }

wanted() { # the model that the body names, with its tag
  model=$(said model)
  [ -n "$model" ] || model=$(said name)
  case $model in *:* | '') ;; *) model=$model:latest ;; esac
}

line() { printf '%x\r\n%s\n\r\n' $((${#1} + 1)) "$1"; }
begin() {
  answered=1
  echo "INFO $METHOD $ROUTE 200 $model" >&2
  printf 'HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n'
}
end() { printf '0\r\n\r\n'; }

layer() { # DIGEST SIZE STEPS
  step=0
  while [ "$step" -le "$3" ]; do
    line "{\"status\": \"pulling $(echo "$1" | cut -c1-12)\", \"digest\": \"sha256:$1\", \"total\": $2, \"completed\": $(($2 * step / $3))}"
    if [ "$step" -eq $(($3 / 2)) ]; then trouble "$1" "$2" "$(($2 * step / $3))"; fi
    step=$((step + 1))
    [ "$3" -eq 1 ] || sleep "$pause"
  done
}

trouble() { # DIGEST SIZE COMPLETED: in the middle of a layer
  case $fault in
    cut) exit 0 ;;
    nonsense) line '<html>' ;;
    full) line '{"error": "write /root/.ollama/models/blobs/sha256-partial: no space left on device"}'; end; exit 0 ;;
    stall) while line "{\"status\": \"pulling $(echo "$1" | cut -c1-12)\", \"digest\": \"sha256:$1\", \"total\": $2, \"completed\": $3}"; do sleep 0.2; done ;;
  esac
}

at_once() { # a download whose progress nobody wants to see
  if [ -n "$size" ]; then
    echo "$size" >"$models/$model"
    json 200 '{"status": "success"}'
  else
    json 500 '{"error": "pull model manifest: file does not exist"}'
  fi
}

pull() {
  wanted
  size=$(printf '%s\n' "$library" | awk -v name="$model" '$1 == name {print $2}')
  fault=$(cat /tmp/pull 2>/dev/null) pause=0.1
  case $fault in [0-9]*) pause=$fault ;; esac
  [ -n "$model" ] || { json 400 '{"error": "invalid model name"}'; return; }
  case $(printf %s "$BODY" | tr -d ' \n') in
    *'"stream":false'*) at_once; return ;;
  esac
  begin
  line '{"status": "pulling manifest"}'
  if [ -z "$size" ]; then
    line '{"error": "pull model manifest: file does not exist"}'
    end
    return
  fi
  layer "$(digest_of "$model")" "$((size - 2048))" 40
  layer "$(digest_of "$model template")" 1536 1
  layer "$(digest_of "$model config")" 512 1
  for status in 'verifying sha256 digest' 'writing manifest'; do line "{\"status\": \"$status\"}"; done
  echo "$size" >"$models/$model"
  line '{"status": "success"}'
  end
}

delete() {
  wanted
  case $model in */* | '') ;; *)
    if [ -f "$models/$model" ]; then
      rm "$models/$model"
      json 200 ''
      return
    fi
    ;;
  esac
  json 404 "{\"error\": \"model '$(said model | tr -cd 'A-Za-z0-9._:/-')' not found\"}"
}

route() {
  case "$METHOD $ROUTE" in
    'GET /' | 'HEAD /') plain 200 'Ollama is running' ;;
    'GET /api/version') json 200 '{"version": "0.12.6"}' ;;
    'GET /api/tags') json 200 "{\"models\": [$(list)]}" ;;
    'GET /api/ps') json 200 "{\"models\": [$(loaded)]}" ;;
    'POST /api/pull') pull ;;
    'DELETE /api/delete') delete ;;
    *\ /api/pull | *\ /api/delete) plain 405 '405 method not allowed' ;;
  esac
}
