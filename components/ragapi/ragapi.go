// Package ragapi declares the workload that the platform serves: the RAG API, its workers, and the way in.
//
// Owns: the namespace and its network policies, the API and worker Deployments with their autoscalers and disruption
// budgets, the CronJobs of the database's upkeep and of the report on it, the Service, the load balancer with its
// target group and security group, the image repository, the pods' AWS identity, and the Secrets with the coordinates
// of the database and the cache.
//
// Does not own: the cluster, the controllers in it (the AWS Load Balancer Controller binds pods to the target group,
// the VPA recommender is a later component), the database and its pooler, the cache, the vector store, certificates,
// DNS names.
//
// The load balancer is declared here, not by an Ingress, so that its address is known before any pod runs.
package ragapi

import (
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/ragscale/ragscale/components/internal/component"
	"github.com/ragscale/ragscale/components/internal/tag"
)

const typeToken = "ragscale:ragapi:API"

// Names of the Kubernetes objects. They are fixed, so that commands and dashboards can name them.
const (
	APIName    = "agentic-rag-api"
	WorkerName = "agentic-rag-worker"
	UpkeepName = "agentic-rag-upkeep"
	ReportName = "agentic-rag-report"

	serviceAccountName = "agentic-rag"
	databaseSecretName = "agentic-rag-database"
	cacheSecretName    = "agentic-rag-cache"
)

// API is the declared workload.
type API struct {
	pulumi.ResourceState

	// URL is where clients reach the API: scheme, host, and the port when it is not the scheme's own.
	URL                   pulumi.StringOutput
	LoadBalancerARN       pulumi.StringOutput
	LoadBalancerDNSName   pulumi.StringOutput
	LoadBalancerARNSuffix pulumi.StringOutput // CloudWatch's dimension LoadBalancer
	TargetGroupARN        pulumi.StringOutput
	TargetGroupARNSuffix  pulumi.StringOutput // CloudWatch's dimension TargetGroup
	// RepositoryURL is where images are pushed, without a tag.
	RepositoryURL pulumi.StringOutput
	// Image that the pods run, a full reference.
	Image     pulumi.StringOutput
	Namespace pulumi.StringOutput
	// DeploymentName of the API, in Namespace.
	DeploymentName pulumi.StringOutput
	// SecurityGroupID of the load balancer.
	SecurityGroupID pulumi.StringOutput
	// RoleARN is what pods may do in AWS.
	RoleARN pulumi.StringOutput
}

// declaration carries what every concern's function needs.
type declaration struct {
	ctx       *pulumi.Context
	name      string
	args      Args
	parent    pulumi.ResourceOption
	namespace pulumi.StringOutput // known once the namespace exists, so that data flow orders what is in it
}

// New declares the API. The Kubernetes provider comes with opts (pulumi.Providers). Faults of args are reported all at
// once, each with its field.
func New(ctx *pulumi.Context, name string, args Args, opts ...pulumi.ResourceOption) (*API, error) {
	if err := validate(name, args); err != nil {
		return nil, err
	}
	api := &API{}
	d := &declaration{ctx: ctx, name: name, args: args, parent: pulumi.Parent(api)}
	return component.Declare(ctx, typeToken, name, api, opts, d.declare, (*API).outputs)
}

func (api *API) outputs() pulumi.Map {
	return pulumi.Map{
		"url":                   api.URL,
		"loadBalancerArn":       api.LoadBalancerARN,
		"loadBalancerDnsName":   api.LoadBalancerDNSName,
		"loadBalancerArnSuffix": api.LoadBalancerARNSuffix,
		"targetGroupArn":        api.TargetGroupARN,
		"targetGroupArnSuffix":  api.TargetGroupARNSuffix,
		"repositoryUrl":         api.RepositoryURL,
		"image":                 api.Image,
		"namespace":             api.Namespace,
		"deploymentName":        api.DeploymentName,
		"securityGroupId":       api.SecurityGroupID,
		"roleArn":               api.RoleARN,
	}
}

func (d *declaration) declare(api *API) error {
	repository, err := d.repository()
	if err != nil {
		return err
	}
	api.RepositoryURL = repository.RepositoryUrl
	front, err := d.loadBalancer()
	if err != nil {
		return err
	}
	api.URL, api.SecurityGroupID = front.url, front.firewall.ID().ToStringOutput()
	api.LoadBalancerDNSName = front.balancer.DnsName
	api.LoadBalancerARN, api.LoadBalancerARNSuffix = front.balancer.Arn, front.balancer.ArnSuffix
	api.TargetGroupARN, api.TargetGroupARNSuffix = front.targets.Arn, front.targets.ArnSuffix

	namespace, err := d.newNamespace()
	if err != nil {
		return err
	}
	d.namespace = namespace.Metadata.Name().Elem()
	api.Namespace = d.namespace
	identity, err := d.identity()
	if err != nil {
		return err
	}
	api.RoleARN = identity.role.Arn
	config, err := d.config()
	if err != nil {
		return err
	}
	policies, err := d.networkPolicies()
	if err != nil {
		return err
	}
	binding, err := d.targetGroupBinding(front)
	if err != nil {
		return err
	}
	pods := podInputs{image: d.image(repository), podConfig: config}
	api.Image = pods.image.ToStringOutput()
	before := append(identity.ready, policies...)
	if err := d.upkeep(pods, before); err != nil {
		return err
	}
	if err := d.report(pods, before); err != nil {
		return err
	}
	return d.deployments(api, pods, before, binding)
}

// deployments declares the API and the workers. They wait for what is decided when a pod is created: its identity and
// its readiness gate are injected then, and without network policies it starts open.
func (d *declaration) deployments(api *API, pods podInputs, before []pulumi.Resource, binding pulumi.Resource) error {
	if _, err := d.deployment(d.workerWorkload(), pods, before); err != nil {
		return err
	}
	deployment, err := d.deployment(d.apiWorkload(), pods, append(before, binding))
	if err != nil {
		return err
	}
	api.DeploymentName = deployment.Metadata.Name().Elem()
	return nil
}

func (d *declaration) tags(suffix string) pulumi.StringMap {
	return tag.Of(d.args.Tags, "ragapi", d.name+suffix)
}
