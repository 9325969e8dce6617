package servicenet

import "k8s.io/apimachinery/pkg/util/intstr"

// bindingSpec is what this package reads of a TargetGroupBinding's spec (elbv2.k8s.aws/v1beta1, AWS Load Balancer
// Controller).
type bindingSpec struct {
	TargetGroupARN string `json:"targetGroupARN"`
	TargetType     string `json:"targetType"`
	ServiceRef     struct {
		Name string             `json:"name"`
		Port intstr.IntOrString `json:"port"`
	} `json:"serviceRef"`
}
