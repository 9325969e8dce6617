#!/usr/bin/env bash
# with-database.sh CMD...: runs CMD with engines of its own, and ends them afterwards. It names them in
#   RAGAPI_TEST_DATABASE_URL  PostgreSQL, of a sandbox that holds nothing else
#   RAGAPI_TEST_REDIS_URL     Valkey
#   RAGAPI_TEST_CHROMA_URL    Chroma
#   RAGAPI_TEST_PGBOUNCER     a program: PgBouncer
#   RAGAPI_TEST_REDIS_SERVER  a program: Valkey
#   RAGAPI_TEST_POSTGRES      a folder of programs: those of PostgreSQL
# One that is set already is left alone.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
bin=${RAGSCALE_SANDBOX_BIN:-$root/.sandbox/bin}
dir=$(mktemp -d)
password=$(basename "$dir")
engines=()
sandbox() { RAGSCALE_SANDBOX_DIR=$dir RAGSCALE_SANDBOX_BIN=$bin "$bin/ragscale-sandbox" "$@"; }
finish() {
  # Chroma does not end at SIGTERM, and nothing here is to be kept.
  for pid in "${engines[@]}"; do kill -KILL "$pid" && wait "$pid" || true; done 2>/dev/null
  sandbox stop >/dev/null && rm -rf "$dir"
}
trap finish EXIT

port() { echo $((20000 + RANDOM % 10000)); }

# start NAME READY PROGRAM ARG...: starts an engine and waits until the command READY succeeds.
start() {
  local log=$dir/$1.log ready=$2
  : >"$log" # READY may look into it at once
  RAGSCALE_SANDBOX_BIN=$bin "$bin/ragscale-sandbox" exec --bind "$dir" --bind "$bin/chroma" "${@:3}" >"$log" 2>&1 &
  engines+=($!)
  for _ in $(seq 300); do $ready && return; kill -0 $! || break; sleep 0.1; done
  cat "$log" >&2
  exit 1
}

if [ -z "${RAGAPI_TEST_DATABASE_URL:-}" ]; then
  sandbox start >/dev/null
  url=$(curl -sS --unix-socket "$dir/run/control.sock" -X PUT http://sandbox/v1/databases/test -d '{
    "engine": "postgres", "engineVersion": "17", "dbName": "ragapi", "username": "ragapi", "password": "'"$password"'",
    "port": 5432, "parameters": {"max_connections": "200"}, "memoryBytes": 2147483648, "storageGiB": 20,
    "hostname": "test.rds.amazonaws.com"}' | sed -n 's/.*"hostUrl":"\([^"?]*\).*/\1/p')
  [ -n "$url" ] || { echo "no database: see $dir/log" >&2; exit 1; }
  export RAGAPI_TEST_DATABASE_URL="$url?sslmode=require"
fi
if [ -z "${RAGAPI_TEST_REDIS_URL:-}" ]; then
  port=$(port)
  start valkey "grep -q Ready $dir/valkey.log" /usr/bin/valkey-server --bind 127.0.0.1 --port "$port" --requirepass "$password" --dir "$dir" --save ''
  export RAGAPI_TEST_REDIS_URL="redis://default:$password@127.0.0.1:$port"
fi
if [ -z "${RAGAPI_TEST_CHROMA_URL:-}" ]; then
  port=$(port)
  printf 'persist_path: %s\nlisten_address: 127.0.0.1\nport: %s\n' "$dir/chroma" "$port" >"$dir/chroma.yaml"
  export RAGAPI_TEST_CHROMA_URL=http://127.0.0.1:$port
  start chroma "curl -fso /dev/null $RAGAPI_TEST_CHROMA_URL/api/v2/heartbeat" \
    /usr/bin/node -e "require('$bin/chroma/chroma.node').cli(['chroma', 'run', '$dir/chroma.yaml'])"
fi
# program NAME PATH: makes a program of the engines' root one that a test starts. Its data is in a folder of the test's own.
program() {
  printf '#!/bin/sh\nRAGSCALE_SANDBOX_BIN=%q exec %q exec --bind %q %q "$@"\n' "$bin" "$bin/ragscale-sandbox" "${TMPDIR:-/tmp}" "$2" >"$dir/$1"
  chmod +x "$dir/$1"
}

if [ -z "${RAGAPI_TEST_PGBOUNCER:-}" ]; then
  program pgbouncer /usr/sbin/pgbouncer
  export RAGAPI_TEST_PGBOUNCER=$dir/pgbouncer
fi
if [ -z "${RAGAPI_TEST_REDIS_SERVER:-}" ]; then
  program valkey-server /usr/bin/valkey-server
  export RAGAPI_TEST_REDIS_SERVER=$dir/valkey-server
fi
if [ -z "${RAGAPI_TEST_POSTGRES:-}" ]; then
  for name in initdb postgres pg_basebackup; do program "$name" "/usr/lib/postgresql/17/bin/$name"; done
  export RAGAPI_TEST_POSTGRES=$dir
fi
"$@"
