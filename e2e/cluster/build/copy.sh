#!/bin/sh
# One COPY --from of a Dockerfile: wants LOWERS (folders, topmost first, joined by colons) and ROOT (a mount
# point); its words are the source and the target. Run in a mount namespace of its own.
set -eu
mount --make-rprivate /
mount -t overlay overlay -o "ro,lowerdir=$LOWERS" "$ROOT"
if [ -d "$ROOT$1" ]; then mkdir -p "$2" && cp -a "$ROOT$1/." "$2"; else
  mkdir -p "${2%/*}"
  cp -a "$ROOT$1" "$2"
fi
