#!/bin/bash
# Docker Compose v2 for the tests: prints the DOCKER_CONFIG under which `docker compose` works; an empty line when it works already.
# Debian 12 has only Compose v1, so the program is taken out of the package of the next Debian, beside the system.
set -euo pipefail
. "$(dirname "$0")/common.sh"
CONFIG=$CACHE/docker-config
PROGRAM=$CONFIG/cli-plugins/docker-compose

works() { docker compose version --short 2>/dev/null | grep -qE '^v?[2-9]'; }

fetch() {
  command -v apt-get >/dev/null || die "Docker Compose v2 is missing; see https://docs.docker.com/compose/install/"
  work=$(mktemp -d) # not local: the trap needs it when the function is over
  trap 'rm -rf "$work"' EXIT
  chmod 755 "$work"
  mkdir -p "$work"/{lists/partial,cache/archives/partial,unpacked} "${PROGRAM%/*}"
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $(debian_mirror) trixie main" >"$work/sources.list"
  # an apt that knows only this one source and leaves the system's own lists alone
  local apt=(apt-get -qq -o "Dir::Etc::sourcelist=$work/sources.list" -o Dir::Etc::sourceparts=/dev/null
    -o "Dir::State::lists=$work/lists" -o "Dir::Cache=$work/cache" -o Acquire::Languages=none -o APT::Sandbox::User=root)
  "${apt[@]}" update
  (cd "$work" && "${apt[@]}" download docker-compose)
  dpkg-deb -x "$work"/docker-compose_*.deb "$work/unpacked"
  install -m 755 "$work/unpacked/usr/libexec/docker/cli-plugins/docker-compose" "$PROGRAM"
}

if works; then
  echo
  exit
fi
if [ -z "${DOCKER_CONFIG:-}" ] && [ -f "$HOME/.docker/config.json" ] && [ ! -e "$CONFIG/config.json" ]; then
  mkdir -p "$CONFIG"
  cp "$HOME/.docker/config.json" "$CONFIG/" # log-ins and contexts go on working
fi
export DOCKER_CONFIG=$CONFIG
works || fetch
works || die "Docker Compose v2 was fetched but does not run."
echo "$DOCKER_CONFIG"
