package rules

import (
	"strings"
	"time"

	"github.com/ragscale/ragscale/catalogue/window"
	"github.com/ragscale/ragscale/sandbox/plugins/aws/props"
)

// windows checks a service's daily window, at dailyPath, and its weekly one: their form, that they last at least so long,
// and that they do not meet. AWS takes the names of days in capitals too.
func (c *check) windows(dailyPath string, least time.Duration) {
	const weeklyPath = "maintenanceWindow"
	daily, hasDaily := c.window(dailyPath, window.Daily, least)
	weekly, hasWeekly := c.window(weeklyPath, window.Weekly, least)
	if hasDaily && hasWeekly && window.Meet(daily, weekly) {
		c.fail(dailyPath, "is %s, which overlaps %s %s", c.str(dailyPath), weeklyPath, strings.ToLower(c.str(weeklyPath)))
	}
}

func (c *check) window(path string, read func(string) (window.Window, error), least time.Duration) (w window.Window, ok bool) {
	text, ok := props.String(c.Inputs, path)
	if !ok {
		return w, false
	}
	w, err := read(strings.ToLower(text))
	if err == nil {
		err = w.Last(least)
	}
	if err != nil {
		c.fail(path, "%v", err)
		return w, false
	}
	return w, true
}
