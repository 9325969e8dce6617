package cloudwatch

import (
	"fmt"
	"strings"
	"testing"
)

// The rows are those of AWS's two tables, as remembered 2026-11-30: "Configuring how CloudWatch alarms treat missing data",
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html . X breaches, 0 does not, - is
// missing; then the state with missing, ignore, breaching, notBreaching. The state before is kept where the table says so.
const tables = `
3/3 0-X-X OK OK OK OK
3/3 ----0 OK OK OK OK
3/3 ----- INSUFFICIENT_DATA kept ALARM OK
3/3 0XX-X ALARM ALARM ALARM ALARM
3/3 --X-- ALARM kept ALARM OK
2/3 0-X-X ALARM ALARM ALARM ALARM
2/3 00X0X ALARM ALARM ALARM ALARM
2/3 0-X-- OK OK ALARM OK
2/3 ----0 OK OK ALARM OK
2/3 ---X- ALARM kept ALARM OK
1/1 --X ALARM ALARM ALARM ALARM
1/1 X-- ALARM ALARM ALARM ALARM
1/1 0X0 OK OK OK OK`

func TestMissingDataAreTreatedAsInAWSsTables(t *testing.T) {
	for line := range strings.Lines(strings.TrimSpace(tables)) {
		words := strings.Fields(line)
		var r rule
		if _, err := fmt.Sscanf(words[0], "%d/%d", &r.toAlarm, &r.periods); err != nil {
			t.Fatal(err)
		}
		var points []*bool
		for _, c := range words[1] {
			switch bad := c == 'X'; c {
			case '-':
				points = append(points, nil)
			default:
				points = append(points, &bad)
			}
		}
		for i, how := range []string{missing, ignore, breaching, notBreaching} {
			for _, before := range []State{OK, Alarm, Insufficient} {
				want := State(words[2+i])
				if want == "kept" {
					want = before
				}
				r.missing = how
				if got := r.judge(points, before); got != want {
					t.Errorf("%s of %s, %s, before %s: %s, want %s", words[0], words[1], how, before, got, want)
				}
			}
		}
	}
}

func TestCompositeRulesAreEvaluated(t *testing.T) {
	states := map[string]State{"a": Alarm, "b": OK, "c d": Insufficient, "arn:aws:cloudwatch:eu-central-1:1:alarm:e": Alarm}
	stateOf := func(name string) (State, bool) { st, ok := states[name]; return st, ok }
	for text, want := range map[string]string{
		`ALARM("a")`: "true",
		`(ALARM("a") AND ALARM("b")) OR (ALARM("a") AND ALARM("a"))`: "true",
		`ALARM(a) AND NOT ALARM(b)`:                                  "true",
		"OK('b')\n AND INSUFFICIENT_DATA(\"c d\")":                   "true",
		`ALARM(arn:aws:cloudwatch:eu-central-1:1:alarm:e)`:           "true",
		`NOT (ALARM(a) OR FALSE)`:                                    "false",
		`TRUE AND OK(a)`:                                             "false",
		`ALARM("x") OR ALARM("y")`:                                   "the rule names alarms that do not exist: x, y",
		`ALARM("a") XOR ALARM("b")`:                                  "does not parse",
		`ALARM("a") AND nothing`:                                     `the rule has "nothing"`,
		strings.Repeat("(", 20000):                                   "characters",
	} {
		got, err := holds(text, stateOf)
		if said := fmt.Sprint(got, err); !strings.HasPrefix(said, want) && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%.60s: %s, want %s", text, said, want)
		}
	}
}
