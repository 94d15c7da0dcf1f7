#!/usr/bin/env bash
# Everything that must hold, in the order in which it fails fastest; ends with a summary of counts and times.
# Accepts: nothing, or --quick (no real servers, no browser, no chaos).
set -uo pipefail
cd "$(dirname "$0")/.."
export PYTHONPATH=services:. PATH="$PWD/.venv/bin:$PATH"
quick=no
case "${1:-}" in
  "") ;;
  --quick) quick=yes ;;
  *) echo "test: unknown argument '$1'; give nothing or --quick." >&2; exit 2 ;;
esac
failed=()
run() { # title, command …
  local title=$1 began=$SECONDS
  shift
  echo "── $title"
  if "$@"; then echo "   ok ($((SECONDS - began)) s)"; else echo "   FAILED ($((SECONDS - began)) s)"; failed+=("$title"); fi
}
run "format (ruff)" ruff format --check -q .
run "lint (ruff)" ruff check -q .
run "types (mypy --strict)" mypy services
if [ -f frontend/package.json ]; then
  run "page: types (tsc)" npm --prefix frontend run -s typecheck
  run "page: lint (eslint)" npm --prefix frontend run -s lint
  run "page: unit tests (vitest)" npm --prefix frontend run -s test
  run "page: bundle size" npm --prefix frontend run -s size
fi
if [ "$quick" = yes ]; then
  run "tests (pytest, quick)" pytest -m "not rabbitmq and not postgres and not dovecot and not smtp and not browser" --ignore tests/chaos -rs
else
  # Most tests wait more than they work: two files at a time take little more than half as long. Those that measure, or let
  # everything die, want the machine for themselves; whatever is not named here is among them.
  parts=(tests/architecture tests/common tests/connect tests/inbound tests/outbound tests/sandbox)
  whole=(tests/deploy tests/e2e tests/flows)
  alone=(tests/flows/test_fairness.py)
  run "tests of the parts (pytest, two files at a time)" pytest -n 2 --dist loadfile -rs --durations 10 "${parts[@]}"
  run "tests of the whole (pytest, two files at a time)" pytest -n 2 --dist loadfile -rs --durations 10 "${alone[@]/#/--ignore=}" "${whole[@]}"
  others=("${parts[@]}" "${whole[@]}")
  run "tests that want the machine (pytest)" pytest -rs --durations 10 "${others[@]/#/--ignore=}"
  run "fairness (pytest)" pytest -rs "${alone[@]}"
fi
echo
if [ ${#failed[@]} -gt 0 ]; then
  printf 'FAILED after %s s: %s\n' "$SECONDS" "$(IFS=,; echo "${failed[*]}")"
  exit 1
fi
echo "Everything passed in $SECONDS s."
