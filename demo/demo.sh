#!/bin/bash
# demo.sh up      start the demo stack and wait until it is healthy
# demo.sh run     the same, then the dashboard on it, until Ctrl-C; the stack goes on running
# demo.sh down    remove the stack with its data
set -euo pipefail
DEMO=$(cd "$(dirname "$0")" && pwd)
ROOT=${DEMO%/*}

prepare() {
  local config
  command -v docker >/dev/null || { echo "The demo needs Docker: https://docs.docker.com/engine/install/" >&2; exit 1; }
  "$ROOT/tests/stack/engine.sh" up
  config=$("$ROOT/tests/stack/compose.sh")
  [ -z "$config" ] || export DOCKER_CONFIG=$config
}

up() {
  local images kept=''
  prepare
  images=$("$ROOT/tests/stack/images.sh")
  # Compose reads .env, also when the dashboard calls it; ports set there by hand are kept
  [ ! -f "$DEMO/.env" ] || kept=$(grep -v '^DEMO_[A-Z]*_IMAGE=' "$DEMO/.env" || true)
  printf '%s\n' "$kept" "$images" | grep . >"$DEMO/.env" || true
  echo "Starting the demo stack …" >&2
  docker compose --project-directory "$DEMO" up --detach --wait --wait-timeout 180 --quiet-pull
}

run() {
  up
  export DASHBOARD_STACK_DIR=$DEMO DASHBOARD_DOCKER_COMPOSE_FILE=compose.yml DASHBOARD_PROJECT=hub-demo
  export DASHBOARD_STATE_DIR=${DASHBOARD_STATE_DIR:-$ROOT/.cache/demo-state}
  echo "The stack runs until: make stop-demo" >&2
  cd "$ROOT"
  exec .venv/bin/python -m hubcore up
}

down() {
  prepare
  docker compose --project-directory "$DEMO" down --volumes --remove-orphans
  "$ROOT/tests/stack/engine.sh" down
}

case ${1:-} in
  up) up ;;
  run) run ;;
  down) down ;;
  *) echo "usage: demo.sh up | run | down" >&2; exit 2 ;;
esac
