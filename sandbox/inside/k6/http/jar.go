package http

import (
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"time"

	"github.com/grafana/sobek"
)

// jarMark is where an object that scripts see has its jar.
const jarMark = "k6 jar"

func jarOf(value sobek.Value) (*cookiejar.Jar, bool) {
	object, ok := value.(*sobek.Object)
	if !ok || object.Get(jarMark) == nil {
		return nil, false
	}
	jar, ok := object.Get(jarMark).Export().(*cookiejar.Jar)
	return jar, ok
}

// replacing is a jar without the cookies that a request replaces.
type replacing struct {
	http.CookieJar
	replaced []*http.Cookie
}

// Cookies implements http.CookieJar.
func (r replacing) Cookies(u *url.URL) []*http.Cookie {
	return slices.DeleteFunc(r.CookieJar.Cookies(u), func(c *http.Cookie) bool {
		return slices.ContainsFunc(r.replaced, func(other *http.Cookie) bool { return other.Name == c.Name })
	})
}

// hide keeps a value in an object where scripts neither see nor change it.
func (c *client) hide(object *sobek.Object, name string, value any) {
	no := sobek.FLAG_FALSE
	if err := object.DefineDataProperty(name, c.VM.ToValue(value), no, no, no); err != nil {
		c.Throw(err)
	}
}

// newJar is the constructor of a jar of the script's own.
func (c *client) newJar(sobek.ConstructorCall) *sobek.Object {
	jar, err := cookiejar.New(nil)
	if err != nil {
		c.Throw(err)
	}
	return c.jarObject(jar)
}

// jarObject is a jar as scripts see it.
func (c *client) jarObject(jar *cookiejar.Jar) *sobek.Object {
	object := c.VM.NewObject()
	c.hide(object, jarMark, jar)
	drop := func(at string, which func(name string) bool) {
		u := c.parseURL(at)
		var gone []*http.Cookie
		for _, cookie := range jar.Cookies(u) {
			if which(cookie.Name) {
				gone = append(gone, &http.Cookie{Name: cookie.Name, MaxAge: -1})
			}
		}
		jar.SetCookies(u, gone)
	}
	c.set(object, "cookiesForURL", func(at string) *sobek.Object { return c.cookieValues(jar, at) })
	c.set(object, "set", func(at, name, value string, options sobek.Value) bool {
		cookie, err := c.cookie(name, value, options)
		if err != nil {
			c.Throw(err)
		}
		jar.SetCookies(c.parseURL(at), []*http.Cookie{cookie})
		return true
	})
	c.set(object, "clear", func(at string) { drop(at, func(string) bool { return true }) })
	c.set(object, "delete", func(at, name string) { drop(at, func(n string) bool { return n == name }) })
	return object
}

func (c *client) parseURL(text string) *url.URL {
	u, err := url.Parse(text)
	if err != nil {
		c.Throw(err)
	}
	return u
}

func (c *client) cookieValues(jar *cookiejar.Jar, at string) *sobek.Object {
	values := map[string][]any{}
	for _, cookie := range jar.Cookies(c.parseURL(at)) {
		values[cookie.Name] = append(values[cookie.Name], cookie.Value)
	}
	object := c.VM.NewObject()
	for name, list := range values {
		c.set(object, name, c.VM.NewArray(list...))
	}
	return object
}

// cookie reads a cookie with its options.
func (c *client) cookie(name, value string, options sobek.Value) (*http.Cookie, error) {
	cookie := &http.Cookie{Name: name, Value: value}
	if nothing(options) {
		return cookie, nil
	}
	object := options.ToObject(c.VM)
	for _, key := range object.Keys() {
		option := object.Get(key)
		switch key {
		case "domain":
			cookie.Domain = option.String()
		case "path":
			cookie.Path = option.String()
		case "expires":
			at, err := time.Parse(time.RFC1123, option.String())
			if err != nil {
				return nil, fmt.Errorf(`unable to parse "expires" date string %q, want one such as %s`, option, time.RFC1123)
			}
			cookie.Expires = at
		case "max_age":
			cookie.MaxAge = int(option.ToInteger())
		case "secure":
			cookie.Secure = option.ToBoolean()
		case "http_only":
			cookie.HttpOnly = option.ToBoolean()
		}
	}
	return cookie, nil
}
