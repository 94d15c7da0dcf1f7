#!/usr/bin/env bash
# Write the lock files: one for the whole checkout, then one a service image, held to the same versions.
# The locks carry hashes and no index address.
set -euo pipefail
cd "$(dirname "$0")/.."
compile() { # target, source, further arguments
  local target=$1 source=$2
  shift 2
  .venv/bin/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header "$@" "$source" -o "$target"
  echo "wrote $target"
}
compile requirements.txt requirements.in "${@}"
for part in services/connect services/inbound services/outbound sandbox; do
  compile "$part/requirements.txt" "$part/requirements.in" --constraint requirements.txt "${@}"
done
