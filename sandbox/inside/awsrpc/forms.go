package awsrpc

import (
	"encoding/xml"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/aws/smithy-go/encoding/cbor"
)

// epochTag marks a number of seconds since 1970 (RFC 8949, 3.4.2).
const epochTag = 1

func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

func toCBOR(v any) cbor.Value {
	switch v := v.(type) {
	case mapping:
		return toCBOR(record(v))
	case record:
		out := cbor.Map{}
		for _, m := range v {
			out[m.name] = toCBOR(m.value)
		}
		return out
	case []any:
		out := cbor.List{}
		for _, e := range v {
			out = append(out, toCBOR(e))
		}
		return out
	}
	return leafToCBOR(v)
}

func leafToCBOR(v any) cbor.Value {
	switch v := v.(type) {
	case time.Time:
		return &cbor.Tag{ID: epochTag, Value: cbor.Float64(seconds(v))}
	case string:
		return cbor.String(v)
	case int64:
		if v < 0 {
			return cbor.NegInt(-v)
		}
		return cbor.Uint(v)
	case float64:
		return cbor.Float64(v)
	case bool:
		return cbor.Bool(v)
	}
	return &cbor.Nil{}
}

func toJSON(v any) any {
	switch v := v.(type) {
	case mapping:
		return toJSON(record(v))
	case record:
		out := map[string]any{}
		for _, m := range v {
			out[m.name] = toJSON(m.value)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = toJSON(e)
		}
		return out
	case time.Time:
		return seconds(v)
	}
	return v
}

// writeXML writes a value as an element; a list's own elements are called member.
func writeXML(b *strings.Builder, name string, v any) {
	b.WriteString("<" + name + ">")
	switch v := v.(type) {
	case record:
		for _, m := range v {
			writeXML(b, m.name, m.value)
		}
	case mapping:
		for _, m := range v {
			writeXML(b, "entry", record{{"key", m.name}, {"value", m.value}})
		}
	case []any:
		for _, e := range v {
			writeXML(b, "member", e)
		}
	case time.Time:
		b.WriteString(v.UTC().Format("2006-01-02T15:04:05.000Z"))
	case float64:
		b.WriteString(strconv.FormatFloat(v, 'g', -1, 64))
	default:
		_ = xml.EscapeText(b, []byte(fmt.Sprint(v))) // a builder takes everything
	}
	b.WriteString("</" + name + ">")
}
