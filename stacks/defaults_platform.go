package stacks

// platformDefaults are the defaults of what surrounds the API: scaling, edge, load and observation.
func platformDefaults(c *Config) {
	recommend := Vertical{Mode: "Off", Resources: []string{"cpu", "memory"}}
	c.Autoscaling = Autoscaling{
		// First assumption, 2026-11; to be replaced by measurement: scan, EC2 start, kubelet, image.
		NodeStartSeconds: 120, SlopeRPSPerMinute: asPeak,
		Vertical: VerticalWorkloads{API: recommend, Worker: recommend, PgBouncer: recommend, Chroma: recommend},
	}
	c.CDN = CDN{
		Enabled: true, Aliases: []string{}, PriceClass: "PriceClass_100", OriginShieldRegion: ownRegion, LogRetentionDays: 90,
		Behaviors: defaultBehaviors(),
	}
	c.LoadTests = LoadTests{
		ResultsRetentionDays: 365, Requests: Requests{CPU: 2000, Memory: 4 * gibibyte},
		Scenarios: Scenarios{
			Smoke:      scenario(5, 10, minute, 1),
			Normal:     scenario(100, 5*minute, 30*minute, 1),
			Peak:       scenario(500, 2*minute, 15*minute, 2),
			Stress:     scenario(1000, minute, 10*minute, 4),
			Endurance:  scenario(200, 10*minute, 4*60*minute, 1),
			Breakpoint: scenario(4000, 30*minute, 30*minute, 4),
			Steps:      scenario(4000, 8*minute, 32*minute, 4),
		},
	}
	c.Perf.Budgets = map[string]FigureBudgets{}
	c.Observability = Observability{
		AlarmEmails: []string{}, MetricRetentionDays: 400, LogRetentionDays: 90, // a year, and last year's same day
	}
}

func developmentPlatform(c *Config) {
	c.Autoscaling.SlopeRPSPerMinute = 0
	c.CDN.OriginShieldRegion, c.CDN.LogRetentionDays = "", 7
	c.LoadTests.ResultsRetentionDays, c.LoadTests.Requests = 90, Requests{CPU: 1000, Memory: 2 * gibibyte}
	c.LoadTests.Scenarios.Normal.Schedule = "30 1 * * 1-5" // what the working day is compared with
	c.Observability.MetricRetentionDays, c.Observability.LogRetentionDays = 30, 7
}

// localPlatform keeps runs short enough to watch, and the users fewer than what one machine serves beside them.
func localPlatform(c *Config) {
	c.Autoscaling.NodeStartSeconds, c.Autoscaling.SlopeRPSPerMinute = 10, 30 // one pod: no node comes here
	c.CDN.OriginShieldRegion, c.CDN.LogRetentionDays = "", 1
	c.LoadTests.ResultsRetentionDays = 7
	c.LoadTests.Requests = Requests{CPU: 100, Memory: 2 * gibibyte} // 200 users of 4 MiB
	c.LoadTests.Scenarios = Scenarios{
		Smoke:      scenario(2, 2, 10, 2),         // generators that find each other
		Normal:     scenario(25, 10, 2*minute, 1), // long enough for twenty uploads
		Peak:       scenario(50, 10, minute, 1),
		Stress:     scenario(100, 10, minute, 1),
		Endurance:  scenario(20, 10, 5*minute, 1),
		Breakpoint: scenario(200, 2*minute, 2*minute, 1),
		Steps:      scenario(200, 16, 4*minute, 1),
	}
	c.LoadTests.Scenarios.Steps.ThinkSeconds = 0.5 // what these users ask for is beyond what a machine serves
	c.Observability.MetricRetentionDays, c.Observability.LogRetentionDays = 1, 1
}

// scenario has users who pause a second between two requests: what one of them asks for is then easy to count.
func scenario(users, rampUp, duration, generators int) Scenario {
	return Scenario{Users: users, RampUpSeconds: rampUp, DurationSeconds: duration, ThinkSeconds: 1,
		Generators: generators}
}
