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
# A group of tests. Real servers, processes that are killed and a browser share two cores here: what failed next to the others runs
# once more, by itself. What passes then is named at the end as unsteady, and wants mending; more than three at once are no accident.
unsteady=()
group() { # title, pytest arguments …
  local title=$1 began=$SECONDS kept=$PWD/.pytest_cache/group failures=()
  shift
  echo "── $title"
  rm -rf "$kept"
  if pytest -o cache_dir="$kept" "$@"; then echo "   ok ($((SECONDS - began)) s)"; return; fi
  mapfile -t failures < <(python -m scripts.failures "$kept")
  if [ ${#failures[@]} -ge 1 ] && [ ${#failures[@]} -le 3 ]; then
    echo "── once more, by itself: ${failures[*]}"
    if pytest -o cache_dir="$kept" -rs -n 0 "${failures[@]}"; then
      unsteady+=("${failures[@]}")
      echo "   passed by itself ($((SECONDS - began)) s)"
      return
    fi
  fi
  echo "   FAILED ($((SECONDS - began)) s)"
  failed+=("$title")
}
if [ "$quick" = yes ]; then
  group "tests (pytest, quick)" -m "not rabbitmq and not postgres and not dovecot and not smtp and not browser" --ignore tests/chaos -rs
else
  # Most tests wait more than they work: three files at a time keep two cores busy. Those that measure, or let
  # everything die, want the machine for themselves; whatever is not named here is among them.
  parts=(tests/architecture tests/common tests/connect tests/inbound tests/outbound tests/sandbox)
  whole=(tests/deploy tests/e2e tests/flows)
  alone=(tests/flows/test_fairness.py)
  group "tests of the parts (pytest, three files at a time)" -n 3 --dist loadfile -rs --durations 10 "${parts[@]}"
  group "tests of the whole (pytest, three files at a time)" -n 3 --dist loadfile -rs --durations 10 "${alone[@]/#/--ignore=}" "${whole[@]}"
  others=("${parts[@]}" "${whole[@]}")
  group "tests that want the machine (pytest)" -rs --durations 10 "${others[@]/#/--ignore=}"
  group "fairness (pytest)" -rs "${alone[@]}"
fi
echo
[ ${#unsteady[@]} -eq 0 ] || printf 'UNSTEADY, failed next to others and passed alone: %s\n' "${unsteady[@]}"
if [ ${#failed[@]} -gt 0 ]; then
  printf 'FAILED after %s s: %s\n' "$SECONDS" "$(IFS=,; echo "${failed[*]}")"
  exit 1
fi
echo "Everything passed in $SECONDS s."
