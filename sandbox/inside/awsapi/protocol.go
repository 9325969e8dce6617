package awsapi

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/ragscale/ragscale/sandbox/inside/awsrpc"
	"github.com/ragscale/ragscale/sandbox/sigv4"
)

// apiError is an error in AWS's sense.
type apiError struct {
	code    string
	message string
	status  int
}

func (e *apiError) Error() string { return e.code + ": " + e.message }

func refused(status int, code, format string, args ...any) error {
	return &apiError{code, fmt.Sprintf(format, args...), status}
}

// protocol is how a service words errors.
type protocol interface {
	refuse(w http.ResponseWriter, e *apiError)
	// signature words what sigv4 found.
	signature(err error) *apiError
	unknownCall() (code string, status int)
}

// guess is the protocol of a request whose service is not known.
func guess(r *http.Request) protocol {
	switch {
	case r.Header.Get("X-Amz-Target") != "":
		return jsonRPC{}
	case r.Method == http.MethodPost && r.URL.Path == "/":
		return queryProtocol("")
	}
	return restJSON{}
}

// codes of faults of signatures, by kind.
// Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/signature-v4-troubleshooting.html and each API's page of common
// errors, such as https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/CommonErrors.html ; read 2026-11-30.
type codes map[sigv4.Kind]string

var queryCodes = codes{
	sigv4.Missing: "MissingAuthenticationToken", sigv4.Malformed: "IncompleteSignature", sigv4.Unknown: "InvalidClientTokenId",
	sigv4.Token: "InvalidClientTokenId", sigv4.Mismatch: "SignatureDoesNotMatch", sigv4.Skewed: "SignatureDoesNotMatch",
	sigv4.Expired: "SignatureDoesNotMatch", sigv4.Body: "SignatureDoesNotMatch",
}

var jsonCodes = codes{
	sigv4.Missing: "MissingAuthenticationTokenException", sigv4.Malformed: "IncompleteSignatureException", sigv4.Unknown: "UnrecognizedClientException",
	sigv4.Token: "UnrecognizedClientException", sigv4.Mismatch: "InvalidSignatureException", sigv4.Skewed: "InvalidSignatureException",
	sigv4.Expired: "InvalidSignatureException", sigv4.Body: "InvalidSignatureException",
}

func (c codes) word(err error) *apiError {
	var f *sigv4.Fault
	if !errors.As(err, &f) {
		return &apiError{"InvalidRequest", err.Error(), http.StatusBadRequest}
	}
	return &apiError{c[f.Kind], f.Message, http.StatusForbidden}
}

// queryProtocol is AWS query; its value is the namespace of the service's answers.
type queryProtocol string

func (p queryProtocol) refuse(w http.ResponseWriter, e *apiError) {
	fault := el("Error", el("Type", "Sender"), el("Code", e.code), el("Message", e.message))
	writeXML(w, e.status, string(p), el("ErrorResponse", fault, requestID(w)))
}

func (queryProtocol) signature(err error) *apiError { return queryCodes.word(err) }

func (queryProtocol) unknownCall() (string, int) { return "InvalidAction", http.StatusBadRequest }

func requestID(w http.ResponseWriter) element {
	return el("RequestId", w.Header().Get("X-Amzn-Requestid"))
}

// ec2Protocol is EC2's own kind of query.
type ec2Protocol struct{}

func (ec2Protocol) refuse(w http.ResponseWriter, e *apiError) {
	faults := el("Errors", el("Error", el("Code", e.code), el("Message", e.message)))
	writeXML(w, e.status, "", el("Response", faults, el("RequestID", w.Header().Get("X-Amzn-Requestid"))))
}

func (ec2Protocol) signature(err error) *apiError {
	e := queryCodes.word(err)
	if e.code == queryCodes[sigv4.Mismatch] || e.code == queryCodes[sigv4.Unknown] {
		e.code, e.status = "AuthFailure", http.StatusUnauthorized
	}
	return e
}

func (ec2Protocol) unknownCall() (string, int) { return "InvalidAction", http.StatusBadRequest }

// restJSON has the error's code in a header.
type restJSON struct{}

func (restJSON) refuse(w http.ResponseWriter, e *apiError) {
	w.Header().Set("X-Amzn-Errortype", e.code)
	writeJSON(w, e.status, map[string]any{"message": e.message})
}

func (restJSON) signature(err error) *apiError { return jsonCodes.word(err) }

func (restJSON) unknownCall() (string, int) { return "UnknownOperationException", http.StatusNotFound }

// jsonRPC is AWS JSON 1.0 and 1.1, which have the error's code in the body.
type jsonRPC struct{}

func (jsonRPC) refuse(w http.ResponseWriter, e *apiError) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	writeJSON(w, e.status, map[string]any{"__type": e.code, "message": e.message})
}

func (jsonRPC) signature(err error) *apiError {
	e := jsonCodes.word(err)
	e.status = http.StatusBadRequest
	return e
}

func (jsonRPC) unknownCall() (string, int) { return "UnknownOperationException", http.StatusBadRequest }

// rpcProtocol is the one of those of an RPC service that a request speaks. In CBOR errors have both words.
type rpcProtocol struct {
	service *awsrpc.Service
	r       *http.Request
}

func (p rpcProtocol) refuse(w http.ResponseWriter, e *apiError) {
	code, _ := strings.CutSuffix(e.code, "Exception")
	for kind, word := range jsonCodes {
		if word == e.code {
			code = queryCodes[kind]
		}
	}
	p.service.Refuse(w, p.r, &awsrpc.Error{Shape: e.code, Code: code, Message: e.message, Status: e.status})
}

func (rpcProtocol) signature(err error) *apiError { return jsonCodes.word(err) }

func (rpcProtocol) unknownCall() (string, int) {
	return "UnknownOperationException", http.StatusNotFound
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	if w.Header().Get("Content-Type") == "" {
		w.Header().Set("Content-Type", "application/json")
	}
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // a client that went away gets no answer
}

// element is one of an XML answer: a text, or others.
type element struct {
	name     string
	text     string
	children []element
}

// el makes an element of elements, or of one value.
func el(name string, values ...any) element {
	e := element{name: name}
	for _, v := range values {
		switch v := v.(type) {
		case element:
			if v.name != "" {
				e.children = append(e.children, v)
			}
		case []element:
			e.children = append(e.children, v...)
		default:
			e.text = fmt.Sprint(v)
		}
	}
	return e
}

func (e element) write(w io.Writer) {
	fmt.Fprintf(w, "<%s>", e.name)
	_ = xml.EscapeText(w, []byte(e.text)) // a client that went away gets no answer
	for _, c := range e.children {
		c.write(w)
	}
	fmt.Fprintf(w, "</%s>", e.name)
}

func writeXML(w http.ResponseWriter, status int, namespace string, root element) {
	w.Header().Set("Content-Type", "text/xml")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, xml.Header)
	open := "<" + root.name + ">"
	if namespace != "" {
		open = fmt.Sprintf(`<%s xmlns="%s">`, root.name, namespace)
	}
	_, _ = io.WriteString(w, open)
	_ = xml.EscapeText(w, []byte(root.text))
	for _, c := range root.children {
		c.write(w)
	}
	_, _ = io.WriteString(w, "</"+root.name+">")
}
