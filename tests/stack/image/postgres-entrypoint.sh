#!/bin/sh
# Starts PostgreSQL the way the official image does: POSTGRES_USER, POSTGRES_PASSWORD, POSTGRES_DB, PGDATA, and the *.sql of
# /docker-entrypoint-initdb.d when the data directory is new.
set -eu
export PGDATA="${PGDATA:-/var/lib/postgresql/data}"
user=${POSTGRES_USER:-postgres} database=${POSTGRES_DB:-${POSTGRES_USER:-postgres}}

[ "${1:-postgres}" = postgres ] || exec "$@"
[ $# = 0 ] || shift

as_postgres() { setpriv --reuid postgres --regid postgres --clear-groups "$@"; }

mkdir -p "$PGDATA" /run/postgresql
chown -R postgres:postgres "$PGDATA" /run/postgresql
chmod 700 "$PGDATA"

if [ ! -s "$PGDATA/PG_VERSION" ]; then
  secret=$(mktemp)
  printf '%s\n' "${POSTGRES_PASSWORD:?POSTGRES_PASSWORD must be set}" >"$secret"
  chown postgres "$secret"
  as_postgres initdb --username="$user" --pwfile="$secret" --auth-local=trust --auth-host=scram-sha-256 \
    --locale=C --encoding=UTF8 --no-sync >/dev/null
  rm -f "$secret"
  echo 'host all all all scram-sha-256' >>"$PGDATA/pg_hba.conf"
  # no network yet: nobody may meet a database that is half prepared
  as_postgres pg_ctl -o "-F -c listen_addresses=''" --wait start >/dev/null
  [ "$database" = postgres ] || as_postgres createdb --username="$user" "$database"
  for script in /docker-entrypoint-initdb.d/*.sql; do
    [ ! -f "$script" ] || as_postgres psql --quiet --set ON_ERROR_STOP=1 --username="$user" --dbname="$database" --file="$script"
  done
  as_postgres pg_ctl --mode=fast --wait stop >/dev/null
fi
exec setpriv --reuid postgres --regid postgres --clear-groups postgres -c "listen_addresses=*" "$@"
