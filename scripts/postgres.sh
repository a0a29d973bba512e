#!/usr/bin/env bash
# What: a PostgreSQL with pgvector for tests: finds one, or on Debian makes one in
#       .tools/postgres without touching the system (20 MB fetched, half a minute),
#       and runs private clusters, which nothing reaches but through their folder.
# How to run: scripts/postgres.sh find           prints the folder of its programs,
#                                                 fails and says why where there is none
#             scripts/postgres.sh get             the same, makes one where it can
#             scripts/postgres.sh start FOLDER    makes a cluster in a new folder, starts it
#             scripts/postgres.sh restart FOLDER  stops and starts it
#             scripts/postgres.sh stop FOLDER     stops and removes it
#       A cluster's socket is FOLDER/socket, its user postgres, without a password.
#       POSTGRES_PROGRAMS=/usr/lib/postgresql/17/bin names programs to use.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# Debian 12 has no package of pgvector: Debian 13's sources, by their hash, from the
# mirror that this system uses.
version=15
pgvector=0.8.0
pgvector_source=pool/main/p/pgvector/pgvector_$pgvector.orig.tar.gz
pgvector_sha256=867a2c328d4928a5a9d6f052cd3bc78c7d60228a9b914ad32aa3db88e9de27b0
tree=$PWD/.tools/postgres/$version-pgvector-$pgvector

fail() { echo "postgres: $*" >&2; exit 1; }

# has_pgvector PROGRAMS: whether that PostgreSQL has the extension, and all its libraries.
has_pgvector() {
	[[ -x $1/initdb && -x $1/pg_config ]] || return 1
	[[ -e $("$1/pg_config" --sharedir)/extension/vector.control ]] || return 1
	"$1/postgres" --version >/dev/null 2>&1
}

find_programs() {
	local folder folders=("${POSTGRES_PROGRAMS:-}")
	if [[ -z ${POSTGRES_PROGRAMS:-} ]]; then
		mapfile -t folders < <(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -Vr)
		folders+=("$(pg_config --bindir 2>/dev/null)" "$tree/usr/lib/postgresql/$version/bin")
	fi
	for folder in "${folders[@]}"; do
		if has_pgvector "$folder"; then
			echo "$folder"
			return
		fi
	done
	return 1
}

# mirror prints where Debian's packages come from.
mirror() {
	local sites
	sites=$(apt-get indextargets --format '$(ORIGIN) $(SITE)' 'Created-By: Packages') || return 1
	awk '$1 == "Debian" && $2 !~ /security/ { print $2; exit }' <<<"$sites" | grep .
}

# make_tree fetches Debian's packages, unpacks them and builds pgvector among them:
# PostgreSQL finds its files by where its programs are.
make_tree() {
	local work programs site
	for tool in apt-get dpkg make gcc; do
		type "$tool" >/dev/null 2>&1 || fail "there is no PostgreSQL with pgvector, and none can be made, since $tool is missing"
	done
	site=$(mirror) || fail "apt-get names no mirror of Debian ('apt-get update' may help)"
	mkdir -p "$(dirname "$tree")"
	work=$(mktemp -d "$tree.XXXXXX")
	trap "rm -rf '$work'" EXIT
	programs=$work/usr/lib/postgresql/$version/bin
	{
		cd "$work"
		apt-get download "postgresql-$version" "postgresql-client-$version" "postgresql-server-dev-$version" ||
			fail "Debian's PostgreSQL $version could not be fetched ('apt-get update' may help)"
		/usr/lib/apt/apt-helper download-file "$site/$pgvector_source" pgvector.tar.gz "SHA256:$pgvector_sha256" ||
			fail "pgvector's sources could not be fetched"
		for package in *.deb; do dpkg -x "$package" .; done
		mkdir pgvector && tar -xzf pgvector.tar.gz -C pgvector --strip-components=1
		# OPTFLAGS: no -march=native, since .tools may move to another machine.
		make -C pgvector -j"$(nproc)" install OPTFLAGS= with_llvm=no PG_CONFIG="$programs/pg_config" >make.log 2>&1 ||
			{ tail -n 20 make.log; fail "pgvector could not be built"; }
		rm -rf ./*.deb pgvector pgvector.tar.gz make.log
		"$programs/postgres" --version || fail "PostgreSQL lacks libraries: apt-get install --no-install-recommends postgresql-$version"
		cd - >/dev/null
		chmod 755 "$work"
		rm -rf "$tree"
		mv -T "$work" "$tree"
	} >&2
}

# as_owner COMMAND...: as the user whom a cluster is of, since root may not run it.
as_owner() {
	if [[ $(id -u) == 0 ]]; then
		local owner=nobody
		! getent passwd postgres >/dev/null || owner=postgres
		setpriv --reuid "$owner" --regid "$(id -g "$owner")" --clear-groups env HOME=/ "$@"
	else
		"$@"
	fi
}

# pg_ctl FOLDER ARGUMENT...
pg_ctl() {
	local folder=$1
	shift
	(cd / && as_owner "$programs/pg_ctl" --silent --wait --timeout=60 --pgdata="$folder/data" --log="$folder/log" "$@") ||
		{ tail -n 20 "$folder/log" >&2; fail "pg_ctl $* failed"; }
}

start() {
	local folder=$1
	mkdir -p "$folder/socket"
	folder=$(cd "$folder" && pwd)
	# The path of a socket has 107 bytes.
	((${#folder} < 80)) || fail "the folder's name has ${#folder} bytes, expected less than 80: $folder"
	if [[ $(id -u) == 0 ]]; then
		chmod 755 "$folder"
		chown -R "$(as_owner id -u):$(as_owner id -g)" "$folder"
	fi
	# In a folder of root's the owner can't reach them.
	if ! as_owner test -x "$programs/initdb"; then
		cp -r "$tree" "$folder/postgres"
		programs=$folder/postgres/usr/lib/postgresql/$version/bin
	fi
	(cd / && as_owner "$programs/initdb" --pgdata="$folder/data" --username=postgres --auth=trust --encoding=UTF8 --locale=C --no-sync >"$folder/initdb.log" 2>&1) ||
		{ tail -n 20 "$folder/initdb.log" >&2; fail "initdb failed"; }
	cat >>"$folder/data/postgresql.conf" <<-CONF
		listen_addresses = ''
		unix_socket_directories = '$folder/socket'
		# Clusters of tests end with them: no crash of the machine is to be survived.
		fsync = off
		max_connections = 200
		# Takes memory as it is used: an index of 100,000 entries, which is measured.
		shared_buffers = 512MB
		log_statement = none
	CONF
	pg_ctl "$folder" start
}

command=${1:-}
case $command in
find)
	find_programs || fail "there is no PostgreSQL with pgvector: 'make postgres' gets one on Debian, else set POSTGRES_PROGRAMS"
	;;
get)
	find_programs || { make_tree && find_programs; } || fail "what was made does not work: $tree"
	;;
start | restart | stop)
	[[ $# == 2 ]] || fail "received $# arguments, expected $command FOLDER"
	programs=$2/postgres/usr/lib/postgresql/$version/bin
	[[ -x $programs/pg_ctl ]] || programs=$(scripts/postgres.sh find)
	case $command in
	start) start "$2" ;;
	restart) pg_ctl "$2" restart --mode=fast ;;
	stop) pg_ctl "$2" stop --mode=immediate && rm -rf "$2" ;;
	esac
	;;
*)
	fail "received '$command', expected find, get, start, restart or stop"
	;;
esac
