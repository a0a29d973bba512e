#!/bin/sh
# Before a removal, not before an upgrade: the service ends. dpkg says "remove", rpm 0.
set -e

[ -d /run/systemd/system ] || exit 0
case "$1" in
  remove | 0) systemctl --no-reload disable --now siamese.service || true ;;
esac
