#!/bin/bash
# try.sh URL DIR DURATION USERS THINK ANSWERSONLY
set -e
d=$2; mkdir -p $d; cp /tmp/w/qual/components/loadtest/k6/*.js $d/
cat > $d/scenario.json <<J
{"name":"normal","users":$4,"rampUpSeconds":5,"durationSeconds":$3,"thinkSeconds":$5,"gracefulSeconds":30,"generators":1,"stopAtFault":false,"answersOnly":$6,"production":false,
"thresholds":{"responseMillis":2000,"complexSearchMillis":5000,"uploadSecondsPerMB":30,"failedRatio":0.01,"droppedIterations":0,"recallRatio":0.95,"degradedRatio":0.01,"freshnessSeconds":30}}
J
echo '{"stack":"local"}' > $d/environment.json
TARGET_URL=$1 SCENARIO_FILE=$d/scenario.json ENVIRONMENT_FILE=$d/environment.json RESULTS_FOLDER=$d JOB_NAME=try JOB_COMPLETION_INDEX=0 GENERATORS=1 /tmp/w/qual/bin/k6 run --no-usage-report --no-color --quiet --new-machine-readable-summary=false $d/main.js
