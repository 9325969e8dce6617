package profile

import (
	"math"
	"testing"
)

// What a function of ours calls of others is its own, what it calls of ours is not, and all charges are the whole.
func TestTimeIsChargedToTheInnermostFunctionOfOurs(t *testing.T) {
	const a, b = ourModule + "ragapi/a.F", ourModule + "ragapi/b.G"
	root := &Node{Name: "api", Value: 100, Below: []*Node{
		{Name: "net/http.serve", Value: 80, Below: []*Node{
			{Name: a, Value: 70, Below: []*Node{
				{Name: b, Value: 40, Below: []*Node{{Name: "encoding/json.Marshal", Value: 25}}},
				{Name: "runtime.mallocgc", Value: 20},
				{Name: a, Value: 5}, // calls itself
			}},
		}},
		{Name: "runtime.gcBgMarkWorker", Value: 15},
	}}
	all, others := root.Charges()
	if len(all) != 2 || all[0].Name != b || all[0].Value != 40 || all[1].Name != a || all[1].Value != 30 || others.Value != 30 {
		t.Fatalf("%+v, others %+v", all, others)
	}
	sum := others.Share
	for _, c := range all {
		sum += c.Share
	}
	if math.Abs(sum-1) > 1e-9 {
		t.Errorf("charges are %v of the whole", sum)
	}
	for _, none := range []*Node{nil, {Name: "api"}} {
		if all, others := none.Charges(); len(all) != 0 || others.Value != 0 {
			t.Errorf("nothing is charged as %+v, %+v", all, others)
		}
	}
}
