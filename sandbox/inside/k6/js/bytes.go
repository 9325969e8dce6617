package js

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"maps"
	"slices"
	"strings"

	"github.com/grafana/sobek"
)

// Bytes are those of a text, an ArrayBuffer or a typed array.
func (u *User) Bytes(value sobek.Value) []byte {
	switch data := value.Export().(type) {
	case sobek.ArrayBuffer:
		return data.Bytes()
	case string:
		return []byte(data)
	}
	if object, ok := value.(*sobek.Object); ok {
		if buffer, ok := object.Get("buffer").(*sobek.Object); ok {
			if b, ok := buffer.Export().(sobek.ArrayBuffer); ok {
				from := int(object.Get("byteOffset").ToInteger())
				return b.Bytes()[from : from+int(object.Get("byteLength").ToInteger())]
			}
		}
	}
	u.Throw(fmt.Errorf("%s is given, want a text, an ArrayBuffer or a typed array", value))
	return nil
}

var hashes = map[string]func() hash.Hash{
	"md5": md5.New, "sha1": sha1.New, "sha256": sha256.New, "sha384": sha512.New384, "sha512": sha512.New,
	"sha512_224": sha512.New512_224, "sha512_256": sha512.New512_256,
}

var cryptoNames = append(slices.Sorted(maps.Keys(hashes)),
	"createHMAC", "createHash", "hexEncode", "hmac", "randomBytes")

func (u *User) crypto() map[string]any {
	all := map[string]any{
		"createHash": func(algorithm string) *sobek.Object { return u.hasher(u.hashOf(algorithm)()) },
		"createHMAC": func(algorithm string, secret sobek.Value) *sobek.Object {
			return u.hasher(hmac.New(u.hashOf(algorithm), u.Bytes(secret)))
		},
		"hmac": func(algorithm string, secret, data sobek.Value, encoding string) sobek.Value {
			h := hmac.New(u.hashOf(algorithm), u.Bytes(secret))
			h.Write(u.Bytes(data))
			return u.encoded(h.Sum(nil), encoding)
		},
		"hexEncode": func(data sobek.Value) string { return hex.EncodeToString(u.Bytes(data)) },
		"randomBytes": func(n int) sobek.ArrayBuffer {
			if n < 1 {
				u.Throw(errors.New("invalid size"))
			}
			b := make([]byte, n)
			rand.Read(b) // it never fails
			return u.VM.NewArrayBuffer(b)
		},
	}
	for name, fresh := range hashes {
		all[name] = func(data sobek.Value, encoding string) sobek.Value {
			h := fresh()
			h.Write(u.Bytes(data))
			return u.encoded(h.Sum(nil), encoding)
		}
	}
	return all
}

func (u *User) hashOf(algorithm string) func() hash.Hash {
	fresh, ok := hashes[algorithm]
	if !ok {
		known := strings.Join(slices.Sorted(maps.Keys(hashes)), ", ")
		u.Throw(fmt.Errorf("invalid algorithm: %s, want one of %s", algorithm, known))
	}
	return fresh
}

func (u *User) hasher(h hash.Hash) *sobek.Object {
	object := u.VM.NewObject()
	u.must(object.Set("update", func(data sobek.Value) { h.Write(u.Bytes(data)) }))
	u.must(object.Set("digest", func(encoding string) sobek.Value { return u.encoded(h.Sum(nil), encoding) }))
	return object
}

func (u *User) encoded(sum []byte, encoding string) sobek.Value {
	switch encoding {
	case "hex":
		return u.VM.ToValue(hex.EncodeToString(sum))
	case "binary":
		return u.VM.ToValue(u.VM.NewArrayBuffer(sum))
	case "base64", "base64url", "base64rawurl":
		name := map[string]string{"base64": "std", "base64url": "url", "base64rawurl": "rawurl"}[encoding]
		return u.VM.ToValue(base64s[name].EncodeToString(sum))
	}
	u.Throw(fmt.Errorf("invalid output encoding: %s", encoding))
	return nil
}

var base64s = map[string]*base64.Encoding{
	"std": base64.StdEncoding, "rawstd": base64.RawStdEncoding, "url": base64.URLEncoding, "rawurl": base64.RawURLEncoding,
}

func (u *User) encoding() map[string]any {
	kind := func(value sobek.Value) *base64.Encoding {
		if sobek.IsUndefined(value) {
			return base64.StdEncoding
		}
		e, ok := base64s[value.String()]
		if !ok {
			e = base64.StdEncoding // as k6 takes what it does not know
		}
		return e
	}
	return map[string]any{
		"b64encode": func(call sobek.FunctionCall) sobek.Value {
			return u.VM.ToValue(kind(call.Argument(1)).EncodeToString(u.Bytes(call.Argument(0))))
		},
		"b64decode": func(call sobek.FunctionCall) sobek.Value {
			b, err := kind(call.Argument(1)).DecodeString(call.Argument(0).String())
			if err != nil {
				u.Throw(err)
			}
			if call.Argument(2).String() == "s" {
				return u.VM.ToValue(string(b))
			}
			return u.VM.ToValue(u.VM.NewArrayBuffer(b))
		},
	}
}
