#!/usr/bin/env bash
# Install the real servers that the tests talk to, and Chromium, with apt where that is allowed.
# Where it is not, say what is missing: the tests that need it then skip with the same words.
set -euo pipefail
wanted=(
  "rabbitmq-server:/usr/lib/rabbitmq/bin/rabbitmq-server"
  "postgresql:/usr/lib/postgresql/*/bin/initdb"
  "dovecot-imapd:/usr/lib/dovecot/imap"
  "dovecot-pop3d:/usr/lib/dovecot/pop3"
  "postfix:/usr/sbin/postfix"
  "nginx-light:/usr/sbin/nginx"
  "prometheus:/usr/bin/promtool"
  "chromium:/usr/bin/chromium"
)
missing=()
for entry in "${wanted[@]}"; do
  # shellcheck disable=SC2086  # the pattern is meant to expand
  ls ${entry#*:} >/dev/null 2>&1 || missing+=("${entry%%:*}")
done
if [ ${#missing[@]} -eq 0 ]; then exit 0; fi
as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi; }
if ! command -v apt-get >/dev/null || { [ "$(id -u)" != 0 ] && ! sudo -n true 2>/dev/null; }; then
  echo "  skipped: ${missing[*]} (no right to install packages here; the tests that need them will say so)"
  exit 0
fi
echo "  installing ${missing[*]} with apt …"
log=$(mktemp)
if as_root apt-get update -qq >"$log" 2>&1 &&
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >"$log" 2>&1; then
  echo "  installed."
else
  tail -n 5 "$log"
  echo "  skipped: ${missing[*]} (apt could not install them; the tests that need them will say so)"
fi
rm -f "$log"
