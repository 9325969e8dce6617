#!/usr/bin/env bash
# Measures what a user waits for: prod preview, first up to first search, a search through the load balancer, second
# up, memory, down. A sandbox of its own; refuses a busy machine. N: runs of the short steps (default 5).
set -euo pipefail
cd "$(dirname "$0")/.."
n=${N:-5}
export RAGSCALE_SANDBOX_DIR=$PWD/.sandbox/bench RAGSCALE_SANDBOX_BIN=$PWD/.sandbox/bin
cli=$PWD/bin/ragscale log=$PWD/.sandbox/bench.log
: >"$log"

busy() { # percent of the machine's CPU that was used in the last 3 s
  read -r _ u1 n1 s1 i1 w1 _ </proc/stat; sleep 3; read -r _ u2 n2 s2 i2 w2 _ </proc/stat
  local used=$((u2 + n2 + s2 - u1 - n1 - s1)) idle=$((i2 + w2 - i1 - w1))
  echo $((100 * used / (used + idle)))
}
b=$(busy)
if [ "$b" -gt 10 ]; then echo "the machine is $b % busy, want at most 10 %: figures would mean nothing" >&2; exit 1; fi

now() { date +%s%N; }
seconds() { # seconds CMD...: prints how long it took
  local t0; t0=$(now)
  "$@" >>"$log" 2>&1 || { echo "$*: see $log" >&2; exit 1; }
  printf '%d.%03d\n' $((($(now) - t0) / 1000000000)) $((($(now) - t0) / 1000000 % 1000))
}
spread() { sort -n | awk '{v[NR]=$1} END {printf "median %6.2f s  min %6.2f  max %6.2f  n %d\n", v[int((NR+1)/2)], v[1], v[NR], NR}'; }

first_search() { # the word of a new document, found through the load balancer
  "$cli" up
  local api word
  api=$("$cli" status --json | sed -n 's/.*"apiUrl": "\(.*\)",/\1/p')
  word=benchword$(now)
  curl -sf "$api/v1/documents" -H 'Content-Type: application/json' -d "{\"title\":\"t\",\"text\":\"$word\"}"
  until curl -sf "$api/v1/search?q=$word" | grep -q documentId; do sleep 0.05; done
}

"$cli" down --force >>"$log" 2>&1
trap '"$cli" down --force >>"$log" 2>&1' EXIT
echo "machine: $(nproc) cores, $(awk '/MemTotal/ {printf "%.0f GiB", $2/1048576}' /proc/meminfo), $b % busy before; $(date -u +%F)"
printf '%-34s' 'preview of prod'; for _ in $(seq "$n"); do seconds "$cli" preview --stack prod; done | spread
printf '%-34s' 'first up to first search'; seconds first_search | spread
sleep 20 # the API's own start is over
printf '%-34s' 'up with nothing to do'; for _ in $(seq "$n"); do seconds "$cli" up; done | spread
printf '%-34s' 'memory of the sandbox, RSS'; "$cli" status --json | awk '/"rssBytes"/ {gsub(/[^0-9]/,"",$2); last=$2} END {printf "%d MiB\n", last/1048576}'
printf '%-34s' 'down'; seconds "$cli" down | spread
