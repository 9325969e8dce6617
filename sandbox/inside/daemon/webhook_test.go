package daemon

import (
	"testing"
)

func TestAnAWSServiceEntersByItsOwnTokenAndInNoGroup(t *testing.T) {
	w := newTokenWebhook(testKey.Lookup)
	w.know("the-scrapers", scraperARN)
	if _, err := w.identify("the-scrapers"); err == nil {
		t.Error("it entered without a cluster")
	}
	w.admit("rag", nil)
	user, err := w.identify("the-scrapers")
	if err != nil || user.Username != scraperARN || len(user.Groups) > 0 {
		t.Errorf("got %+v, %v", user, err)
	}
	if user, err := w.identify("another"); err == nil {
		t.Errorf("another token is %+v", user)
	}
}
