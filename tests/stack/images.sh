#!/bin/bash
# The images of the demo stack. Prints the DEMO_*_IMAGE variables to set, one KEY=VALUE a line; nothing when the public
# images are used.
#   images.sh [auto|pull|build]     auto: what is there, else pull, else build from Debian's packages
set -euo pipefail
HERE=$(cd "$(dirname "$0")" && pwd)
. "$HERE/common.sh"
PUBLIC=(busybox:1.36 postgres:16-alpine redis:7-alpine nginx:alpine)
# a changed recipe is a new tag, and a new file in the cache
TAG=$(cat "$HERE"/image/* | sha256sum | cut -c 1-12)

have() {
  local image
  for image in "$@"; do docker image inspect "$image" >/dev/null 2>&1 || return 1; done
}

pull() {
  local image
  for image in "${PUBLIC[@]}"; do
    have "$image" || timeout "${HUB_PULL_TIMEOUT:-300}" docker pull --quiet "$image" >&2 || return 1
  done
}

# every step says itself what happens when it fails: `set -e` is off in a function called as part of a condition
build() {
  local role archive=$CACHE/base-$TAG.tar.zst
  have "hub-demo/busybox:$TAG" || "$HERE/image/busybox.sh" "hub-demo/busybox:$TAG" || return 1
  if ! have "hub-demo/base:$TAG"; then
    [ -s "$archive" ] || "$HERE/image/base.sh" "$archive" "$(debian_mirror)" || return 1
    zstd -dc "$archive" | docker import - "hub-demo/base:$TAG" >/dev/null || return 1
  fi
  for role in postgres redis nginx; do
    have "hub-demo/$role:$TAG" || DOCKER_BUILDKIT=0 docker build --quiet --build-arg "BASE=hub-demo/base:$TAG" \
      --file "$HERE/image/Dockerfile.$role" --tag "hub-demo/$role:$TAG" "$HERE/image" >/dev/null 2>"$CACHE/build.log" ||
      { cat "$CACHE/build.log" >&2; return 1; }
  done
}

built() { have "hub-demo/busybox:$TAG" "hub-demo/postgres:$TAG" "hub-demo/redis:$TAG" "hub-demo/nginx:$TAG"; }

can_build() { command -v mmdebstrap >/dev/null && command -v zstd >/dev/null && [ -x /bin/busybox ] && [ "$(id -u)" = 0 ]; }

names() {
  local role
  for role in busybox postgres redis nginx; do echo "DEMO_${role^^}_IMAGE=hub-demo/$role:$TAG"; done
}

engine_answers || die "No Docker engine answers."
case ${1:-auto} in
  auto)
    if have "${PUBLIC[@]}"; then exit; fi
    if built; then names; exit; fi
    say "Fetching the demo's images …"
    if pull; then exit; fi
    can_build || die "The public images cannot be fetched, and building them takes Debian, root and: apt-get install busybox-static mmdebstrap zstd"
    say "No image registry can be reached; building the images from Debian's packages (about half a minute) …"
    build || die "Building the images failed; the reason is above."
    names
    ;;
  pull) pull ;;
  build)
    build || die "Building the images failed; the reason is above."
    names
    ;;
  *) die "usage: images.sh [auto|pull|build]" ;;
esac
