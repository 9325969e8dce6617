package props

import "github.com/pulumi/pulumi/sdk/v3/go/common/resource"

// Project gives what was set the values it has now. What only now has, computed by the cloud inside a nested block, is
// left out: it is no input. What now lacks is left out too, and that is a difference.
func Project(set, now resource.PropertyValue) resource.PropertyValue {
	switch {
	case set.IsSecret() && now.IsSecret():
		return resource.MakeSecret(Project(set.SecretValue().Element, now.SecretValue().Element))
	case set.IsObject() && now.IsObject():
		out := resource.PropertyMap{}
		for k, s := range set.ObjectValue() {
			if n, ok := now.ObjectValue()[k]; ok {
				out[k] = Project(s, n)
			}
		}
		return resource.NewObjectProperty(out)
	case set.IsArray() && now.IsArray() && len(set.ArrayValue()) == len(now.ArrayValue()):
		out := make([]resource.PropertyValue, len(set.ArrayValue()))
		for i, s := range set.ArrayValue() {
			out[i] = Project(s, now.ArrayValue()[i])
		}
		return resource.NewArrayProperty(out)
	}
	return now
}
