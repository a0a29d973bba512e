# What: the OCI image, unpacked by umoci and run by runc as its own user, with a file
#       system that can't be written. Sourced by check.sh.
# shellcheck shell=bash
# shellcheck source=scripts/release/common.sh
# shellcheck disable=SC2154 # check.sh's variables

check_image() {
  left_out "the image" umoci umoci runc runc && return
  not_root "the image" && return
  local package
  for package in $(packages); do
    mkdir -p "$work/layout"
    tar -C "$work/layout" -xf "$(one "$package-$version.oci.tar")"
    umoci unpack --image "$work/layout:$oci_tag" "$work/bundle" >"$work/log" 2>&1 || { cat "$work/log" >&2 && die "umoci does not unpack $package"; }
    check_one_image "$package"
    rm -rf "$work/layout" "$work/bundle"
  done
}

# in_container COMMAND...
in_container() { runc --root "$work/runc" exec siamese-check "$@"; }

# configure_bundle: what a user adds on the command line: --insecure, pictures, a /tmp.
configure_bundle() {
  python3 - "$work/bundle/config.json" "$pictures" <<'END'
import json, sys
path, pictures = sys.argv[1:]
config = json.load(open(path))
process = config["process"]
if not process["user"]["uid"]:
    sys.exit("the image runs as root")
if process["args"] != ["/usr/bin/siamese", "serve"]:
    sys.exit(f"the image runs {process['args']}, expected siamese serve")
process["terminal"] = False
process["args"].append("--insecure")
config["root"]["readonly"] = True
config["mounts"] += [
    {"destination": "/tmp", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "nodev", "mode=1777"]},
    {"destination": "/pictures", "type": "bind", "source": pictures, "options": ["rbind", "ro"]},
]
json.dump(config, open(path, "w"))
END
  mkdir -p "$work/bundle/rootfs/pictures"
}

check_one_image() {
  local pid
  configure_bundle || die "$1: the image's configuration is not as expected"
  runc --root "$work/runc" run --bundle "$work/bundle" siamese-check >"$work/server.log" 2>&1 </dev/null &
  server=$!
  await_ready "$work/server.log"
  pid=$(runc --root "$work/runc" state siamese-check | python3 -c 'import json, sys; print(json.load(sys.stdin)["pid"])')
  nsenter --net="/proc/$pid/ns/net" .tools/bin/grpcurl -plaintext 127.0.0.1:50051 grpc.health.v1.Health/Check >"$work/log"
  expect "$1 image: health" SERVING "$work/log"
  in_container /usr/bin/siamese compare --model general --server 127.0.0.1:50051 /pictures/cat.jpg /pictures/rocket.jpg >"$work/log" 2>&1 || { cat "$work/log" >&2 && die "the image does not compare"; }
  expect "$1 image: two pictures compared by its server" "$photographs" "$work/log"
  in_container /usr/bin/siamese-doctor --addr 127.0.0.1:0 --http-addr '' >"$work/log" 2>&1 || { cat "$work/log" >&2 && die "$1 image: siamese-doctor finds a problem"; }
  expect "$1 image: siamese-doctor tries the models" "its golden pairs hold" "$work/log"
  runc --root "$work/runc" kill siamese-check TERM
  wait "$server" || die "$1 image: it ends with $? after SIGTERM, expected 0"
  server=
  say "$1 image: it ends well after SIGTERM: ok"
}
