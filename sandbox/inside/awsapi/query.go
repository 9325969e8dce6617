package awsapi

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/ragscale/ragscale/sandbox/sigv4"
)

// query is a service of the query protocol.
type query struct {
	namespace string
	actions   map[string]func(call) ([]element, error)
}

// call is one call of a query service.
type call struct {
	form    url.Values
	caller  *sigv4.Signed
	account Account
}

func (s *Server) answerQuery(q query) func(http.ResponseWriter, *http.Request, *sigv4.Signed) {
	p := queryProtocol(q.namespace)
	return func(w http.ResponseWriter, r *http.Request, caller *sigv4.Signed) {
		if err := r.ParseForm(); err != nil {
			s.fail(w, p, refused(http.StatusBadRequest, "MalformedQueryString", "%v", err))
			return
		}
		name := r.Form.Get("Action")
		act, known := q.actions[name]
		if !known {
			p.refuse(w, unknown(p, q.unknown(name, caller.Service)))
			return
		}
		result, err := act(call{form: r.Form, caller: caller, account: s.cfg.Account})
		if err != nil {
			s.fail(w, p, err)
			return
		}
		writeXML(w, http.StatusOK, q.namespace, el(name+"Response", el(name+"Result", result), el("ResponseMetadata", requestID(w))))
	}
}

func (q query) unknown(action, service string) string {
	if len(q.actions) == 0 {
		return fmt.Sprintf("the action %s is not valid here: the sandbox answers no calls of %s", action, service)
	}
	known := strings.Join(slices.Sorted(maps.Keys(q.actions)), ", ")
	return fmt.Sprintf("the action %s is not valid here: of %s the sandbox answers %s", action, service, known)
}

// list returns the caller's region's resources of a type that match, by name.
func (c call) list(token, name string, match func(Resource) bool) ([]Resource, error) {
	all, err := c.account.List(token)
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(slices.Clone(all), func(r Resource) bool { return r.Region != c.caller.Region || !match(r) })
	slices.SortFunc(all, func(a, b Resource) int { return cmp.Compare(a.str(name), b.str(name)) })
	return all, nil
}

// named is a resource by one of its properties, or everything where no value is given.
func named(property, value string) func(Resource) bool {
	return func(r Resource) bool { return value == "" || strings.EqualFold(r.str(property), value) }
}

// among is like named for a list: "Names" of Names.member.1 and so on.
func (c call) among(property, list string) (func(Resource) bool, []string) {
	var wanted []string
	for i := 1; c.form.Has(fmt.Sprintf("%s.member.%d", list, i)); i++ {
		wanted = append(wanted, c.form.Get(fmt.Sprintf("%s.member.%d", list, i)))
	}
	return func(r Resource) bool { return len(wanted) == 0 || slices.Contains(wanted, r.str(property)) }, wanted
}

// absent is a wanted one that is not among those found, or "".
func absent(wanted []string, found []Resource, property string) string {
	for _, w := range wanted {
		if !slices.ContainsFunc(found, func(r Resource) bool { return r.str(property) == w }) {
			return w
		}
	}
	return ""
}

// page cuts a page out of a list. size and marker are the parameters' names; next is empty on the last page.
func page[T any](c call, all []T, size, marker string) (part []T, next []element, err error) {
	const most = 100
	from, limit := 0, most
	if text := c.form.Get(marker); text != "" {
		if from, err = strconv.Atoi(text); err != nil || from < 0 || from > len(all) {
			return nil, nil, refused(http.StatusBadRequest, "InvalidParameterValue", "%s is %q, want one that was answered", marker, text)
		}
	}
	if text := c.form.Get(size); text != "" {
		if limit, err = strconv.Atoi(text); err != nil || limit < 1 || limit > 4*most {
			return nil, nil, refused(http.StatusBadRequest, "InvalidParameterValue", "%s is %q, want 1 to %d", size, text, 4*most)
		}
	}
	to := min(from+limit, len(all))
	if to < len(all) {
		next = []element{el(marker, strconv.Itoa(to))}
	}
	return all[from:to], next, nil
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
