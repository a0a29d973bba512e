# What: checks of deb and rpm in a new Debian that has nothing else and no network.
#       Sourced by check.sh.
# shellcheck shell=bash
# shellcheck source=scripts/release/common.sh
# shellcheck disable=SC2154 # check.sh's variables

debian=$PWD/.tools/debian-bookworm-minbase.tar
root=

# fetch_debian: once; the archive appears when it is whole.
fetch_debian() {
  [ ! -f "$debian" ] || return 0
  say "fetching a Debian (once)"
  debootstrap --variant=minbase bookworm "$work/debian" >"$work/log" 2>&1 || {
    tail -n 5 "$work/log" >&2
    die "debootstrap failed"
  }
  tar -C "$work/debian" --numeric-owner -cf "$debian.partial" .
  mv "$debian.partial" "$debian"
  rm -rf "$work/debian"
}

unmount_root() { [ -z "$root" ] || umount "$root/proc" 2>/dev/null || true; }

# new_root: a fresh Debian in $root, with the pictures in it.
new_root() {
  fetch_debian
  root=$work/root
  inside=(unshare --net chroot "$root" /usr/bin/env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin)
  mkdir "$root"
  tar -C "$root" --numeric-owner -xf "$debian"
  mount -t proc proc "$root/proc"
  cp -r "$pictures" "$root/pictures"
  # systemctl writes down what it is asked; the scripts of packages do nothing where
  # systemd does not run.
  # /var/lib/private is systemd's own, for all services.
  mkdir -p "$root/run/systemd/system" "$root/var/lib/private"
  printf '#!/bin/sh\necho "$@" >>/pictures/systemctl\n' >"$root/usr/bin/systemctl"
  chmod +x "$root/usr/bin/systemctl"
}

drop_root() {
  unmount_root
  rm -rf "$root"
  root=
}

# inside COMMAND...: in the new Debian, without network. As an array it can go to the
# background with its own process id.
inside() { "${inside[@]}" "$@"; }

# asked_systemctl: what the scripts asked since the last time, in one line.
asked_systemctl() {
  paste -sd ';' "$root/pictures/systemctl" 2>/dev/null || true
  rm -f "$root/pictures/systemctl"
}

# same WHAT GOT WANTED
same() {
  [ "$2" = "$3" ] || die "$1: received '$2', expected '$3'"
  say "$1: ok"
}

# files_of_root: all but what dpkg and rpm keep for themselves.
files_of_root() {
  (cd "$root" && find . -path ./proc -prune -o -path ./pictures -prune -o -print) |
    grep -vE '^\./var/(lib/(dpkg|rpm|apt)|log|cache)(/|$)|^\./usr/lib/sysimage|^\./etc/ld.so.cache' | sort
}

# check_first PACKAGE STARTED: the first similarity, and how long it took.
check_first() {
  inside siamese --version >"$work/log"
  expect "$1: version" "siamese $version, TensorFlow" "$work/log"
  inside siamese compare /pictures/0394_01.png /pictures/0394_02.png >"$work/log" 2>&1 || { cat "$work/log" >&2 && die "$1 does not compare"; }
  say "$1: first similarity $(($(date +%s) - $2)) s after the installation began (aim: a minute)"
  expect "$1: two pictures compared" "$drawings" "$work/log"
}

# check_doctor PACKAGE: siamese-doctor names a library that is gone, and the command that
# brings it; where nothing is wrong it comes to what siamese doctor says.
check_doctor() {
  local library=$root/usr/lib/siamese/tensorflow/libtensorflow_cc.so.2
  mv "$library" "$library.gone"
  ! inside siamese-doctor >"$work/log" 2>&1 || die "$1: siamese-doctor finds nothing wrong without TensorFlow"
  expect "$1: siamese-doctor names the missing library" "asks for libtensorflow_cc.so.2, not found" "$work/log"
  expect "$1: siamese-doctor says how to get it" "apt-get install --reinstall siamese (dnf reinstall siamese)" "$work/log"
  mv "$library.gone" "$library"
  inside siamese-doctor --addr unix:/pictures/doctor --http-addr '' >"$work/log" 2>&1 || { cat "$work/log" >&2 && die "$1: siamese-doctor finds a problem"; }
  expect "$1: siamese-doctor tries the models" "its golden pairs hold" "$work/log"
}

# await_ready LOG: until the server says that it is.
await_ready() {
  grep -q -m 1 'msg=ready' < <(timeout 120 tail -n +1 -f --pid="$server" "$1") || {
    cat "$1" >&2
    die "the server does not become ready"
  }
}

