package address_test

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/ragscale/ragscale/ragapi/address"
)

func TestNoSecretOfAURLIsShown(t *testing.T) {
	for given, want := range map[string]string{
		"http://chroma:8000": "http://chroma:8000",
		"chroma:8000":        "chroma:8000",
		"https://u:SECRET@host/path?key=SECRET#part": "https://xxxxx@host/path?xxxxx",
		"https://SECRET@host":                        "https://xxxxx@host",
		"https://host/embed?SECRET":                  "https://host/embed?xxxxx",
		"ftp://u:SECRET@x":                           "ftp://xxxxx@x",
		"u:SECRET@host":                              "xxxxx",
		"http://u:SECRET%zz@host":                    "xxxxx",
		"//u:SECRET@host":                            "//xxxxx@host",
		"u/SECRET@host":                              "xxxxx",
	} {
		if got := address.Shown(given); got != want || strings.Contains(got, "SECRET") {
			t.Errorf("%s is shown as %s, want %s", given, got, want)
		}
	}
}

func TestTheCauseOfAFailedRequestNamesNoURL(t *testing.T) {
	cause := errors.New("refused")
	for _, err := range []error{cause, &url.Error{Op: "Post", URL: "http://SECRET", Err: cause}, fmt.Errorf("ask: %w", &url.Error{Op: "Post", URL: "http://SECRET", Err: cause})} {
		if got := address.Cause(err); !errors.Is(got, cause) || got.Error() != "refused" {
			t.Errorf("%v", got)
		}
	}
}
