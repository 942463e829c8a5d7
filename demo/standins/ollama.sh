# Ollama: version, models on disk, models in memory. A model is a file in the volume, named as the model is.
models=/data/models

prepare() {
  mkdir -p "$models"
  [ -e "$models/llama3.2:3b" ] || echo 2019393189 >"$models/llama3.2:3b"
  [ -e "$models/nomic-embed-text:latest" ] || echo 274302450 >"$models/nomic-embed-text:latest"
}

list() {
  separator=
  for file in "$models"/*; do
    [ -f "$file" ] || continue
    name=${file##*/}
    digest=$(printf %s "$name" | sha256sum | cut -c1-64)
    printf '%s{"name": "%s", "model": "%s", "modified_at": "2025-11-01T12:00:00Z", "size": %s, "digest": "%s", "details": {"format": "gguf"}}' \
      "$separator" "$name" "$name" "$(cat "$file")" "$digest"
    separator=', '
  done
}

route() {
  case $ROUTE in
    /) plain 200 'Ollama is running' ;;
    /api/version) json 200 '{"version": "0.12.0"}' ;;
    /api/tags) json 200 "{\"models\": [$(list)]}" ;;
    /api/ps) json 200 '{"models": []}' ;;
  esac
}
