#!/bin/sh
# Runs k6 on this generator's segment of the users: of GENERATORS, the one of Kubernetes' completion index.
# k6 takes the shell's place, so that it gets the signals.
set -eu

sequence=0
i=1
while [ "$i" -lt "$GENERATORS" ]; do
  sequence="$sequence,$i/$GENERATORS"
  i=$((i + 1))
done

# The form of the summary is said because 2.x means to change its default.
exec k6 run --no-usage-report --no-color --quiet --new-machine-readable-summary=false \
  --execution-segment="$JOB_COMPLETION_INDEX/$GENERATORS:$((JOB_COMPLETION_INDEX + 1))/$GENERATORS" \
  --execution-segment-sequence="$sequence,1" \
  "${0%/*}/main.js"
