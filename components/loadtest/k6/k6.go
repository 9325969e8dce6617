// Package k6 holds the scripts of the load tests, which k6 runs as they are, and what they are told.
//
// Owns: the scripts, the form of the files that they read. Does not own: k6 (AGPL: its image runs in a pod, none of
// its code is here), pods, numbers.
//
// The scripts use nothing but k6's documented API. tools/k6 checks them against its published types;
// tests/loadscripts runs them on the sandbox's runner, and on k6 itself where it is on PATH.
package k6

import (
	"embed"
	"fmt"
	"io/fs"

	"github.com/ragscale/ragscale/slo"
)

// Entry is the script that k6 is given; it imports the others from its folder.
const Entry = "main.js"

// Names of the environment variables that the scripts read, beside Kubernetes' own JOB_COMPLETION_INDEX.
const (
	EnvTarget          = "TARGET_URL"
	EnvScenario        = "SCENARIO_FILE"    // a Scenario as JSON
	EnvEnvironment     = "ENVIRONMENT_FILE" // an object of texts as JSON
	EnvResults         = "RESULTS_FOLDER"   // where summary.json and summary.txt go
	EnvAllowProduction = "ALLOW_PRODUCTION" // "true" lets a run aim at production
	EnvToken           = "API_TOKEN"        // bearer token of every request; may be absent
	EnvRevision        = "REVISION"         // of the checkout that began the run; may be absent
	EnvImages          = "IMAGE_DIGESTS"    // of the stack's containers when the run began; may be absent
	EnvJob             = "JOB_NAME"
	EnvPod             = "POD_NAME"
	EnvNode            = "NODE_NAME"
)

// Scenario is what a run is to do.
type Scenario struct {
	Name            string  `json:"name"`
	Users           int     `json:"users"`           // at the same time, over all generators
	RampUpSeconds   int     `json:"rampUpSeconds"`   // in which they come; part of the duration
	DurationSeconds int     `json:"durationSeconds"` // of the load
	ThinkSeconds    float64 `json:"thinkSeconds"`    // mean pause of a user between two requests
	GracefulSeconds int     `json:"gracefulSeconds"` // requests in flight may finish after the duration
	Generators      int     `json:"generators"`      // that share the users
	StopAtFault     bool    `json:"stopAtFault"`     // arrivals rise until a threshold is missed, which ends the run
	Levels          int     `json:"levels"`          // in which the users come, each held; 0 where all come at once
	// too short for percentiles: whether everything answers, and as well as it should, is all that is judged
	AnswersOnly bool         `json:"answersOnly"`
	Production  bool         `json:"production"` // the target serves real users
	Thresholds  slo.LoadTest `json:"thresholds"`
}

//go:embed *.js
var files embed.FS

// Scripts returns the scripts by file name.
func Scripts() (map[string]string, error) {
	names, err := fs.Glob(files, "*.js")
	if err != nil {
		return nil, err
	}
	scripts := map[string]string{}
	for _, name := range names {
		b, err := files.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("script %s: %w", name, err)
		}
		scripts[name] = string(b)
	}
	return scripts, nil
}
