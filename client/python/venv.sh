# What: virtual environments of the Python client. Sourced, not run.

# python: the Python to make them with: PYTHON, else python3.
python=${PYTHON:-python3}

# prepare FOLDER REQUIREMENTS: makes a virtual environment with what a requirements
# file names, each by its hash, unless it is there already.
prepare() {
  local folder=$1 requirements=$2
  if cmp -s "$requirements" "$folder/requirements.txt"; then
    return
  fi
  rm -rf "$folder"
  "$python" -m venv "$folder"
  "$folder/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --only-binary=:all: \
    --require-hashes --requirement "$requirements"
  cp "$requirements" "$folder/requirements.txt"
}

# need_python: ends with 77 where there is no Python of at least 3.9 with venv and pip.
need_python() {
  if ! "$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 9))' 2>/dev/null; then
    echo "$python is not a Python of at least 3.9 with venv and pip (Debian: apt-get install python3-venv)" >&2
    exit 77
  fi
}
