package auth

// Resource is a kind of thing that the API shows.
type Resource string

// What the API shows.
const (
	Documents Resource = "documents"
	Searches  Resource = "searches"
	Sessions  Resource = "sessions"
	Dashboard Resource = "dashboard"
	// Description is the API's own, which names nothing that it holds.
	Description Resource = "description"
)

// Shared is where it is decided who sees what: true for what looks the same to every caller who may ask for it, false
// for what is its owner's alone. Documents, and with them searches and counts, belong to the stack. A cache that keeps
// one answer for all may do so for shared resources only.
func (r Resource) Shared() bool { return r != Sessions }

// VisibleTo reports whether the caller may see a resource of this owner.
func (r Resource) VisibleTo(c Caller, owner string) bool { return r.Shared() || c.ActsFor(owner) }

// Public reports whether a cache outside the API, such as the CDN, may hand its answer to anybody. It checks no tokens:
// where callers are checked, it may do so only with what needs none.
func (r Resource) Public(checked bool) bool { return r == Description || r.Shared() && !checked }
