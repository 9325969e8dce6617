package awsapi

import (
	"fmt"
	"net/http"

	"github.com/ragscale/ragscale/sandbox/sigv4"
)

const (
	eksCluster   = "aws:eks/cluster:Cluster"
	eksNodeGroup = "aws:eks/nodeGroup:NodeGroup"
)

// eks answers EKS, whose API is REST.
func (s *Server) eks() func(http.ResponseWriter, *http.Request, *sigv4.Signed) {
	return func(w http.ResponseWriter, r *http.Request, caller *sigv4.Signed) {
		c := call{caller: caller, account: s.cfg.Account}
		mux := http.NewServeMux()
		serve := func(pattern string, answer func(r *http.Request) (any, error)) {
			mux.HandleFunc("GET "+pattern, func(w http.ResponseWriter, r *http.Request) {
				body, err := answer(r)
				if err != nil {
					s.fail(w, restJSON{}, err)
					return
				}
				writeJSON(w, http.StatusOK, body)
			})
		}
		serve("/clusters", func(*http.Request) (any, error) { return c.names(eksCluster, "clusters", "name", "") })
		serve("/clusters/{name}", func(r *http.Request) (any, error) { return c.describeCluster(r.PathValue("name")) })
		serve("/clusters/{name}/node-groups", func(r *http.Request) (any, error) {
			return c.names(eksNodeGroup, "nodegroups", "nodeGroupName", r.PathValue("name"))
		})
		mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
			message := fmt.Sprintf("of eks the sandbox answers ListClusters, DescribeCluster and ListNodegroups, not %s %s", r.Method, r.URL.Path)
			restJSON{}.refuse(w, unknown(restJSON{}, message))
		})
		mux.ServeHTTP(w, r)
	}
}

// names lists the names of resources, those of one cluster where it is given.
func (c call) names(token, list, property, cluster string) (any, error) {
	if cluster != "" {
		if _, err := c.cluster(cluster); err != nil {
			return nil, err
		}
	}
	all, err := c.list(token, property, func(r Resource) bool { return cluster == "" || r.str("clusterName") == cluster })
	names := []string{}
	for _, r := range all {
		names = append(names, r.str(property))
	}
	return map[string]any{list: names}, err
}

func (c call) cluster(name string) (Resource, error) {
	all, err := c.list(eksCluster, "name", named("name", name))
	if err == nil && len(all) == 0 {
		err = refused(http.StatusNotFound, "ResourceNotFoundException", "No cluster found for name: %s.", name)
	}
	if err != nil {
		return Resource{}, err
	}
	return all[0], nil
}

func (c call) describeCluster(name string) (any, error) {
	r, err := c.cluster(name)
	if err != nil {
		return nil, err
	}
	status := "ACTIVE"
	if !r.Ready {
		status = "CREATING"
	}
	out := map[string]any{"status": status, "tags": r.texts("tagsAll"), "logging": r.clusterLogging()}
	for member, path := range map[string]string{
		"name": "name", "arn": "arn", "version": "version", "endpoint": "endpoint", "roleArn": "roleArn", "platformVersion": "platformVersion",
		"resourcesVpcConfig": "vpcConfig", "kubernetesNetworkConfig": "kubernetesNetworkConfig", "certificateAuthority": "certificateAuthority",
		"accessConfig": "accessConfig", "upgradePolicy": "upgradePolicy", "deletionProtection": "deletionProtection",
	} {
		if v := at(r.State, path); v != nil {
			out[member] = v
		}
	}
	if issuer := r.str("identities.0.oidcs.0.issuer"); issuer != "" {
		out["identity"] = map[string]any{"oidc": map[string]any{"issuer": issuer}}
	}
	return map[string]any{"cluster": out}, nil
}

func (r Resource) clusterLogging() any {
	types := r.strings("enabledClusterLogTypes")
	if len(types) == 0 {
		return map[string]any{"clusterLogging": []any{}}
	}
	return map[string]any{"clusterLogging": []any{map[string]any{"types": types, "enabled": true}}}
}
