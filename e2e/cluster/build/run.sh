#!/bin/sh
# One RUN of a Dockerfile: its changes land in UPPER.
# Wants: LOWERS (folders, topmost first, joined by colons), UPPER, WORK, ROOT (a mount point), SETTINGS
# (a folder with pip.conf and, in `paths`, the machine's own folders that it names); the command as its words.
# Run in a mount namespace of its own: every mount ends with it.
set -eu
mount --make-rprivate /
mount -t overlay overlay -o "lowerdir=$LOWERS,upperdir=$UPPER,workdir=$WORK" "$ROOT"
mount -t proc proc "$ROOT/proc"
mount --rbind /dev "$ROOT/dev"
mount -t tmpfs tmpfs "$ROOT/tmp"
mount -t tmpfs tmpfs "$ROOT/run"
# The machine's name servers and trust store, and what its pip uses: for the time of the build only.
mount --bind /etc/resolv.conf "$ROOT/etc/resolv.conf"
[ ! -d /etc/ssl/certs ] || mount --bind -o ro /etc/ssl/certs "$ROOT/etc/ssl/certs"
cp "$SETTINGS/pip.conf" "$ROOT/run/pip.conf"
while read -r path; do
  if [ -d "$path" ]; then mkdir -p "$ROOT/run/machine$path"; else
    mkdir -p "$ROOT/run/machine${path%/*}"
    : > "$ROOT/run/machine$path"
  fi
  mount --bind -o ro "$path" "$ROOT/run/machine$path"
done < "$SETTINGS/paths"
exec chroot "$ROOT" "$@"
