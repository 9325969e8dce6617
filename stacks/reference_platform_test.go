package stacks

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ragscale/ragscale/catalogue"
	"github.com/ragscale/ragscale/slo"
	"github.com/ragscale/ragscale/stacks/settings"
)

// derivedConfigs are the defaults of each environment, complete.
func derivedConfigs() []*Config {
	var all []*Config
	for _, env := range environments {
		all = append(all, defaults(env).settle())
	}
	return all
}

func thresholdTable() string {
	var page strings.Builder
	page.WriteString("\n## Derived: thresholds\n\nOf alarms (CloudWatch) and alerts (Prometheus), with the defaults of each environment. Where nothing is said of an objective, the constant named decides.\n\n" +
		"| threshold | production | development | local | unit | follows from | how | watched by |\n|---|---|---|---|---|---|---|---|\n")
	var columns [][]slo.Threshold
	for _, c := range derivedConfigs() {
		columns = append(columns, c.Thresholds().Rows())
	}
	for i, t := range columns[0] {
		fmt.Fprintf(&page, "| %s: `%s` |", t.Tier, t.Name)
		for _, column := range columns {
			fmt.Fprintf(&page, " %s |", figure(column[i]))
		}
		origin := ""
		if t.Objective != "" {
			origin = "`slo." + t.Objective + "`"
		}
		fmt.Fprintf(&page, " %s | %s | %s | %s |\n", t.Unit, origin, t.Reason, settings.Join(slo.Watched()[t.ID()]))
	}
	return page.String()
}

// figure is the value as a person writes it.
func figure(t slo.Threshold) string {
	if strings.HasPrefix(t.Unit, "bytes") {
		return fmt.Sprintf("%.1f GiB", t.Value/float64(catalogue.GiB))
	}
	return fmt.Sprintf("%.4g", t.Value)
}

func behaviorTable() string {
	var page strings.Builder
	page.WriteString("\n## Default behaviors\n\nOf the distribution, in all environments. The API reads what [its contract](api.md) says; a cache key must be exactly that.\n\n" +
		"| path | origin | cached, s: least, usual, most | compressed | cache key | further seen by the origin | browsers are told |\n|---|---|---|---|---|---|---|\n")
	list := func(parts ...[]string) string {
		if all := slices.Concat(parts...); len(all) > 0 {
			return "`" + strings.Join(all, "`, `") + "`"
		}
		return "none"
	}
	for _, b := range defaultBehaviors() {
		ttl, told := "never", "what the origin says"
		if b.Cached() {
			ttl = fmt.Sprintf("%d, %d, %d", b.MinTTLSeconds, b.TTLSeconds, b.MaxTTLSeconds)
		}
		if b.CacheControl != "" {
			told = "`" + b.CacheControl + "`"
		}
		forward := slices.Compact(slices.Concat(b.ForwardHeaders, b.ForwardQueryStrings, b.ForwardCookies))
		fmt.Fprintf(&page, "| `%s` | %s | %s | %v | %s | %s | %s |\n", b.Path, b.Origin, ttl, b.Compress,
			list(b.KeyHeaders, b.KeyQueryStrings, b.KeyCookies), list(forward), told)
	}
	return page.String()
}

func scalingText() string {
	var page strings.Builder
	page.WriteString("\n## Derived: room kept free\n\nPods that do nothing keep room for the API pods that a rise of traffic asks for while a node starts; they give way to any other.\n\n" +
		"| environment | slope × start | ÷ per pod | pods kept free | a node goes after | and is given up after |\n|---|---|---|---|---|---|\n")
	for _, c := range derivedConfigs() {
		a := c.Autoscaling
		pods, _ := c.OverProvisioning()
		fmt.Fprintf(&page, "| %s | %v requests/s per min × %d s | %v requests/s | %d | %d s | %d s |\n", c.Environment,
			a.SlopeRPSPerMinute, a.NodeStartSeconds, c.RPSPerPod(), pods, c.NodeScaling().ScaleDownUnneededSeconds, c.NodeScaling().MaxNodeProvisionSeconds)
	}
	return page.String()
}
