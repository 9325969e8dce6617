package engines

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"github.com/ragscale/ragscale/catalogue/ec2"
	"github.com/ragscale/ragscale/sandbox/control"
	"github.com/ragscale/ragscale/sandbox/plugins/aws/inventory"
	"github.com/ragscale/ragscale/sandbox/plugins/aws/props"
)

func applyCluster(ctx context.Context, e *Engines, r inventory.Resource) (resource.PropertyMap, error) {
	info, err := e.putCluster(ctx, r, "")
	if err != nil {
		return nil, err
	}
	ca := base64.StdEncoding.EncodeToString([]byte(info.CAPEM))
	return resource.PropertyMap{
		"endpoint":             resource.NewStringProperty(info.Endpoint),
		"certificateAuthority": resource.NewObjectProperty(resource.PropertyMap{"data": resource.NewStringProperty(ca)}),
	}, nil
}

// putCluster sends the cluster with all its access entries but those of the resource with id without.
func (e *Engines) putCluster(ctx context.Context, cluster inventory.Resource, without string) (control.ClusterInfo, error) {
	e.cluster.Lock()
	defer e.cluster.Unlock()
	name := props.Str(cluster.State, "name")
	entries, err := e.accessEntries(name, without)
	if err != nil {
		return control.ClusterInfo{}, err
	}
	var info control.ClusterInfo
	in := control.Cluster{Version: props.Str(cluster.State, "version"), AccessEntries: entries}
	return info, e.Sandbox.Put(ctx, control.KindCluster, name, in, &info)
}

// policyGroups are the Kubernetes groups that stand for EKS access policies; the others give no right here.
// Source: https://docs.aws.amazon.com/eks/latest/userguide/access-policy-permissions.html ; read 2026-11-23.
var policyGroups = map[string]string{
	"AmazonEKSClusterAdminPolicy": "system:masters",
	"AmazonEKSAdminPolicy":        "ragscale:admin",
	"AmazonEKSEditPolicy":         "ragscale:edit",
	"AmazonEKSViewPolicy":         "ragscale:view",
}

func (e *Engines) accessEntries(cluster, without string) ([]control.AccessEntry, error) {
	entries, err := e.Store.List(AccessEntry)
	if err != nil {
		return nil, err
	}
	policies, err := e.Store.List(AccessPolicy)
	if err != nil {
		return nil, err
	}
	var out []control.AccessEntry
	for _, r := range entries {
		if props.Str(r.State, "clusterName") != cluster || r.ID == without {
			continue
		}
		principal := props.Str(r.State, "principalArn")
		entry := control.AccessEntry{PrincipalARN: principal, Username: props.Str(r.State, "userName"), Groups: props.Strings(r.State, "kubernetesGroups")}
		for _, p := range policies {
			policy := props.Str(p.State, "policyArn")
			group := policyGroups[policy[strings.LastIndex(policy, "/")+1:]]
			if group != "" && p.ID != without && props.Str(p.State, "clusterName") == cluster && props.Str(p.State, "principalArn") == principal {
				entry.Groups = append(entry.Groups, group)
			}
		}
		out = append(out, entry)
	}
	return out, nil
}

func applyAccess(ctx context.Context, e *Engines, r inventory.Resource) (resource.PropertyMap, error) {
	return nil, e.refreshAccess(ctx, r, "")
}

// removeAccess leaves the entry out. Where the cluster went first, its access entries went with it.
func removeAccess(ctx context.Context, e *Engines, r inventory.Resource) error {
	if err := e.refreshAccess(ctx, r, r.ID); !errors.Is(err, errNone) {
		return err
	}
	return nil
}

func (e *Engines) refreshAccess(ctx context.Context, r inventory.Resource, without string) error {
	cluster, err := e.find(Cluster, "name", props.Str(r.State, "clusterName"))
	if err != nil {
		return err
	}
	_, err = e.putCluster(ctx, cluster, without)
	return err
}

