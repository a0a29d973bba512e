#!/usr/bin/env bash
# What: makes an authority and certificates of it, to try TLS on both sides:
#       ca.pem, server.pem, server.key, client.pem, client.key. They are good for
#       30 days. For a service that matters take those of your own authority.
# How to run: scripts/make-certificates.sh FOLDER [HOST...]
#             HOST is a name or IP address that the server is called by, beside
#             localhost and 127.0.0.1.
set -euo pipefail

if [ $# -lt 1 ]; then
  echo "usage: $0 FOLDER [HOST...]" >&2
  exit 2
fi
if ! command -v openssl >/dev/null; then
  echo "openssl is not installed: it comes with the package openssl" >&2
  exit 1
fi
folder=$1
shift
days=30

names="DNS:localhost,IP:127.0.0.1,IP:::1"
for host in "$@"; do
  if [[ $host =~ ^[0-9.]+$ || $host == *:* ]]; then
    names+=",IP:$host"
  else
    names+=",DNS:$host"
  fi
done

umask 077 # the keys are for their owner alone
mkdir -p "$folder"
cd "$folder"
if [ -e ca.pem ]; then
  echo "$folder/ca.pem is there already: give an empty folder" >&2
  exit 1
fi

# make_certificate NAME EXTENSION...: a certificate of the authority with its key.
make_certificate() {
  local name=$1
  shift
  openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$name.key" -subj "/CN=$name" -out "$name.csr" 2>/dev/null
  printf '%s\n' "$@" >"$name.ext"
  openssl x509 -req -in "$name.csr" -CA ca.pem -CAkey ca.key -days $days -extfile "$name.ext" -out "$name.pem" 2>/dev/null
  rm "$name.csr" "$name.ext"
}

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -subj "/CN=siamese trial authority" -days $days -out ca.pem 2>/dev/null
make_certificate server "subjectAltName=$names" "extendedKeyUsage=serverAuth"
make_certificate client "extendedKeyUsage=clientAuth"
echo "made in $folder: $(echo *.pem *.key)"
