#!/usr/bin/env bash
# What: holds deploy/ against the real tools: the dashboard against Grafana's own
#       types, the alerts' unit tests, and every expression of both against a
#       Prometheus that scrapes a server under load. Prints a line an expression
#       and an alert. Ends with an error when a panel stays empty.
# How to run: scripts/deploy-check.sh [PROGRAM]   (default bin/siamese)
#       It needs grpcurl ('make tools'), curl, and Prometheus with promtool: from
#       the PATH, or from Debian's package, which it unpacks into .tools/prometheus
#       where apt-get is there (nothing is installed, no service started). Without
#       Prometheus only the dashboard's types are checked, and it says so.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

program=${1:-bin/siamese}
unpacked=.tools/prometheus
work=$(mktemp -d)
processes=()

finish() {
  if ((${#processes[@]})); then
    kill "${processes[@]}" 2>/dev/null || true
    wait "${processes[@]}" 2>/dev/null || true
  fi
  rm -rf "$work"
}
trap finish EXIT

# unpack: Debian's package prometheus, into a folder of ours.
unpack() {
  local package=$work/package
  mkdir "$package"
  (cd "$package" && apt-get -qq download prometheus 2>/dev/null) &&
    rm -rf "$unpacked" && dpkg -x "$package"/prometheus_*.deb "$unpacked"
}

# find_prometheus: puts promtool and prometheus into the PATH; false where they
# can't be had.
find_prometheus() {
  PATH=$PWD/$unpacked/usr/bin:$PATH
  if type promtool prometheus >/dev/null 2>&1; then
    return
  fi
  type apt-get dpkg >/dev/null 2>&1 && unpack && type promtool prometheus >/dev/null
}

# free_port: a port of loopback that nobody listens at.
free_port() {
  local port
  while port=$((20000 + RANDOM % 10000)) && (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do :; done
  echo "$port"
}

# await SECONDS COMMAND...: until it succeeds, asked ten times a second.
await() {
  local left=$(($1 * 10))
  shift
  until "$@" >/dev/null 2>&1; do
    if ((left-- == 0)); then
      echo "deploy-check: not within its time: $*" >&2
      cat "$work"/*.log >&2
      return 1
    fi
    sleep 0.1
  done
}

# serve: the server, with a cache that the load's images don't fit.
serve() {
  "$program" serve --addr "127.0.0.1:$1" --health-addr "127.0.0.1:$2" --http-addr= --cache-bytes 300000 \
    --log-level warn >"$work/siamese.log" 2>&1 &
  processes+=($!)
  await 30 curl -fs "http://127.0.0.1:$2/readyz"
}

# scrape: Prometheus by the example configuration, with our target, every second.
scrape() {
  sed -e "s/targets: .*/targets: [\"127.0.0.1:$1\"]/" -e 's/15s/1s/' deploy/prometheus.yml >"$work/prometheus.yml"
  cp deploy/alerts.yml "$work"
  prometheus --config.file="$work/prometheus.yml" --storage.tsdb.path="$work/data" \
    --web.listen-address="127.0.0.1:$2" --log.level=warn >"$work/prometheus.log" 2>&1 &
  processes+=($!)
  await 30 curl -fs "http://127.0.0.1:$2/-/ready"
}

# load: for at most 100 rounds pairs, a stream with a bad frame, a call that is
# refused.
load() {
  local images
  mapfile -t images < <(cut -f2 testdata/omniglot/pairs.tsv | head -8)
  { printf 'README.md\tREADME.md\n' && head -20 testdata/omniglot/pairs.tsv; } >"$work/pairs.tsv"
  for _ in {1..100}; do
    SIAMESE_ADDR=$1 scripts/grpcurl-batch.sh "$work/pairs.tsv"
    SIAMESE_ADDR=$1 scripts/grpcurl-stream.sh "${images[@]}" README.md
    "$(find_grpcurl)" -plaintext -d '{}' "$1" siamese.v1.SiameseService/Compare || true
    sleep 0.5
  done
}

(cd deploy/check && go build -o "$work/check" .)
if ! find_prometheus; then
  "$work/check"
  echo "left out: alerts, and expressions against a server: promtool and prometheus are missing (apt-get install --no-install-recommends prometheus)"
  exit
fi

promtool check config deploy/prometheus.yml
promtool test rules deploy/alerts_test.yml deploy/alerts_silent_test.yml
# shellcheck source=scripts/grpcurl-common.sh
source scripts/grpcurl-common.sh
calls=$(free_port) health=$(free_port) prometheus=$(free_port)
serve "$calls" "$health"
scrape "$health" "$prometheus"
load "127.0.0.1:$calls" >"$work/load.log" 2>&1 &
processes+=($!)
"$work/check" -prometheus "http://127.0.0.1:$prometheus"
curl -fs "http://127.0.0.1:$health/metrics" | promtool check metrics
echo "metrics: promtool has nothing to say against their names and types"
