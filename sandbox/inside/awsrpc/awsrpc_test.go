package awsrpc

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/smithy-go/encoding/cbor"
)

type input struct {
	Name  string
	Count *int
	When  time.Time
	Rate  float64
	On    bool
	Parts []struct{ Key, Value string }
}

// echo answers what it got.
func echo() *Service {
	return &Service{Name: "echo", Shape: "Echo2010", Namespace: "http://echo/", Log: slog.New(slog.DiscardHandler), Actions: map[string]Action{
		"Echo": func(c Call) (any, error) {
			var in input
			err := c.Into(&in)
			return in, err
		},
	}}
}

func ask(s *Service, path, target, smithy, body string) (int, string, http.Header) {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	if target != "" {
		r.Header.Set("X-Amz-Target", target)
	}
	if smithy != "" {
		r.Header.Set("Smithy-Protocol", smithy)
	}
	w := httptest.NewRecorder()
	s.Serve(w, r, "eu-central-1", "123456789012")
	return w.Code, w.Body.String(), w.Header()
}

const (
	cborPath = "/service/Echo2010/operation/Echo"
	cborName = "rpc-v2-cbor"
)

func TestFormsAndJSONFillTheSameMembers(t *testing.T) {
	for want, c := range map[string][2]string{
		`{"Count":3,"Name":"a","On":true,"Parts":[{"Key":"k","Value":"v"}],"Rate":0.5,"When":1796036400}`: {"Echo2010.Echo",
			`{"Name":"a","Count":3,"When":1796036400,"Rate":0.5,"On":true,"Parts":[{"Key":"k","Value":"v"}],"Else":1}`},
		"<EchoResult><Name>a</Name><Count>3</Count><When>2026-11-30T11:00:00.000Z</When><Rate>0.5</Rate><On>true</On><Parts><member><Key>k</Key><Value>v</Value></member></Parts></EchoResult>": {"",
			"Action=Echo&Name=a&Count=3&When=2026-11-30T11:00:00Z&Rate=0.5&On=true&Parts.member.1.Key=k&Parts.member.1.Value=v"},
	} {
		if code, body, _ := ask(echo(), "/", c[0], "", c[1]); code != 200 || !strings.Contains(body, want) {
			t.Errorf("%d %s, want %s", code, body, want)
		}
	}
}

func TestHostileInputIsAnErrorOfTheProtocol(t *testing.T) {
	deep := bytes.Repeat([]byte{0x81}, 1<<19)
	for name, c := range map[string]struct{ path, target, smithy, body, want string }{
		"lists in lists":   {cborPath, "", cborName, string(deep), "SerializationException"},
		"a torn map":       {cborPath, "", cborName, "\xbf\x64Name", "SerializationException"},
		"a huge length":    {cborPath, "", cborName, "\x9b\x7f\xff\xff\xff\xff\xff\xff\xff", "SerializationException"},
		"a list for a map": {cborPath, "", cborName, string(cbor.Encode(cbor.List{cbor.Uint(1)})), "want a structure"},
		"another path":     {"/service/X/operation/Echo", "", cborName, "", "want /service/Echo2010/operation/Echo"},
		"too large":        {"/", "Echo2010.Echo", "", strings.Repeat(" ", MostBody+1), "request body too large"},
		"no JSON":          {"/", "Echo2010.Echo", "", "{", "SerializationException"},
		"wrong kinds":      {"/", "Echo2010.Echo", "", `{"Name":1,"Count":1.5,"When":"soon","Parts":{}}`, "Count is 1.5, want a value of kind int"},
		"a huge number":    {"/", "Echo2010.Echo", "", `{"Count":1e300,"When":1e300}`, "When is 1e+300, want a time"},
		"another service":  {"/", "Other.Echo", "", `{}`, "want Echo2010.ACTION"},
		"unknown":          {"/", "Echo2010.Shout", "", `{}`, "of echo the sandbox answers Echo"},
		"both":             {"/", "", "", "Action=Echo&Parts=1&Parts.member.1.Key=k", "MalformedInput"},
		"many members":     {"/", "", "", "Action=Echo" + many(), "exceeded limit"},
		"unknown query":    {"/", "", "", "Action=Shout", "<Code>InvalidAction</Code>"},
	} {
		code, body, _ := ask(echo(), c.path, c.target, c.smithy, c.body)
		if code < 400 || code >= 500 || !strings.Contains(body, c.want) {
			t.Errorf("%s: %d %.300q, want %s", name, code, body, c.want)
		}
	}
}

func many() string {
	var b strings.Builder
	for i := range 20001 {
		b.WriteString("&a" + time.Duration(i).String() + "=1")
	}
	return b.String()
}

func TestAClientOfOldGetsTheCodeThatItKnows(t *testing.T) {
	s := echo()
	s.Actions["Echo"] = func(Call) (any, error) { return nil, Invalid("no") }
	if code, _, header := ask(s, cborPath, "", cborName, ""); code != 400 || header.Get("X-Amzn-Query-Error") != "ValidationError;Sender" {
		t.Errorf("%d %v", code, header)
	}
}
