#!/bin/sh
# After an installation or an upgrade. dpkg says "configure" and the old version, rpm how
# many versions there are now. A new service is not started: README says how.
set -e

[ -d /run/systemd/system ] || exit 0
systemctl daemon-reload || true
case "$1:${2:-}" in
  configure:?* | 2:*) systemctl try-restart siamese.service || true ;;
esac
