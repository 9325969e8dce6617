package awsrpc

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"

	"github.com/aws/smithy-go/encoding/cbor"
)

// cborProtocol is RPC v2 CBOR: https://smithy.io/2.0/additional-specs/protocols/smithy-rpc-v2.html
type cborProtocol struct{ s *Service }

func (p cborProtocol) read(r *http.Request, body []byte) (string, any, error) {
	name := path.Base(r.URL.Path)
	if want := "/service/" + p.s.Shape + "/operation/" + name; r.URL.Path != want {
		return "", nil, fmt.Errorf("the path is %s, want %s", r.URL.Path, want)
	}
	if len(body) == 0 {
		return name, nil, nil
	}
	v, err := cbor.Decode(body)
	return name, fromCBOR(v), err
}

func (cborProtocol) write(w http.ResponseWriter, _ string, result any) error {
	writeCBOR(w, http.StatusOK, toCBOR(treeOf(result)))
	return nil
}

func (p cborProtocol) refuse(w http.ResponseWriter, e *Error) {
	p.s.compatible(w, e)
	writeCBOR(w, e.status(), cbor.Map{"__type": cbor.String(e.Shape), "message": cbor.String(e.Message), "Message": cbor.String(e.Message)})
}

func writeCBOR(w http.ResponseWriter, status int, v cbor.Value) {
	w.Header().Set("Smithy-Protocol", "rpc-v2-cbor")
	w.Header().Set("Content-Type", "application/cbor")
	w.WriteHeader(status)
	_, _ = w.Write(cbor.Encode(v)) // a client that went away gets no answer
}

// jsonProtocol is AWS JSON 1.0 and 1.1, which differ in the content type alone.
type jsonProtocol struct{ s *Service }

func (p jsonProtocol) read(r *http.Request, body []byte) (string, any, error) {
	shape, name, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	if shape != p.s.Shape {
		return "", nil, fmt.Errorf("X-Amz-Target is %q, want %s.ACTION", r.Header.Get("X-Amz-Target"), p.s.Shape)
	}
	if len(body) == 0 {
		return name, nil, nil
	}
	var members any
	err := json.Unmarshal(body, &members)
	return name, members, err
}

func (p jsonProtocol) write(w http.ResponseWriter, _ string, result any) error {
	raw, err := json.Marshal(toJSON(treeOf(result)))
	if err == nil {
		p.send(w, http.StatusOK, raw)
	}
	return err
}

func (p jsonProtocol) refuse(w http.ResponseWriter, e *Error) {
	p.s.compatible(w, e)
	raw, _ := json.Marshal(map[string]string{"__type": e.Shape, "message": e.Message, "Message": e.Message}) // texts always can be
	p.send(w, e.status(), raw)
}

func (p jsonProtocol) send(w http.ResponseWriter, status int, raw []byte) {
	version := "1.1"
	if p.s.Namespace != "" { // one that spoke query before
		version = "1.0"
	}
	w.Header().Set("Content-Type", "application/x-amz-json-"+version)
	w.WriteHeader(status)
	_, _ = w.Write(raw) // a client that went away gets no answer
}

// queryProtocol is AWS query: a form in, XML out.
type queryProtocol struct{ s *Service }

// read leaves the bound of members to net/url, which has one.
func (queryProtocol) read(r *http.Request, body []byte) (string, any, error) {
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return "", nil, err
	}
	for name, values := range r.URL.Query() {
		form[name] = append(form[name], values...)
	}
	root := map[string]any{}
	for name, values := range form {
		if err := place(root, strings.Split(name, "."), values[0]); err != nil {
			return "", nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return form.Get("Action"), listed(root), nil
}

// place puts a value where a name such as Dimensions.member.1.Name says.
func place(at map[string]any, steps []string, value string) error {
	for _, step := range steps[:len(steps)-1] {
		next, ok := at[step].(map[string]any)
		if !ok {
			if at[step] != nil {
				return fmt.Errorf("%s is a value and a structure", step)
			}
			next = map[string]any{}
			at[step] = next
		}
		at = next
	}
	last := steps[len(steps)-1]
	if _, taken := at[last].(map[string]any); taken {
		return fmt.Errorf("%s is a value and a structure", last)
	}
	at[last] = value
	return nil
}

// listed makes lists of structures whose only member is "member", and of those below.
func listed(at map[string]any) any {
	if numbered, ok := at["member"].(map[string]any); ok && len(at) == 1 {
		var out []any
		for i := 1; ; i++ {
			v, ok := numbered[strconv.Itoa(i)]
			if !ok {
				return out
			}
			out = append(out, below(v))
		}
	}
	for name, v := range at {
		at[name] = below(v)
	}
	return at
}

func below(v any) any {
	if m, ok := v.(map[string]any); ok {
		return listed(m)
	}
	return v
}

func (p queryProtocol) write(w http.ResponseWriter, action string, result any) error {
	var b strings.Builder
	writeXML(&b, action+"Result", treeOf(result))
	p.send(w, http.StatusOK, action+"Response", b.String()+"<ResponseMetadata><RequestId>"+w.Header().Get("X-Amzn-Requestid")+"</RequestId></ResponseMetadata>")
	return nil
}

func (p queryProtocol) refuse(w http.ResponseWriter, e *Error) {
	kind := "Sender"
	if e.status() >= http.StatusInternalServerError {
		kind = "Receiver"
	}
	var b strings.Builder
	writeXML(&b, "Error", record{{"Type", kind}, {"Code", e.code()}, {"Message", e.Message}})
	p.send(w, e.status(), "ErrorResponse", b.String()+"<RequestId>"+w.Header().Get("X-Amzn-Requestid")+"</RequestId>")
}

func (p queryProtocol) send(w http.ResponseWriter, status int, root, inner string) {
	w.Header().Set("Content-Type", "text/xml")
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, `%s<%s xmlns="%s">%s</%s>`, xml.Header, root, p.s.Namespace, inner, root) // a client that went away gets no answer
}
