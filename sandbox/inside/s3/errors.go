package s3

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"

	"github.com/ragscale/ragscale/sandbox/sigv4"
)

// apiError is one of S3's errors.
// Source: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html ; read 2026-11-30.
type apiError struct {
	code    string
	message string
	status  int
}

func (e *apiError) Error() string { return e.code + ": " + e.message }

var (
	errNoUpload     = &apiError{"NoSuchUpload", "The specified upload does not exist.", http.StatusNotFound}
	errDenied       = &apiError{"AccessDenied", "Access Denied", http.StatusForbidden}
	errPrecondition = &apiError{"PreconditionFailed", "At least one of the pre-conditions you specified did not hold", http.StatusPreconditionFailed}
	errRange        = &apiError{"InvalidRange", "The requested range is not satisfiable", http.StatusRequestedRangeNotSatisfiable}
	errMalformed    = &apiError{"MalformedXML", "The XML you provided was not well-formed", http.StatusBadRequest}
)

func errNoBucket(name string) error {
	return &apiError{"NoSuchBucket", fmt.Sprintf("The specified bucket does not exist: %s", name), http.StatusNotFound}
}

func errNoKey(key string) error {
	return &apiError{"NoSuchKey", fmt.Sprintf("The specified key does not exist: %s", key), http.StatusNotFound}
}

func wrongRegion(got, want string) error {
	message := fmt.Sprintf("The authorization header is malformed; the region '%s' is wrong; expecting '%s'", got, want)
	return &apiError{"AuthorizationHeaderMalformed", message, http.StatusBadRequest}
}

func invalid(format string, args ...any) error {
	return &apiError{"InvalidArgument", fmt.Sprintf(format, args...), http.StatusBadRequest}
}

var signatureCodes = map[sigv4.Kind]apiError{
	sigv4.Missing:   *errDenied,
	sigv4.Malformed: {"AuthorizationHeaderMalformed", "", http.StatusBadRequest},
	sigv4.Unknown:   {"InvalidAccessKeyId", "", http.StatusForbidden},
	sigv4.Token:     {"InvalidToken", "", http.StatusBadRequest},
	sigv4.Mismatch:  {"SignatureDoesNotMatch", "", http.StatusForbidden},
	sigv4.Skewed:    {"RequestTimeTooSkewed", "", http.StatusForbidden},
	sigv4.Expired:   {"AccessDenied", "", http.StatusForbidden},
	sigv4.Body:      {"XAmzContentSHA256Mismatch", "", http.StatusBadRequest},
}

// worded is err as S3 words it.
func worded(err error) *apiError {
	var known *apiError
	var signed *sigv4.Fault
	switch {
	case errors.As(err, &known):
		return known
	case errors.As(err, &signed):
		e := signatureCodes[signed.Kind]
		e.message = signed.Message
		return &e
	case errors.Is(err, io.ErrUnexpectedEOF):
		return &apiError{"IncompleteBody", "You did not provide the number of bytes that you said.", http.StatusBadRequest}
	case errors.Is(err, errFull):
		return &apiError{"InsufficientStorage", err.Error() + ": delete objects", http.StatusInsufficientStorage}
	case errors.Is(err, os.ErrNotExist):
		return &apiError{"OperationAborted", "Another call has changed or removed what this one needs. Try again.", http.StatusConflict}
	}
	return &apiError{"InternalError", "the sandbox: " + err.Error(), http.StatusInternalServerError}
}

// Refuse answers err as S3 does.
func (s *Server) Refuse(w http.ResponseWriter, r *http.Request, err error) {
	e := worded(err)
	if e.status == http.StatusInternalServerError {
		s.log.Error("S3", "method", r.Method, "path", r.URL.Path, "error", err)
	}
	if r.Method == http.MethodHead || e.status == http.StatusNotModified {
		w.WriteHeader(e.status)
		return
	}
	answer(w, e.status, struct {
		XMLName   xml.Name `xml:"Error"`
		Code      string
		Message   string
		Resource  string
		RequestID string `xml:"RequestId"`
	}{Code: e.code, Message: e.message, Resource: r.URL.Path, RequestID: w.Header().Get("X-Amz-Request-Id")})
}

// answer writes an XML document.
func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, xml.Header) // a client that went away gets no answer
	_ = xml.NewEncoder(w).Encode(body)
}