func applyAddon(ctx context.Context, e *Engines, r inventory.Resource) (resource.PropertyMap, error) {
	in := control.Addon{Cluster: props.Str(r.State, "clusterName"), Version: props.Str(r.State, "addonVersion")}
	if props.Str(r.State, "addonName") == cloudWatchAddon {
		monitor, err := autoMonitor(r.Region, props.Str(r.State, "configurationValues"))
		if err != nil {
			return nil, fmt.Errorf("configurationValues: %w", err)
		}
		in.AutoMonitor = monitor
	}
	return nil, e.Sandbox.Put(ctx, control.KindAddon, props.Str(r.State, "addonName"), in, nil)
}

func applyNodeGroup(ctx context.Context, e *Engines, r inventory.Resource) (resource.PropertyMap, error) {
	in, err := e.nodeGroup(r)
	if err != nil {
		return nil, err
	}
	var info control.NodeGroupInfo
	return nil, e.Sandbox.Put(ctx, control.KindNodeGroup, props.Str(r.State, "nodeGroupName"), in, &info)
}

func (e *Engines) nodeGroup(r inventory.Resource) (control.NodeGroup, error) {
	name, err := e.instanceType(r)
	if err != nil {
		return control.NodeGroup{}, err
	}
	instance, err := ec2.Lookup(name)
	if err != nil {
		return control.NodeGroup{}, fmt.Errorf("instanceTypes: %w", err)
	}
	zones, err := e.zones(props.Strings(r.State, "subnetIds"))
	if err != nil {
		return control.NodeGroup{}, err
	}
	room := instance.Allocatable()
	return control.NodeGroup{
		Cluster: props.Str(r.State, "clusterName"), InstanceType: name,
		CPUMilli: room.CPUMilli, MemoryBytes: room.MemoryBytes, MaxPods: int64(room.Pods),
		Zones: zones, CapacityType: props.Str(r.State, "capacityType"), Labels: props.StringMap(r.State, "labels"),
		Taints: taints(r.State), DesiredSize: props.Int(r.State, "scalingConfig.desiredSize", 0),
	}, nil
}

// defaultInstanceType is what EKS takes when neither group nor launch template names a type.
const defaultInstanceType = "t3.medium"

func (e *Engines) instanceType(r inventory.Resource) (string, error) {
	if types := props.Strings(r.State, "instanceTypes"); len(types) > 0 {
		return types[0], nil
	}
	for _, key := range []string{"id", "name"} {
		if value, ok := props.String(r.State, "launchTemplate."+key); ok {
			template, err := e.find(LaunchTemplate, key, value)
			if key == "id" {
				template, err = e.byID(LaunchTemplate, value)
			}
			if err != nil {
				return "", fmt.Errorf("launchTemplate.%s: %w", key, err)
			}
			if t := props.Str(template.State, "instanceType"); t != "" {
				return t, nil
			}
		}
	}
	return defaultInstanceType, nil
}

func (e *Engines) byID(token, id string) (inventory.Resource, error) {
	r, ok, err := e.Store.Get(token, id)
	if err == nil && !ok {
		err = fmt.Errorf("%s %q: %w", token, id, errNone)
	}
	return r, err
}

func (e *Engines) zones(subnets []string) ([]string, error) {
	var zones []string
	for _, id := range subnets {
		subnet, err := e.byID(Subnet, id)
		if err != nil {
			return nil, fmt.Errorf("subnetIds: %w", err)
		}
		zones = append(zones, props.Str(subnet.State, "availabilityZone"))
	}
	return zones, nil
}

var taintEffects = map[string]string{"NO_SCHEDULE": "NoSchedule", "PREFER_NO_SCHEDULE": "PreferNoSchedule", "NO_EXECUTE": "NoExecute"}

func taints(state resource.PropertyMap) []control.Taint {
	var out []control.Taint
	for i := range props.List(state, "taints") {
		at := func(key string) string { return props.Str(state, fmt.Sprintf("taints.%d.%s", i, key)) }
		out = append(out, control.Taint{Key: at("key"), Value: at("value"), Effect: taintEffects[at("effect")]})
	}
	return out
}
