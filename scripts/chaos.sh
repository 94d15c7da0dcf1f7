#!/usr/bin/env bash
# Break everything at random, the long form. Parts, by arguments or all of them: seven (the seven processes), mailboxes (every kind of
# them, under kill -9 and crashes), alone (all services in one process). RUNS, SEED, MAILS, COMMENTS set the first two, CHAOS_ROUNDS
# and CHAOS_SEED the last; var/chaos.md and var/chaos-mailboxes.md get the tables.
set -uo pipefail
cd "$(dirname "$0")/.."
export PYTHONPATH=services:.
mkdir -p var
failed=no
given=(${RUNS:+--runs "$RUNS"} ${SEED:+--seed "$SEED"} ${MAILS:+--mails "$MAILS"} ${COMMENTS:+--comments "$COMMENTS"})
[ $# -gt 0 ] || set -- seven mailboxes alone
for part in "$@"; do
  case "$part" in
    seven) .venv/bin/python -m tests.chaos.run "${given[@]}" --table var/chaos.md ;;
    mailboxes) .venv/bin/python -m tests.chaos.mailboxes "${given[@]}" --table var/chaos-mailboxes.md ;;
    alone)
      CHAOS_ROUNDS=${CHAOS_ROUNDS:-20} CHAOS_SEED=${CHAOS_SEED:-$RANDOM} .venv/bin/python -m pytest tests/chaos/test_standalone.py -s
      ;;
    *) echo "chaos: unknown part '$part'; give seven, mailboxes or alone." >&2; exit 2 ;;
  esac || failed=yes
done
[ "$failed" = no ]
