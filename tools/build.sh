#!/usr/bin/env bash
# build.sh OUT MODULE PACKAGE [NOTE]: go build PACKAGE in folder MODULE to OUT, and say so while it takes long.
# Extra linker flags come in LDFLAGS.
set -euo pipefail
out=$(realpath -m "$1") module=$2 package=$3 note=${4:-}
mkdir -p "$(dirname "$out")"
(cd "$module" && exec go build -ldflags "-s -w ${LDFLAGS:-}" -o "$out" "$package") &
pid=$!
trap 'kill "$pid" 2>/dev/null || true' INT TERM
start=$SECONDS shown=
while kill -0 "$pid" 2>/dev/null; do
  sleep 0.2
  t=$((SECONDS - start))
  if [ "$t" -ge 3 ] && [ "$shown" != $((t / 20)) ]; then
    shown=$((t / 20))
    printf '  building %-18s %4d s  %s\n' "$(basename "$out")" "$t" "$note" >&2
  fi
done
if ! wait "$pid"; then
  printf 'build of %s stopped: see above; `make up` goes on where it was\n' "$(basename "$out")" >&2
  exit 1
fi
[ -z "$shown" ] || printf '  built    %-18s %4d s\n' "$(basename "$out")" $((SECONDS - start)) >&2
