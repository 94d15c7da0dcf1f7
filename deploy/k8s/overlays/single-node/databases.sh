#!/bin/sh
# Run once by the PostgreSQL image, when its volume is empty: a database and a user for each service, closed to the others.
# KEYS: the folder of the passwords.
set -eu
for service in connect inbound outbound; do
  psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --username="$POSTGRES_USER" --dbname=postgres \
    --set=service="$service" --set=password="$(cat "$KEYS/$service-password")" <<'SQL'
CREATE ROLE :"service" LOGIN PASSWORD :'password';
CREATE DATABASE :"service" OWNER :"service";
REVOKE CONNECT ON DATABASE :"service" FROM PUBLIC;
SQL
done
