#!/usr/bin/env bash
# with-database.sh CMD...: runs CMD with RAGAPI_TEST_DATABASE_URL naming a PostgreSQL of its own, from a sandbox that
# holds nothing else, and RAGAPI_TEST_REDIS_URL a Valkey of its own. Both are gone afterwards. A URL that is set already is
# left alone.
set -euo pipefail
[ -z "${RAGAPI_TEST_DATABASE_URL:-}" ] || exec "$@"
root=$(cd "$(dirname "$0")/.." && pwd)
bin=$root/.sandbox/bin
dir=$(mktemp -d)
sandbox() { RAGSCALE_SANDBOX_DIR=$dir RAGSCALE_SANDBOX_BIN=$bin "$bin/ragscale-sandbox" "$@" >/dev/null; }
valkey=
finish() {
  [ -z "$valkey" ] || { kill "$valkey"; wait "$valkey" || true; }
  sandbox stop && rm -rf "$dir"
}
trap finish EXIT
sandbox start
url=$(curl -sS --unix-socket "$dir/run/control.sock" -X PUT http://sandbox/v1/databases/test -d '{
  "engine": "postgres", "engineVersion": "17", "dbName": "ragapi", "username": "ragapi", "password": "'"$(basename "$dir")"'",
  "port": 5432, "parameters": {"max_connections": "200"}, "memoryBytes": 2147483648, "storageGiB": 20,
  "hostname": "test.rds.amazonaws.com"}' | sed -n 's/.*"hostUrl":"\([^"?]*\).*/\1/p')
[ -n "$url" ] || { echo "no database: see $dir/log" >&2; exit 1; }
export RAGAPI_TEST_DATABASE_URL="$url?sslmode=require"
if [ -z "${RAGAPI_TEST_REDIS_URL:-}" ]; then
  # The engines' root has a C library of its own, so its loader starts what is in it.
  lib=$bin/root/usr/lib/$(uname -m)-linux-gnu port=$((20000 + RANDOM % 10000))
  "$lib"/ld-linux-*.so.* --library-path "$lib" "$bin/root/usr/bin/valkey-server" \
    --bind 127.0.0.1 --port "$port" --requirepass "$(basename "$dir")" --save "" --dir "$dir" >"$dir/valkey.log" 2>&1 &
  valkey=$!
  for _ in $(seq 50); do grep -q 'Ready to accept' "$dir/valkey.log" && break; sleep 0.1; done
  kill -0 "$valkey" || { cat "$dir/valkey.log" >&2; exit 1; }
  export RAGAPI_TEST_REDIS_URL="redis://default:$(basename "$dir")@127.0.0.1:$port"
fi
"$@"
