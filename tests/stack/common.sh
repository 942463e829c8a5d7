# Shared by the scripts beside it: where things are kept, and what is said when something is missing.
CACHE=${HUB_TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/hub-test-stack}
mkdir -p "$CACHE"

say() { printf '%s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

# engine_answers [SOCKET]: whether a Docker engine answers; without SOCKET, the one the docker command would use
engine_answers() {
  if [ $# -gt 0 ]; then
    [ "$(curl -s -m 2 --unix-socket "$1" http://engine/_ping 2>/dev/null)" = OK ]
  else
    command -v docker >/dev/null && timeout 10 docker version --format '{{.Server.Version}}' >/dev/null 2>&1
  fi
}

# wait_for_engine SOCKET LOG: until it answers, 30 s at most
wait_for_engine() {
  local deadline=$((SECONDS + 30))
  until engine_answers "$1"; do
    if [ $SECONDS -ge $deadline ]; then
      tail -n 20 "$2" >&2
      return 1
    fi
    sleep 0.1
  done
}

# end_process PIDFILE NAME: ends the process of that name whose number stands in the file, and waits for it, 20 s at most
end_process() {
  local pid deadline=$((SECONDS + 20))
  [ -s "$1" ] || return 0
  pid=$(cat "$1")
  # the file may be older than the machine's last start, and the number somebody else's by now
  [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = "$2" ] || return 0
  kill "$pid" 2>/dev/null || return 0
  while kill -0 "$pid" 2>/dev/null; do
    if [ $SECONDS -ge $deadline ]; then
      kill -9 "$pid" 2>/dev/null || true
      return 0
    fi
    sleep 0.1
  done
}

# debian_mirror: the package mirror this machine's apt already uses
debian_mirror() {
  local mirror
  mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 2>/dev/null | grep -m 1 -E '/debian/?$' || true)
  [ -n "$mirror" ] || die "No Debian mirror is configured in apt; run apt-get update first."
  printf '%s\n' "$mirror"
}
