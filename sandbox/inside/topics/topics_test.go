package topics

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func post(s *Service, form url.Values) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	rw := httptest.NewRecorder()
	s.ServeHTTP(rw, r)
	return rw
}

func TestAPublishedMessageIsALineOfTheLog(t *testing.T) {
	var log bytes.Buffer
	rw := post(New(&log), url.Values{
		"Action": {"Publish"}, "TopicArn": {"arn:aws:sns:eu-central-1:1:alarms"}, "Message": {"firing: CacheGone\n"},
		"MessageAttributes.entry.1.Name": {"severity"}, "MessageAttributes.entry.1.Value.StringValue": {"page"},
		"MessageAttributes.entry.2.Name": {"team"}, "MessageAttributes.entry.2.Value.StringValue": {"rag"},
	})
	var got Message
	if err := json.Unmarshal(log.Bytes(), &got); err != nil || strings.Count(log.String(), "\n") != 1 {
		t.Fatalf("%v: %q", err, log.String())
	}
	if rw.Code != http.StatusOK || !strings.Contains(rw.Body.String(), "<MessageId>"+got.ID+"</MessageId>") {
		t.Errorf("%d %s", rw.Code, rw.Body)
	}
	want := Message{
		Time: got.Time, ID: got.ID, Topic: "arn:aws:sns:eu-central-1:1:alarms", Message: "firing: CacheGone\n",
		Attributes: map[string]string{"severity": "page", "team": "rag"},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }

func TestWhatIsNoMessageIsRefusedInSNSForm(t *testing.T) {
	for name, c := range map[string]struct {
		service *Service
		form    url.Values
		status  int
		want    string
	}{
		"another action": {New(&bytes.Buffer{}), url.Values{"Action": {"CreateTopic"}}, http.StatusBadRequest,
			"<Type>Sender</Type><Code>InvalidAction</Code><Message>the sandbox&#39;s SNS knows Publish, and not &#34;CreateTopic&#34;</Message>"},
		"no topic": {New(&bytes.Buffer{}), url.Values{"Action": {"Publish"}}, http.StatusBadRequest, "<Code>InvalidParameter</Code>"},
		"a full disk": {New(full{}), url.Values{"Action": {"Publish"}, "TopicArn": {"arn:a"}}, http.StatusInternalServerError,
			"<Type>Receiver</Type><Code>InternalError</Code><Message>no space left on device</Message>"},
	} {
		if rw := post(c.service, c.form); rw.Code != c.status || !strings.Contains(rw.Body.String(), c.want) {
			t.Errorf("%s: %d %s", name, rw.Code, rw.Body)
		}
	}
}
