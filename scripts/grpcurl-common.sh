# What: what the grpcurl scripts share: where the server is, how an image
#       becomes JSON. Sourced, not run.

server=${SIAMESE_ADDR:-localhost:50051}
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

# call METHOD: sends the JSON of standard input, prints the JSON of the reply.
call() {
  "$grpcurl" -plaintext -emit-defaults -max-msg-sz "$max_message" -d @ "$server" "siamese.v1.SiameseService/$1"
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
