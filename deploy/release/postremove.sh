#!/bin/sh
# After a removal. dpkg says "remove", then "purge"; rpm says 0, and purges nothing. In an
# upgrade the new version's script has systemd read the units again.
set -e

case "$1" in
  remove | purge | 0)
    if [ -d /run/systemd/system ]; then
      systemctl daemon-reload || true
    fi
    ;;
esac

# What the service kept goes, unless the other flavour of the package is there.
if [ "$1" = purge ] && [ ! -e /usr/bin/siamese ]; then
  rm -rf /var/lib/private/siamese /var/cache/private/siamese
  rm -f /var/lib/siamese /var/cache/siamese
  rmdir /etc/siamese 2>/dev/null || true
fi
