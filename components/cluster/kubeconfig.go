package cluster

import (
	"fmt"

	"github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"sigs.k8s.io/yaml"
)

// execAPI is the version that every AWS CLI v2 speaks without being asked.
const execAPI = "client.authentication.k8s.io/v1beta1"

// kubeconfig is a secret output: a kubeconfig that has the AWS CLI fetch a token for the reader's identity.
func kubeconfig(region string, name, endpoint, authority pulumi.StringOutput) pulumi.StringOutput {
	text := pulumi.All(name, endpoint, authority).ApplyT(func(known []any) (string, error) {
		var values [3]string
		for i, v := range known {
			s, ok := v.(string)
			if !ok {
				return "", fmt.Errorf("kubeconfig: value %d is a %T, want a string", i, v)
			}
			values[i] = s
		}
		return Kubeconfig(region, values[0], values[1], values[2])
	}).(pulumi.StringOutput)
	return pulumi.ToSecret(text).(pulumi.StringOutput)
}

// Kubeconfig renders the YAML for a cluster: its name, endpoint URL and certificate authority (base64 of PEM).
func Kubeconfig(region, name, endpoint, authority string) (string, error) {
	type object = map[string]any
	out, err := yaml.Marshal(object{
		"apiVersion":      "v1",
		"kind":            "Config",
		"current-context": name,
		"clusters": []object{{"name": name, "cluster": object{
			"server": endpoint, "certificate-authority-data": authority,
		}}},
		"contexts": []object{{"name": name, "context": object{"cluster": name, "user": name}}},
		"users": []object{{"name": name, "user": object{"exec": object{
			"apiVersion": execAPI,
			"command":    "aws",
			"args":       []string{"--region", region, "eks", "get-token", "--cluster-name", name, "--output", "json"},
		}}}},
	})
	if err != nil {
		return "", fmt.Errorf("kubeconfig of cluster %s: %w", name, err)
	}
	return string(out), nil
}

// provider applies objects server-side: several owners of one object (an HPA and a Deployment) then do not fight. It is
// bound to the cluster's ARN, so that a changed kubeconfig updates it and replaces nothing. Data of ConfigMaps and
// Secrets are updated and what they configure rolls by its annotations: by default the provider would delete them
// first, and pods that start meanwhile would lack them. What was changed by hand is taken back, where the provider
// would report a conflict. What makes the endpoint
// reachable comes before it and goes after it.
func (d *declaration) provider(kubeconfig pulumi.StringOutput,
	reachable []pulumi.Resource) (*kubernetes.Provider, error) {
	provider, err := kubernetes.NewProvider(d.ctx, d.name, &kubernetes.ProviderArgs{
		Kubeconfig:             kubeconfig,
		ClusterIdentifier:      d.controlPlane.Arn,
		EnableServerSideApply:  pulumi.Bool(true),
		EnableConfigMapMutable: pulumi.Bool(true),
		EnableSecretMutable:    pulumi.Bool(true),
		EnablePatchForce:       pulumi.Bool(true),
	}, d.parent, pulumi.DependsOn(reachable))
	if err != nil {
		return nil, fmt.Errorf("provider for the cluster: %w", err)
	}
	return provider, nil
}
