#!/bin/bash
# image/base.sh FILE MIRROR: one root file system with PostgreSQL, Redis and nginx, from Debian 12's packages, as FILE (tar.zst).
# Packages are unpacked, not installed: no maintainer script runs, so what those would do stands here.
set -euo pipefail
file=${1:?file to write} mirror=${2:?Debian mirror}
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/root

# with what they depend on, but nothing of the base system
packages=(base-passwd busybox-static dash netbase nginx-light postgresql-15 redis-server util-linux)
mmdebstrap --quiet --variant=extract --format=directory --include="$(IFS=,; echo "${packages[*]}")" \
  bookworm "$root" "deb $mirror bookworm main" 2>"$work/log" || { cat "$work/log" >&2; exit 1; }

# what no server needs: the just-in-time compiler of PostgreSQL alone is 100 MB
rm -rf "$root"/usr/lib/postgresql/15/lib/{bitcode,llvmjit*} "$root"/usr/lib/llvm-* "$root"/usr/lib/*-linux-gnu/{libLLVM*,libz3*,perl*,libperl*,gconv} \
  "$root"/usr/lib/python3* "$root"/usr/bin/perl* "$root"/usr/share/{perl*,locale,i18n,doc,man,info,lintian,bug,bash-completion,zsh} \
  "$root"/var/{lib,cache,log}/{apt,dpkg} "$root"/etc/{apt,cron*,init.d,rc*.d,systemd}

mkdir -p "$root"/{data,dev,docker-entrypoint-initdb.d,proc,root,run/postgresql,sys,tmp} \
  "$root"/var/{lib/postgresql/data,lib/nginx,log/nginx} "$root"/usr/local/bin
chmod 1777 "$root/tmp"
[ -e "$root/var/run" ] || ln -s /run "$root/var/run"

# busybox stands in for every command that is missing; sh stays dash, for Debian's busybox sh calls its own commands first
"$root/bin/busybox" --list | while read -r name; do
  for dir in bin sbin usr/bin usr/sbin; do [ ! -e "$root/$dir/$name" ] || continue 2; done
  ln -s /bin/busybox "$root/usr/bin/$name"
done
ln -sf dash "$root/bin/sh"
for program in "$root"/usr/lib/postgresql/15/bin/*; do ln -sf "/usr/lib/postgresql/15/bin/${program##*/}" "$root/usr/bin/${program##*/}"; done

cp "$here/passwd" "$here/group" "$root/etc/"
printf 'root:*:19000:0:99999:7:::\n' >"$root/etc/shadow"
printf 'passwd: files\ngroup: files\nhosts: files dns\n' >"$root/etc/nsswitch.conf"
install -m 755 "$here/postgres-entrypoint.sh" "$root/usr/local/bin/"
ldconfig -r "$root"

mkdir -p "$(dirname "$file")"
tar -C "$root" --numeric-owner -c . | zstd -q -3 -T0 -f -o "$file.part"
mv "$file.part" "$file"
