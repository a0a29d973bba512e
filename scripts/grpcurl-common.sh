# What: what the grpcurl scripts share: where the server is and how it is spoken
#       to, how an image becomes JSON. Sourced, not run.
#
#       The environment says, as for `siamese compare`:
#       SIAMESE_SERVER      the server, host:port (SIAMESE_ADDR counts, too, where
#                           it is not set)
#       SIAMESE_TLS=true    speak TLS; each of the next three asks for it too
#       SIAMESE_TLS_CA      authorities of its certificate; default: the system's
#       SIAMESE_TLS_CERT, SIAMESE_TLS_KEY    a certificate to show, and its key
#       SIAMESE_TOKEN_FILE  a file with the bearer token to show

server=${SIAMESE_SERVER:-${SIAMESE_ADDR:-localhost:50051}}
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# 16 MiB, the server's own limit; grpcurl's default would cut large replies.
max_message=16777216

find_grpcurl() {
  if [ -n "${GRPCURL:-}" ]; then
    echo "$GRPCURL"
  elif command -v grpcurl >/dev/null; then
    command -v grpcurl
  elif [ -x "$root/.tools/bin/grpcurl" ]; then
    echo "$root/.tools/bin/grpcurl"
  else
    echo "grpcurl is not installed: run 'make tools', or go install github.com/fullstorydev/grpcurl/cmd/grpcurl@v1.9.3" >&2
    return 1
  fi
}

# choose_transport: puts into `transport` the flags that the environment asks for.
choose_transport() {
  transport=()
  if [ -n "${SIAMESE_TLS_CA:-}" ]; then
    transport+=(-cacert "$SIAMESE_TLS_CA")
  fi
  if [ -n "${SIAMESE_TLS_CERT:-}${SIAMESE_TLS_KEY:-}" ]; then
    transport+=(-cert "${SIAMESE_TLS_CERT:-}" -key "${SIAMESE_TLS_KEY:-}")
  fi
  if [ ${#transport[@]} -gt 0 ] || [ "${SIAMESE_TLS:-false}" = true ]; then
    return
  fi
  transport=(-plaintext)
  if [ -n "${SIAMESE_TOKEN_FILE:-}" ] && ! [[ $server =~ ^(localhost|127\.[0-9.]+|\[::1\])(:[0-9]+)?$ ]]; then
    echo "SIAMESE_TOKEN_FILE with server $server: the token would go in plain text to another machine, expected SIAMESE_TLS=true" >&2
    return 1
  fi
}

# call METHOD: sends the JSON of standard input, prints the JSON of the reply. The
# token goes through the environment: other users can read command lines.
call() {
  local flags=("${transport[@]}" -emit-defaults -max-msg-sz "$max_message" -d @)
  if [ -z "${SIAMESE_TOKEN_FILE:-}" ]; then
    "$grpcurl" "${flags[@]}" "$server" "siamese.v1.SiameseService/$1"
    return
  fi
  need_files "$SIAMESE_TOKEN_FILE"
  local token
  token=$(<"$SIAMESE_TOKEN_FILE")
  # shellcheck disable=SC2016 # grpcurl puts the token in
  SIAMESE_TOKEN=$token "$grpcurl" "${flags[@]}" -expand-headers -H 'authorization: Bearer ${SIAMESE_TOKEN}' \
    "$server" "siamese.v1.SiameseService/$1"
}

# image FILE: a siamese.v1.Image in JSON.
image() {
  printf '{"encoded":"%s"}' "$(base64 -w0 <"$1")"
}

# need_files FILE...: stops when one can't be read.
need_files() {
  local file
  for file in "$@"; do
    if [ ! -r "$file" ]; then
      echo "$file: no such file, or it can't be read" >&2
      return 1
    fi
  done
}

grpcurl=$(find_grpcurl)
choose_transport
