#!/bin/bash
# A Docker engine for the tests.
#   engine.sh up                    use the engine that answers, else start one on the default socket (root, Debian)
#   engine.sh down                  stop the one `up` started; never another
#   engine.sh private STATE NETNS   one of its own, in its own network namespace: socket STATE/docker.sock, published ports
#                                   reachable by `nsenter --net=/run/netns/NETNS`; run again after a kill, it starts anew
#   engine.sh private-down STATE NETNS
set -euo pipefail
. "$(dirname "$0")/common.sh"
RUN=$CACHE/engine

up() {
  if engine_answers; then
    say "A Docker engine answers; using it."
    return
  fi
  [ -z "${DOCKER_HOST:-}" ] || die "No Docker engine answers at DOCKER_HOST=$DOCKER_HOST."
  command -v dockerd >/dev/null || die "No Docker engine: install one (Debian: apt-get install docker.io) and start it."
  [ "$(id -u)" = 0 ] || die "The Docker engine does not run; start it (for example: sudo systemctl start docker)."
  mkdir -p "$RUN"
  rm -f "$RUN/pid" # nothing answers, so what is written there is of the past
  # a session of its own: Ctrl-C in this terminal is not meant for the engine
  setsid nohup dockerd --pidfile "$RUN/pid" </dev/null >"$RUN/log" 2>&1 &
  wait_for_engine /var/run/docker.sock "$RUN/log" || die "The Docker engine did not start; its last words are above."
  say "Docker engine started."
}

down() {
  end_process "$RUN/pid" dockerd
  rm -f "$RUN/pid"
}

private() {
  local state=$1 netns=$2
  mkdir -p "$state"
  if [ ! -e "/run/netns/$netns" ]; then
    ip netns add "$netns"
    nsenter "--net=/run/netns/$netns" ip link set lo up
  fi
  # after kill -9 the old pid and socket still lie there
  rm -f "$state/pid" "$state/docker.sock"
  # nsenter, for `ip netns exec` mounts a fresh /sys, without the cgroup file systems the engine needs
  setsid nohup nsenter "--net=/run/netns/$netns" dockerd --data-root "$state/data" --exec-root "$state/exec" \
    --pidfile "$state/pid" --host "unix://$state/docker.sock" </dev/null >>"$state/log" 2>&1 &
  wait_for_engine "$state/docker.sock" "$state/log"
}

private_down() {
  local state=$1 netns=$2 ids
  if engine_answers "$state/docker.sock"; then
    ids=$(docker --host "unix://$state/docker.sock" ps -aq)
    # shellcheck disable=SC2086  # one word for each id
    [ -z "$ids" ] || docker --host "unix://$state/docker.sock" rm -f $ids >/dev/null
  fi
  end_process "$state/pid" dockerd
  # lives on when its engine was killed
  end_process "$state/exec/containerd/containerd.pid" containerd
  { grep -E " $state/" /proc/self/mounts || true; } | cut -d ' ' -f 2 | sort -r | while read -r mount; do umount -l "$mount" || true; done
  ip netns del "$netns" 2>/dev/null || true
  rm -rf "$state"
}

case ${1:-} in
  up) up ;;
  down) down ;;
  private) private "${2:?state directory}" "${3:?name of the network namespace}" ;;
  private-down) private_down "${2:?state directory}" "${3:?name of the network namespace}" ;;
  *) die "usage: engine.sh up | down | private STATE NETNS | private-down STATE NETNS" ;;
esac
