// Package topics takes what is published to SNS topics and writes it to a log: nothing is sent to anybody from here.
//
// Owns: SNS's Publish over HTTP, and the log. Does not own: which topics are declared, who may publish.
package topics

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
)

// maxRequest bounds a request: a message of SNS has 256 KiB, which a form may make thrice as large.
const maxRequest = 1 << 20

// Message is what was published, one line of the log.
type Message struct {
	Time       time.Time         `json:"time"`
	ID         string            `json:"id"`
	Topic      string            `json:"topic"` // ARN
	Subject    string            `json:"subject,omitempty"`
	Message    string            `json:"message"`
	Attributes map[string]string `json:"attributes,omitempty"`
}

// Service writes messages to a log.
type Service struct {
	mu  sync.Mutex
	out io.Writer
}

// New returns a service that writes to out.
func New(out io.Writer) *Service { return &Service{out: out} }

// Publish writes a message and returns its id.
func (s *Service) Publish(m Message) (string, error) {
	m.ID = uuid.NewString()
	line, err := json.Marshal(m)
	if err != nil {
		return "", err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	_, err = s.out.Write(append(line, '\n'))
	return m.ID, err
}

type published struct {
	XMLName xml.Name `xml:"https://sns.amazonaws.com/doc/2010-03-31/ PublishResponse"`
	ID      string   `xml:"PublishResult>MessageId"`
	Request string   `xml:"ResponseMetadata>RequestId"`
}

type refused struct {
	XMLName xml.Name `xml:"https://sns.amazonaws.com/doc/2010-03-31/ ErrorResponse"`
	Type    string   `xml:"Error>Type"`
	Code    string   `xml:"Error>Code"`
	Message string   `xml:"Error>Message"`
	Request string   `xml:"RequestId"`
}

// ServeHTTP answers SNS's Publish, and says that it knows no other action.
func (s *Service) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(rw, r.Body, maxRequest)
	if err := r.ParseForm(); err != nil {
		refuse(rw, http.StatusBadRequest, "InvalidParameter", err.Error())
		return
	}
	if action := r.PostForm.Get("Action"); action != "Publish" {
		refuse(rw, http.StatusBadRequest, "InvalidAction", fmt.Sprintf("the sandbox's SNS knows Publish, and not %q", action))
		return
	}
	topic := r.PostForm.Get("TopicArn")
	if !strings.HasPrefix(topic, "arn:") {
		refuse(rw, http.StatusBadRequest, "InvalidParameter", fmt.Sprintf("Invalid parameter: TopicArn is %q, want the ARN of a topic", topic))
		return
	}
	id, err := s.Publish(Message{
		Time: time.Now().UTC(), Topic: topic, Subject: r.PostForm.Get("Subject"), Message: r.PostForm.Get("Message"),
		Attributes: attributes(r.PostForm),
	})
	if err != nil {
		refuse(rw, http.StatusInternalServerError, "InternalError", err.Error())
		return
	}
	answer(rw, http.StatusOK, published{ID: id, Request: uuid.NewString()})
}

// attributes are numbered from 1 in a form.
func attributes(form url.Values) map[string]string {
	out := map[string]string{}
	for n := 1; ; n++ {
		prefix := fmt.Sprintf("MessageAttributes.entry.%d.", n)
		name := form.Get(prefix + "Name")
		if name == "" {
			return out
		}
		out[name] = form.Get(prefix + "Value.StringValue")
	}
}

func refuse(rw http.ResponseWriter, status int, code, message string) {
	kind := "Sender"
	if status >= http.StatusInternalServerError {
		kind = "Receiver"
	}
	answer(rw, status, refused{Type: kind, Code: code, Message: message, Request: uuid.NewString()})
}

func answer(rw http.ResponseWriter, status int, body any) {
	rw.Header().Set("Content-Type", "text/xml")
	rw.WriteHeader(status)
	_ = xml.NewEncoder(rw).Encode(body) // whoever asked went away
}