# check_serving PACKAGE: with the configuration of the package, but at a socket, which is
# there without network.
check_serving() {
  "${inside[@]}" siamese serve --config /etc/siamese/siamese.json --addr unix:/pictures/socket --http-addr '' >"$work/server.log" 2>&1 &
  server=$!
  await_ready "$work/server.log"
  .tools/bin/grpcurl -plaintext -unix "unix:$root/pictures/socket" grpc.health.v1.Health/Check >"$work/log"
  expect "$1: health" SERVING "$work/log"
  inside siamese compare --model general --server unix:/pictures/socket /pictures/cat.jpg /pictures/rocket.jpg >"$work/log" 2>&1
  expect "$1: two pictures compared by its server" "$photographs" "$work/log"
  kill -TERM "$server"
  wait "$server" || die "$1: the server ends with $? after SIGTERM, expected 0"
  server=
  say "$1: its server ends well: ok"
}

check_deb() {
  left_out "the deb" debootstrap debootstrap unshare util-linux && return
  not_root "the deb" && return
  local package
  for package in $(packages); do
    new_root
    check_one_deb "$package" "$(one "${package}_*.deb")"
    drop_root
  done
}

# check_one_deb PACKAGE FILE: installed, used, upgraded, removed, purged.
check_one_deb() {
  local started
  cp "$2" "$root/pictures/package.deb"
  files_of_root >"$work/before"
  started=$(date +%s)
  inside dpkg -i /pictures/package.deb >"$work/log" 2>&1 || { cat "$work/log" >&2 && die "$1 does not install"; }
  same "$1: a new service is not started" "$(asked_systemctl)" daemon-reload
  check_first "$1" "$started"
  check_doctor "$1"
  check_serving "$1"
  echo '{"serve": {"addr": "127.0.0.1:50052"}}' >"$root/etc/siamese/siamese.json"
  inside dpkg -i /pictures/package.deb >"$work/log" 2>&1 || { cat "$work/log" >&2 && die "$1 does not upgrade"; }
  same "$1: an upgrade restarts a running service" "$(asked_systemctl)" "daemon-reload;try-restart siamese.service"
  expect "$1: an upgrade keeps the configuration" 50052 "$root/etc/siamese/siamese.json"
  inside dpkg -r "$1" >"$work/log" 2>&1
  same "$1: a removal stops the service" "$(asked_systemctl)" "--no-reload disable --now siamese.service;daemon-reload"
  expect "$1: a removal keeps the configuration" 50052 "$root/etc/siamese/siamese.json"
  mkdir "$root/var/lib/private/siamese"
  ln -s private/siamese "$root/var/lib/siamese"
  inside dpkg -P "$1" >"$work/log" 2>&1
  files_of_root | diff "$work/before" - >&2 || die "$1: a purge leaves or takes the files above"
  say "$1: a purge leaves nothing: ok"
}

# The root has no database of rpm's, so that what the package asks for is not looked up.
check_rpm() {
  left_out "the rpm" rpm rpm debootstrap debootstrap unshare util-linux && return
  not_root "the rpm" && return
  local package
  for package in $(packages); do
    new_root
    check_one_rpm "$package" "$(one "$package-$deb_version-*.rpm")"
    drop_root
  done
}

# in_rpm ARGUMENT...: this system's rpm on the root.
in_rpm() { rpm --root "$root" --dbpath /var/lib/rpm "$@" >"$work/log" 2>&1 || { cat "$work/log" >&2 && die "rpm $1 failed"; }; }

check_one_rpm() {
  local started
  # rpm makes its own folders in a root that has none.
  in_rpm --initdb
  # Folders that rpm-based distributions have by their package filesystem.
  mkdir -p "$root/usr/share/fish/vendor_completions.d" "$root/usr/share/zsh/site-functions"
  files_of_root >"$work/before"
  started=$(date +%s)
  in_rpm -i --nodeps "$2"
  same "$1 rpm: a new service is not started" "$(asked_systemctl)" daemon-reload
  check_first "$1 rpm" "$started"
  check_doctor "$1 rpm"
  check_serving "$1 rpm"
  in_rpm -U --nodeps --force "$2"
  same "$1 rpm: an upgrade restarts a running service" "$(asked_systemctl)" "daemon-reload;try-restart siamese.service"
  in_rpm -e --nodeps "$1"
  same "$1 rpm: a removal stops the service" "$(asked_systemctl)" "--no-reload disable --now siamese.service;daemon-reload"
  files_of_root | diff "$work/before" - >&2 || die "$1 rpm: its removal leaves or takes the files above"
  say "$1 rpm: its removal leaves nothing: ok"
}
