#!/bin/bash
# litellm.sh: the real LiteLLM proxy in an environment of its own (about 740 MB, once). Prints the path of its folder, whose
# bin/litellm is the program. PYTHON names the interpreter to use.
set -euo pipefail
HERE=$(cd "$(dirname "$0")" && pwd)
. "$HERE/common.sh"
VERSION=1.106.2
PYTHON=${PYTHON:-python3}

tag=$("$PYTHON" -c 'import sys; print("%d.%d.%d" % sys.version_info[:3])') || die "LiteLLM takes Python."
folder=$CACHE/litellm-$VERSION-python-$tag
# two test sessions at once must not install into each other
if command -v flock >/dev/null; then exec 9>"$CACHE/litellm.lock" && flock 9; fi
if [ ! -e "$folder/.complete" ]; then
  say "Installing LiteLLM $VERSION for the tests (740 MB, about a minute) …"
  rm -rf "$CACHE"/litellm-*
  "$PYTHON" -m venv "$folder" >&2 || die "LiteLLM needs Python's venv module."
  timeout "${HUB_PIP_TIMEOUT:-500}" "$folder/bin/python" -m pip install --quiet --disable-pip-version-check --no-input \
    "litellm[proxy]==$VERSION" >"$CACHE/litellm.log" 2>&1 ||
    { tail -n 3 "$CACHE/litellm.log" >&2; die "LiteLLM cannot be installed."; }
  touch "$folder/.complete"
fi
printf '%s\n' "$folder"
