// Package deferred tells what of an update AWS keeps for a maintenance window.
//
// Owns: comparing what is declared with what a service has once an update is done, and saying what waits until when.
// Does not own: which settings a service defers (each component's), nor applying them now (`ragscale pending apply`).
//
// The provider sends a modification, waits until the service is available and reads what that has: until the window the
// old value. So a preview shows the same difference again, and nothing says why.
package deferred

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/ragscale/ragscale/catalogue/window"
)

// Setting is one argument that a service may keep for later.
type Setting struct {
	Name string // the argument, "instanceClass"
	Want any    // as declared
	Have pulumi.Output
	// Done tells whether what the service has is what was asked for; nil for equal.
	Done func(want, have string) bool
}

// Watch answers one line with what waits, or none, and says it in the update's own log.
func Watch(ctx *pulumi.Context, of pulumi.Resource, name string, weekly pulumi.StringOutput,
	settings ...Setting) pulumi.StringArrayOutput {
	values := []any{weekly}
	for _, s := range settings {
		values = append(values, s.Have)
	}
	return pulumi.All(values...).ApplyT(func(have []any) ([]string, error) {
		waiting := differences(settings, have[1:])
		if len(waiting) == 0 || ctx.DryRun() {
			return []string{}, nil
		}
		line := fmt.Sprintf("%s: %s: %s. `ragscale pending apply --stack %s` does it now",
			name, strings.Join(waiting, ", "), until(have[0].(string), time.Now()), ctx.Stack())
		return []string{line}, ctx.Log.Warn(line, &pulumi.LogArgs{Resource: of})
	}).(pulumi.StringArrayOutput)
}

// differences lists each setting that the service has otherwise than it is declared.
func differences(settings []Setting, have []any) []string {
	var out []string
	for i, s := range settings {
		want, has := fmt.Sprint(s.Want), fmt.Sprint(have[i])
		if has == want || s.Done != nil && s.Done(want, has) {
			continue
		}
		out = append(out, fmt.Sprintf("%s is %s, declared %s", s.Name, has, want))
	}
	return out
}

// until says when the service does what it was asked for.
func until(weekly string, now time.Time) string {
	begin, ok := window.Next(weekly, now)
	if !ok {
		return "waits for the maintenance window"
	}
	return fmt.Sprintf("waits for the maintenance window %s, the next on %s", weekly, begin.Format("2006-01-02 15:04 UTC"))
}

// NoLess holds for what AWS may have made more of by itself.
func NoLess(want, have string) bool {
	w, wantErr := strconv.Atoi(want)
	h, haveErr := strconv.Atoi(have)
	return wantErr == nil && haveErr == nil && h >= w
}

// SameVersion holds for a version that is the declared one, one of the declared line ("17" and 17.6), or a newer one,
// which AWS may have put there. An engine that tells no version is not judged.
func SameVersion(want, have string) bool {
	if have == "" || strings.HasPrefix(have, want+".") {
		return true
	}
	w, h := strings.Split(want, "."), strings.Split(have, ".")
	for i := range min(len(w), len(h)) {
		wanted, wantErr := strconv.Atoi(w[i])
		has, haveErr := strconv.Atoi(h[i])
		if wantErr != nil || haveErr != nil || wanted != has {
			return wantErr == nil && haveErr == nil && has > wanted
		}
	}
	return true
}
