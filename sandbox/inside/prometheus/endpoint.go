package prometheus

import (
	"encoding/json"
	"net/http"
	"net/http/httputil"
	"net/url"
	"path"
	"slices"
	"strings"
)

// workspacesPath is what the paths of AWS's endpoint begin with.
const workspacesPath = "/workspaces/"

// served are the paths that AWS has of Prometheus and of Alertmanager; * is one part.
// Source: https://docs.aws.amazon.com/prometheus/latest/userguide/AMP-APIReference-Prometheus-Compatible-Apis.html
var served = []string{
	"/api/v1/alerts", "/api/v1/labels", "/api/v1/label/*/values", "/api/v1/metadata", "/api/v1/query", "/api/v1/query_range",
	"/api/v1/rules", "/api/v1/series",
	alertmanagerPath + "/api/v2/alerts", alertmanagerPath + "/api/v2/alerts/groups", alertmanagerPath + "/api/v2/receivers",
	alertmanagerPath + "/api/v2/silence/*", alertmanagerPath + "/api/v2/silences", alertmanagerPath + "/api/v2/status",
}

// ServeHTTP answers as aps-workspaces.<region>.amazonaws.com does. Who may ask is the caller's to check.
func (s *Server) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	rest, ok := strings.CutPrefix(path.Clean(r.URL.Path), workspacesPath)
	id, below, _ := strings.Cut(rest, "/")
	w, found := s.find(id)
	switch {
	case !ok || !slices.ContainsFunc(served, matches("/"+below)):
		refuse(rw, http.StatusNotFound, "UnknownOperationException", "Managed Prometheus has no "+r.URL.Path)
	case !found:
		refuse(rw, http.StatusNotFound, "ResourceNotFoundException", "workspace "+id+" does not exist")
	default:
		w.forward(rw, r, "/"+below)
	}
}

func matches(asked string) func(string) bool {
	return func(pattern string) bool {
		ok, err := path.Match(pattern, asked)
		return err == nil && ok
	}
}

func (w *workspace) forward(rw http.ResponseWriter, r *http.Request, below string) {
	p := w.prometheus
	if strings.HasPrefix(below, alertmanagerPath+"/") {
		p = w.alertmanager
	}
	proxy := httputil.ReverseProxy{
		Rewrite: func(out *httputil.ProxyRequest) {
			out.SetURL(&url.URL{Scheme: "http", Host: p.address().String()})
			out.Out.Header.Del("Authorization") // AWS's signature
		},
		ErrorHandler: func(rw http.ResponseWriter, _ *http.Request, err error) {
			refuse(rw, http.StatusServiceUnavailable, "ServiceUnavailableException", p.name+" of the workspace does not answer: "+err.Error())
		},
	}
	proxy.ServeHTTP(rw, r)
}

// refuse answers an error in AWS's form for JSON.
func refuse(rw http.ResponseWriter, status int, kind, message string) {
	rw.Header().Set("Content-Type", "application/json")
	rw.Header().Set("X-Amzn-Errortype", kind)
	rw.WriteHeader(status)
	_ = json.NewEncoder(rw).Encode(map[string]string{"message": message}) // whoever asked went away
}
