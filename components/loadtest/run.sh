#!/bin/sh
# Runs k6 on this generator's segment of the users: of GENERATORS, the one of Kubernetes' completion index. It begins when
# all of them are there, for nodes come one by one, and half of the users is another load than was stated.
# k6 takes the shell's place, so that it gets the signals.
set -eu

# A generator is there when its name in PEERS, a headless Service, has an address. They find each other within what DNS
# servers remember, some seconds; each result says when its load began.
waited=0
i=0
while [ "$i" -lt "$GENERATORS" ]; do
  until [ "$i" -eq "$JOB_COMPLETION_INDEX" ] || getent hosts "$JOB_NAME-$i.$PEERS" >/dev/null; do
    if [ "$waited" -ge "$GATHER_SECONDS" ]; then
      echo "generator $((i + 1)) of $GENERATORS is not there after $GATHER_SECONDS s, want all of them before load begins" >&2
      exit 1
    fi
    sleep 1
    waited=$((waited + 1))
  done
  i=$((i + 1))
done
[ "$GENERATORS" -eq 1 ] || echo "all $GENERATORS generators are there"

sequence=0
i=1
while [ "$i" -lt "$GENERATORS" ]; do
  sequence="$sequence,$i/$GENERATORS"
  i=$((i + 1))
done

# The form of the summary is said because 2.x means to change its default.
# At its address k6 tells how far it is; `ragscale load run` asks there, through the API server.
exec k6 run --no-usage-report --no-color --quiet --new-machine-readable-summary=false --address=localhost:6565 \
  --execution-segment="$JOB_COMPLETION_INDEX/$GENERATORS:$((JOB_COMPLETION_INDEX + 1))/$GENERATORS" \
  --execution-segment-sequence="$sequence,1" \
  "${0%/*}/main.js"
