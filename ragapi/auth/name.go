package auth

import (
	"strconv"
	"strings"

	"github.com/ragscale/ragscale/ragapi/text"
)

// MaxUserBytes is how many a user's name has at most, in its normal form.
const MaxUserBytes = 128

// Name returns the name of a user as it is kept and compared, wherever it came from: in Unicode's form NFC, without blanks at its
// ends. fault says why it can be none, or "".
func Name(given string) (name, fault string) {
	name = strings.TrimSpace(text.Normal(given))
	switch {
	case name == "":
		return "", "is missing or blank, want a text"
	case len(name) > MaxUserBytes:
		return "", "has " + strconv.Itoa(len(name)) + " bytes, want " + strconv.Itoa(MaxUserBytes) + " bytes at most"
	}
	return name, text.Fault(name)
}
