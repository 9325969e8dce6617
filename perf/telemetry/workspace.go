package telemetry

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

const (
	service = "aps" // that requests are signed for
	// emptyBody is the SHA-256 of nothing: a GET has no body.
	emptyBody = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	// mostAnswer bounds an answer: AWS gives no more than 10 MB.
	mostAnswer = 16 << 20
)

// Workspace is a workspace's endpoint and who asks it.
type Workspace struct {
	Endpoint string // https://aps-workspaces.<region>.amazonaws.com/workspaces/<id>/
	Account  aws.Config
}

// Get asks for what is below a path and decodes the data of the answer.
func (w Workspace) Get(ctx context.Context, path string, query url.Values, data any) error {
	where := strings.TrimSuffix(w.Endpoint, "/") + "/" + path
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, where+"?"+query.Encode(), nil)
	if err != nil {
		return err
	}
	credentials, err := w.Account.Credentials.Retrieve(ctx)
	if err != nil {
		return fmt.Errorf("AWS credentials: %w", err)
	}
	err = v4.NewSigner().SignHTTP(ctx, credentials, request, emptyBody, service, w.Account.Region, time.Now())
	if err != nil {
		return err
	}
	answer, err := w.Account.HTTPClient.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, mostAnswer))
	if err != nil {
		return fmt.Errorf("%s: %w", where, err)
	}
	return decode(where, answer.StatusCode, body, data)
}

// decode reads Prometheus' form of an answer, or either form of an error: Prometheus' and AWS's.
func decode(where string, status int, body []byte, data any) error {
	var answer struct {
		Data    json.RawMessage `json:"data"`
		Error   string          `json:"error"`
		Message string          `json:"message"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return fmt.Errorf("%s answers %d: %s", where, status, strings.TrimSpace(string(body)))
	}
	if status != http.StatusOK {
		return fmt.Errorf("%s answers %d: %s", where, status, answer.Error+answer.Message)
	}
	if err := json.Unmarshal(answer.Data, data); err != nil {
		return fmt.Errorf("%s: %w", where, err)
	}
	return nil
}
