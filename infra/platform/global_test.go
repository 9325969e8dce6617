package platform

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/ragscale/ragscale/components/graph"
)

// What the stack's file says of the account holds for the edge's region too: else it would be made in another account, or
// without the account's tags.
func TestTheEdgesProviderIsOfTheStacksAccount(t *testing.T) {
	configure(t, "prod", nil)
	values := map[string]string{}
	if err := json.Unmarshal([]byte(os.Getenv(pulumi.EnvConfig)), &values); err != nil {
		t.Fatal(err)
	}
	values["aws:profile"] = "platform"
	values["aws:allowedAccountIds"] = `["123456789012"]`
	values["aws:assumeRole"] = `{"roleArn": "arn:aws:iam::123456789012:role/deploy", "externalId": "x"}`
	values["aws:defaultTags"] = `{"tags": {"owner": "search"}}`
	setJSON(t, pulumi.EnvConfig, values)
	provider := graph.Run(t, "prod", Declare).Find("pulumi:providers:aws", "us-east-1")
	for input, want := range map[string]string{
		"region": "us-east-1", "profile": "platform", "allowedAccountIds": "123456789012", "defaultTags": "search", "assumeRole": "role/deploy",
	} {
		if got := fmt.Sprint(provider.Input(input)); !strings.Contains(got, want) {
			t.Errorf("%s is %s, want %s", input, got, want)
		}
	}
	if got := fmt.Sprint(provider.Input("assumeRole")); strings.Contains(got, "sessionName") {
		t.Errorf("assumeRole is %s, want no session name: none is said", got)
	}
}
