#!/bin/sh
# From a bare machine to a checkout that can run: Python, uv, .venv, the wheel of the scoring runtime.
# Says nothing and takes no time when there is nothing to do.   Usage: bootstrap.sh [lock|upgrade]
set -eu
cd "$(dirname "$0")/../.."

uv_version=0.13.9 # versions.py has the same
cache=${FAIRLEAD_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/fairlead}
uv=$cache/uv-$uv_version/bin/uv
stamp=.venv/fairlead.stamp
wheels=operator/fairlead/images/runtime
wheel_stamp=.venv/fairlead-wheel.stamp
export UV_CACHE_DIR="$cache/uv" UV_SYSTEM_CERTS=true UV_PYTHON_DOWNLOADS=never PIP_DISABLE_PIP_VERSION_CHECK=1

fail() {
  printf '%s\n' "$*" >&2
  exit 1
}

good_python() { # new enough, and able to make environments
  for candidate in python3 python3.14 python3.13 python3.12 python3.11; do
    if "$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      command -v "$candidate"
      return
    fi
  done
  return 1
}

install_python() {
  wanted="Python 3.11 or newer with its venv module is needed"
  [ -x "$(command -v apt-get)" ] || fail "$wanted: please install it."
  [ "$(id -u)" = 0 ] || fail "$wanted: run \`sudo apt-get install python3 python3-venv\`, or this as root."
  echo "Installing Python from Debian ..."
  export DEBIAN_FRONTEND=noninteractive
  { apt-get update -qq && apt-get install -qq -y --no-install-recommends python3 python3-venv ca-certificates; } >/dev/null ||
    fail "Debian's python3 could not be installed: see apt's words above."
}

ensure_uv() {
  [ -x "$uv" ] && return
  python=$(good_python) || { install_python && python=$(good_python); } ||
    fail "Debian's python3 is older than 3.11: this needs Debian 12 or newer."
  echo "Installing uv $uv_version into $cache ..."
  "$python" -m venv "$cache/uv-$uv_version"
  "$cache/uv-$uv_version/bin/pip" install --quiet "uv==$uv_version" || fail "uv could not be installed from the Python registry."
}

inputs() { # the checkout too: an environment does not move
  pwd
  cksum requirements.lock pyproject.toml operator/scoring/pyproject.toml tests/cluster/bootstrap.sh \
    operator/scoring/fairlead_scoring/__init__.py # it has the version
}

ensure_environment() {
  wanted=$(inputs)
  [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ] && .venv/bin/python -c '' 2>/dev/null && return
  ensure_uv
  echo "Setting up the Python environment .venv ..."
  made_here=$(head -n 1 "$stamp" 2>/dev/null) || true
  if [ "$made_here" != "$(pwd)" ] || ! .venv/bin/python -c '' 2>/dev/null; then
    "$uv" venv --quiet --clear --python "$(good_python || echo "$cache/uv-$uv_version/bin/python")" .venv
  fi
  "$uv" pip install --quiet --python .venv/bin/python --require-hashes --requirements requirements.lock
  "$uv" pip install --quiet --python .venv/bin/python --no-deps --no-build-isolation \
    --editable . --editable operator/scoring
  printf '%s\n' "$wanted" >"$stamp"
}

scoring_sources() {
  find operator/scoring -type f ! -path '*/__pycache__/*' ! -path '*.egg-info/*' | LC_ALL=C sort | xargs cksum
}

ensure_wheel() { # images get the scoring runtime from it
  wanted=$(scoring_sources)
  [ -n "$(find $wheels -name '*.whl' 2>/dev/null)" ] && [ "$(cat $wheel_stamp 2>/dev/null)" = "$wanted" ] && return
  ensure_uv
  rm -rf $wheels
  "$uv" build --quiet --wheel --no-build-isolation --python .venv/bin/python --out-dir $wheels operator/scoring
  printf '%s\n' "$wanted" >$wheel_stamp
}

compile() { # Usage: compile FILE INPUT... [OPTION...]: pinned with hashes, for every platform
  file=$1 && shift
  "$uv" pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-annotate \
    --custom-compile-command 'make lock' --output-file "$file" "$@"
}

lock() { # the build backend as well: nothing unpinned is ever downloaded. What is pinned stays, without --upgrade
  ensure_uv
  printf 'hatchling\neditables\n' |
    compile requirements.lock - pyproject.toml operator/scoring/pyproject.toml --all-extras --group dev "$@"
  for part in operator runtime build; do # of the operator's image, from the same pins
    case $part in
    operator) asked='pyproject.toml --extra operator' ;;
    runtime) asked=operator/scoring/pyproject.toml ;;
    build) asked=- ;;
    esac
    echo hatchling | compile "operator/image/$part.lock" $asked --constraints requirements.lock
  done
  # Servers that the tests start; what they ask for need not fit to what we ask for.
  printf 'gcp-storage-emulator\nsetuptools<81\n' | compile tests/integration/sources/gcs.lock - "$@"
  echo 'moto[s3,server]' | compile tests/integration/sources/moto.lock - "$@"
  # What the tasks have and the operator has not: pyproject.toml has the same in its extras.
  printf 'dulwich\ngoogle-auth\npathspec\npy-rattler\nzstandard\n' | compile operator/image/tasks.lock - --constraints requirements.lock
}

case "${1-}" in
lock) lock ;;
upgrade) lock --upgrade ;;
*)
  ensure_environment
  ensure_wheel
  ;;
esac
