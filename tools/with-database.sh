#!/usr/bin/env bash
# with-database.sh CMD...: runs CMD with RAGAPI_TEST_DATABASE_URL naming a PostgreSQL of its own, from a sandbox that
# holds nothing else and is gone afterwards. A URL that is set already is left alone.
set -euo pipefail
[ -z "${RAGAPI_TEST_DATABASE_URL:-}" ] || exec "$@"
root=$(cd "$(dirname "$0")/.." && pwd)
bin=$root/.sandbox/bin
dir=$(mktemp -d)
sandbox() { RAGSCALE_SANDBOX_DIR=$dir RAGSCALE_SANDBOX_BIN=$bin "$bin/ragscale-sandbox" "$@" >/dev/null; }
trap 'sandbox stop && rm -rf "$dir"' EXIT
sandbox start
url=$(curl -sS --unix-socket "$dir/run/control.sock" -X PUT http://sandbox/v1/databases/test -d '{
  "engine": "postgres", "engineVersion": "17", "dbName": "ragapi", "username": "ragapi", "password": "'"$(basename "$dir")"'",
  "port": 5432, "parameters": {"max_connections": "200"}, "memoryBytes": 2147483648, "storageGiB": 20,
  "hostname": "test.rds.amazonaws.com"}' | sed -n 's/.*"hostUrl":"\([^"?]*\).*/\1/p')
[ -n "$url" ] || { echo "no database: see $dir/log" >&2; exit 1; }
export RAGAPI_TEST_DATABASE_URL="$url?sslmode=require"
"$@"
