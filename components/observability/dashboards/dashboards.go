// Package dashboards lays out Grafana's dashboards for whoever is on call.
//
// Owns: rows, graphs, queries. Does not own: the metrics (package rules lists them), the limits drawn across, where the
// dashboards are stored, the data source.
package dashboards

import (
	"encoding/json"
	"fmt"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"

	"github.com/ragscale/ragscale/components/observability/rules"
)

// Page is one dashboard.
type Page struct {
	// Name is the file's, and the stable part of the dashboard's address.
	Name, Title string
	Rows        []Row
}

// Row is a tier: its graphs side by side.
type Row struct {
	Title  string
	Graphs []Graph
}

// Graph is one panel. Unit is Grafana's name of it. Section of the runbook, where an alert watches this.
type Graph struct {
	Title, Unit, Section string
	Lines                []Line
	// Limits are drawn across.
	Limits []float64
}

// Line is a query and how its series are called.
type Line struct{ Query, Legend string }

// Files are the dashboards as JSON, by name without extension.
func Files(c rules.Config) (map[string][]byte, error) {
	files := map[string][]byte{}
	for _, p := range Pages(c) {
		built, err := p.build(c.RunbookURL)
		if err != nil {
			return nil, fmt.Errorf("dashboard %s: %w", p.Name, err)
		}
		text, err := json.MarshalIndent(built, "", "  ")
		if err != nil {
			return nil, fmt.Errorf("dashboard %s: %w", p.Name, err)
		}
		files[p.Name] = text
	}
	return files, nil
}

// The grid is 24 wide.
const (
	gridWidth   = 24
	graphHeight = 8
	mostInLine  = 4
)

// source is the data source that the reader chooses.
const source = "prometheus"

// The classic form, which the SDK calls deprecated: every Grafana reads it, and the sidecar takes it from a file.
//
//nolint:staticcheck // the successor, dashboardv2, needs a Grafana that serves its API
func (p Page) build(runbook string) (dashboard.Dashboard, error) {
	b := dashboard.NewDashboardBuilder(p.Title).
		Uid("ragscale-"+p.Name).
		Tags([]string{"ragscale"}).
		Readonly().
		Timezone("browser").
		Time("now-3h", "now").
		Refresh("1m").
		Tooltip(dashboard.DashboardCursorSyncCrosshair).
		Link(dashboard.NewDashboardLinkBuilder("What to do").Type(dashboard.DashboardLinkTypeLink).
			Url(runbook).TargetBlank(true)).
		Link(dashboard.NewDashboardLinkBuilder("ragscale").Type(dashboard.DashboardLinkTypeDashboards).
			Tags([]string{"ragscale"}).KeepTime(true)).
		WithVariable(dashboard.NewDatasourceVariableBuilder(source).Label("Prometheus").Type("prometheus"))
	for _, row := range p.Rows {
		b = b.WithRow(dashboard.NewRowBuilder(row.Title))
		for _, g := range row.Graphs {
			b = b.WithPanel(g.panel(runbook, len(row.Graphs)))
		}
	}
	return b.Build()
}

func (g Graph) panel(runbook string, beside int) *timeseries.PanelBuilder {
	b := timeseries.NewPanelBuilder().
		Title(g.Title).
		Unit(g.Unit).
		Datasource(common.DataSourceRef{Type: cog.ToPtr("prometheus"), Uid: cog.ToPtr("${" + source + "}")}).
		Span(uint32(gridWidth / min(beside, mostInLine))).
		Height(graphHeight)
	if g.Section != "" {
		b = b.Description(runbook + "#" + g.Section)
	}
	for i, line := range g.Lines {
		b = b.WithTarget(prometheus.NewDataqueryBuilder().RefId(string(rune('A' +
			i))).Range().Expr(line.Query).LegendFormat(line.Legend))
	}
	if len(g.Limits) > 0 {
		b = b.Thresholds(limits(g.Limits)).
			ThresholdsStyle(common.NewGraphThresholdsStyleConfigBuilder().Mode(common.GraphThresholdsStyleModeDashed))
	}
	return b
}

func limits(values []float64) *dashboard.ThresholdsConfigBuilder {
	steps := []dashboard.Threshold{{Color: "transparent"}}
	for _, v := range values {
		steps = append(steps, dashboard.Threshold{Value: cog.ToPtr(v), Color: "red"})
	}
	return dashboard.NewThresholdsConfigBuilder().Mode(dashboard.ThresholdsModeAbsolute).Steps(steps)
}
