package stacks

import (
	"errors"
	"fmt"
	"strings"

	"github.com/robfig/cron/v3"

	"github.com/ragscale/ragscale/catalogue/ec2"
	"github.com/ragscale/ragscale/stacks/settings"
)

// checkSchedule accepts what Kubernetes does: the five fields or a descriptor such as @daily, without a time zone in
// the text. Source: ValidateCronJobSpec of https://github.com/kubernetes/kubernetes, pkg/apis/batch/validation; as
// remembered, 2026-11.
func checkSchedule(text string) error {
	if text == "" {
		return nil
	}
	if strings.Contains(text, "TZ") {
		return errors.New("a time zone in the schedule")
	}
	_, err := cron.ParseStandard(text)
	return err
}

// checkScenarios checks each scenario by itself and keeps schedules away from production.
func (c *Config) checkScenarios(f *settings.Faults) {
	for _, s := range c.LoadScenarios() {
		if s.RampUpSeconds > s.DurationSeconds {
			f.Add(scenarioPath(s.Name, "rampUpSeconds"), settings.Show(s.RampUpSeconds),
				fmt.Sprintf("at most durationSeconds, %d, of which it is a part", s.DurationSeconds))
		}
		if s.Generators > s.Users {
			f.Add(scenarioPath(s.Name, "generators"), settings.Show(s.Generators),
				fmt.Sprintf("at most users, %d: each pod needs one", s.Users))
		}
		if c.Environment == Production && s.Schedule != "" && !c.LoadTests.AllowProduction {
			f.Add(scenarioPath(s.Name, "schedule"), settings.Show(s.Schedule)+" in production",
				"nothing, or loadTests.allowProduction")
		}
	}
}

// checkGenerators reports generators that find no place: none of their own in production, or too few nodes.
func (c *Config) checkGenerators(f *settings.Faults) {
	group, each := c.LoadGroup(), c.LoadTests.Requests
	if group == "" {
		if c.Environment == Production {
			f.Add(prefix+"cluster.nodeGroups.loadtest", "is not declared",
				"a group of its own for the load generators: beside the API they would measure themselves")
		}
		if nodes := c.workloadNodes(); fits(each, nodes) == 0 {
			f.Add(prefix+"loadTests.requests",
				fmt.Sprintf("is cpu %s and memory %s, which fits no node of api or burst", each.CPU, each.Memory),
				"at most "+largest(nodes))
		}
		return
	}
	free, known := c.freeNode(group)
	if !known {
		return
	}
	perNode := fits(each, []ec2.Capacity{free})
	if perNode == 0 {
		f.Add(prefix+"loadTests.requests",
			fmt.Sprintf("is cpu %s and memory %s, which fits no node of loadtest", each.CPU, each.Memory),
			"at most "+largest([]ec2.Capacity{free}))
		return
	}
	places := perNode * c.Cluster.NodeGroups[group].Max
	for _, s := range c.LoadScenarios() {
		if s.Generators > places {
			f.Add(scenarioPath(s.Name, "generators"), settings.Show(s.Generators),
				fmt.Sprintf("at most %d, the places on the %d nodes of cluster.nodeGroups.loadtest", places,
					c.Cluster.NodeGroups[group].Max))
		}
	}
}
