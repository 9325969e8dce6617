// Package address shows URLs of others' services where people read them.
//
// Owns: what of a URL may be in logs and errors. Does not own: which URLs are good.
package address

import (
	"errors"
	"net/url"
	"strings"
)

// hidden stands for what may be a secret.
const hidden = "xxxxx"

// Shown returns a URL without what may be a secret in it: users, passwords, and what stands behind a question mark.
func Shown(given string) string {
	if !strings.ContainsAny(given, "@?#") {
		return given
	}
	u, err := url.Parse(given)
	if err != nil || u.Opaque != "" {
		return hidden
	}
	if u.User != nil {
		u.User = url.User(hidden)
	}
	if u.RawQuery != "" {
		u.RawQuery = hidden
	}
	u.Fragment = ""
	if shown := u.String(); u.User != nil || !strings.Contains(shown, "@") {
		return shown
	}
	return hidden // it is no URL with a host, whatever it was meant to be
}

// Cause returns what is wrong with a request, without its URL, which package http puts into its errors.
func Cause(err error) error {
	var request *url.Error
	if errors.As(err, &request) {
		return request.Err
	}
	return err
}
