#!/bin/sh
# Waits for k6 to end: this container is a sidecar, which Kubernetes stops after it. Then copies what k6 wrote.
# Without a summary there is no result: k6 was killed, or could not start.
set -u

ended=
trap 'ended=yes' TERM
while [ -z "$ended" ]; do
  sleep 1 &
  wait $! # ends with the signal; one that comes just before is seen a second later
done

if [ ! -s "$RESULTS_FOLDER/summary.json" ]; then
  echo "no result: k6 ended without a summary" >&2
  exit 1
fi
destination="s3://$RESULTS_BUCKET/$RESULTS_PREFIX/$SCENARIO/$JOB_NAME/generator-$JOB_COMPLETION_INDEX/"
echo "result to $destination"
exec aws s3 cp --recursive --only-show-errors "$RESULTS_FOLDER" "$destination"
