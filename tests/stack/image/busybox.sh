#!/bin/bash
# image/busybox.sh TAG: an image of nothing but Debian's busybox, for the stand-ins
set -euo pipefail
tag=${1:?image tag}
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
chmod 755 "$root"
mkdir -p "$root"/{bin,data,dev,etc,proc,root,sys,tmp,var}
chmod 1777 "$root/tmp"
cp /bin/busybox "$root/bin/busybox"
# hard links: busybox sees by its name what it is to be
"$root/bin/busybox" --list | grep -vx busybox | while read -r name; do ln "$root/bin/busybox" "$root/bin/$name"; done
echo 'root:x:0:0:root:/root:/bin/sh' >"$root/etc/passwd"
echo 'root:x:0:' >"$root/etc/group"
tar -C "$root" --numeric-owner -c . | docker import --change 'ENV PATH=/bin' --change 'CMD ["sh"]' - "$tag" >/dev/null
