#!/bin/sh
# serve.sh NAME PORT: listen on PORT, one process for each connection, answered by standins/NAME.sh
set -eu
name=$1 port=$2 here=$(dirname "$0")
rm -f /tmp/fault /tmp/pull # a fault does not outlive a restart
. "$here/$name.sh"
if command -v prepare >/dev/null; then prepare; fi
echo "INFO $name (stand-in) listens on port $port"
# which of the two there is depends on how busybox was built
if busybox --list | grep -qx tcpsvd; then
  exec tcpsvd -c 100 0.0.0.0 "$port" sh "$here/answer.sh" "$name"
fi
exec nc -ll -p "$port" -e sh "$here/answer.sh" "$name"
