package dbreport

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"time"
)

//go:embed page.gohtml
var pageText string

var page = template.Must(template.New("page").Funcs(template.FuncMap{
	"amount": amount,
	"size":   func(bytes int64) string { return size(float64(bytes)) },
	"moment": func(t time.Time) string { return t.Format("2 January 2006, 15:04 MST") },
	"day":    day,
	"since":  since,
}).Parse(pageText))

// HTML writes the report as one page that needs nothing else: the verdict, the findings with what answers each, then
// the tables. It reads in light and dark, narrow and wide, and on paper.
func (r Report) HTML(w io.Writer) error {
	if err := page.Execute(w, r); err != nil {
		return fmt.Errorf("page of database %s: %w", r.Server.Database, err)
	}
	return nil
}

// Verdict is the report in a sentence.
func (r Report) Verdict() string {
	switch {
	case r.Count(Critical) > 0:
		return "Something has to be done now."
	case r.Unhealthy():
		return "Something has to be done."
	case len(r.Findings) > 0:
		return "Nothing has to be done; something is to be known."
	}
	return "Nothing was found."
}

// Worst is the severity of the first finding, "" without one.
func (r Report) Worst() Severity {
	if len(r.Findings) == 0 {
		return ""
	}
	return r.Findings[0].Severity
}

func day(t *time.Time) string {
	if t == nil {
		return "none"
	}
	return t.UTC().Format(time.DateOnly)
}

func since(seconds *float64, otherwise string) string {
	if seconds == nil {
		return otherwise
	}
	return amount(*seconds, "s")
}
