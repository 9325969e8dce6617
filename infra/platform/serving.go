package platform

import (
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/ragscale/ragscale/components/autoscaling"
	"github.com/ragscale/ragscale/components/cdn"
	"github.com/ragscale/ragscale/components/pgbouncer"
	"github.com/ragscale/ragscale/components/ragapi"
	"github.com/ragscale/ragscale/stacks"
)

func (p *platform) apiArgs() ragapi.Args {
	cfg := p.cfg
	vertical := cfg.VerticalPolicies()
	args := ragapi.Args{
		Namespace:         Namespace,
		ClusterName:       p.cluster.Name,
		Region:            cfg.Region,
		DependsOn:         slices.Concat(p.cluster.Ready, p.scaling.Ready),
		Port:              cfg.API.Port,
		MetricsPort:       stacks.MetricsPort,
		Requests:          quantities(cfg.API.Requests.CPU, cfg.API.Requests.Memory),
		Limits:            quantities(cfg.API.Limits.CPU, cfg.API.Limits.Memory),
		HPA:               p.hpa(cfg.SLO.HPA),
		PoolSize:          cfg.APIPoolSize(),
		ReadPoolSize:      cfg.APIReadPoolSize(),
		Worker:            p.worker(),
		SurgePercent:      stacks.SurgePercent,
		DrainSeconds:      cfg.API.DrainSeconds,
		LogLevel:          cfg.API.LogLevel,
		PriorityClassName: autoscaling.ServingPriority,
		ScraperCIDRs:      []string{p.network.CIDR},
		Database:          p.apiDatabase(),
		Cache: &ragapi.Cache{
			Host: p.cache.PrimaryAddress, Port: p.cache.Port, Username: p.cache.Username, Password: p.secrets.CachePassword,
		},
		VectorStore:         &ragapi.VectorStore{URL: p.vectors.URL, Namespace: p.vectors.Namespace, Port: p.vectors.Port},
		VPCID:               p.network.VPCID,
		VPCCIDR:             p.network.CIDR,
		Subnets:             p.network.PublicSubnetIDs,
		NodeSecurityGroupID: p.cluster.SecurityGroupID,
		Internal:            cfg.API.Internal,
		ListenerPort:        cfg.API.ListenerPort,
		CertificateARN:      cfg.API.CertificateARN,
		IngressCIDRs:        cfg.API.IngressCIDRs,
		FromEdge:            cfg.API.Internal && cfg.CDN.Enabled,
		FromNodes:           cfg.API.Internal, // a public one answers them at its public addresses, as anybody
		DeletionProtection:  cfg.Cluster.DeletionProtection,
		Tags:                cfg.ResourceTags(),
	}
	args.VerticalAutoscaling.API, args.VerticalAutoscaling.Worker = verticalOf(vertical.API), verticalOf(vertical.Worker)
	if a := cfg.API.Auth; a.Enabled {
		args.Auth = &ragapi.Auth{Issuer: a.Issuer, Audience: a.Audience, JWKSURL: a.JWKSURL, UserClaim: a.UserClaim}
	}
	args.RateLimit = ragapi.RateLimit(cfg.API.RateLimit)
	args.QueryLogRetentionDays, args.Report = cfg.API.QueryLogDays, ragapi.ReportLimits(cfg.DatabaseLimits())
	if cfg.API.Internal {
		args.Subnets = p.network.PrivateSubnetIDs
	}
	if strings.Contains(cfg.API.Image, "/") {
		args.Image = pulumi.String(cfg.API.Image)
	} else {
		args.Tag = cfg.API.Image
	}
	return args
}

// apiDatabase leads requests through PgBouncer. PgBouncer stands in the namespace that the API makes, so it is declared
// after the API and known here by its name alone.
func (p *platform) apiDatabase() ragapi.Database {
	return ragapi.Database{
		Host: p.db.Address, Port: p.db.Port, Name: p.db.Name, User: p.db.Username, Password: p.secrets.DatabasePassword,
		Pooler: &ragapi.Pooler{
			Host: pulumi.String(pgbouncer.HostIn(Namespace)), Port: pulumi.Int(pgbouncer.Port),
			Database: p.db.Name, ReadOnlyDatabase: pulumi.Sprintf("%s%s", p.db.Name, pgbouncer.ReadOnlySuffix),
		},
	}
}

func (p *platform) worker() ragapi.Worker {
	w := p.cfg.API.Worker
	return ragapi.Worker{
		Requests: quantities(w.Requests.CPU, w.Requests.Memory),
		Limits:   quantities(w.Limits.CPU, w.Limits.Memory),
		HPA:      p.hpa(p.cfg.WorkerHPA()),
		PoolSize: p.cfg.WorkerPoolSize(),
	}
}

func verticalOf(v stacks.VerticalPolicy) ragapi.VerticalAutoscaling {
	return ragapi.VerticalAutoscaling{
		Mode: v.Mode, Resources: v.Resources, Min: quantities(v.Min.CPU, v.Min.Memory),
		Max: quantities(v.Max.CPU, v.Max.Memory),
	}
}

// quantities are Kubernetes' words for a container's resources. 0 leaves a resource out.
func quantities(cpu stacks.CPU, memory stacks.Memory) ragapi.Resources {
	var r ragapi.Resources
	if cpu > 0 {
		r.CPU = cpu.String()
	}
	if memory > 0 {
		r.Memory = memory.String()
	}
	return r
}

func (p *platform) hpa(h stacks.HPA) ragapi.HPA {
	return ragapi.HPA{
		Min: h.MinReplicas, Max: h.MaxReplicas, CPUPercent: h.CPUPercent, MemoryPercent: h.MemoryPercent,
		ScaleDown: ragapi.ScaleDown{StabilizationSeconds: p.cfg.ScaleDownStabilizationSeconds(),
			Percent: p.cfg.ScaleDownPercent()},
	}
}

func (p *platform) cdnArgs() cdn.Args {
	c := p.cfg.CDN
	var behaviors []cdn.Behavior
	for _, b := range c.Behaviors {
		behaviors = append(behaviors, cdn.Behavior(b))
	}
	return cdn.Args{
		Global: p.global,
		API: cdn.API{
			LoadBalancerARN: p.api.LoadBalancerARN, DomainName: p.api.LoadBalancerDNSName,
			Private: p.cfg.API.Internal, Port: p.cfg.API.ListenerPort, TLSDomain: c.OriginDomain,
		},
		Aliases:            c.Aliases,
		CertificateARN:     c.CertificateARN,
		PriceClass:         c.PriceClass,
		OriginShieldRegion: c.OriginShieldRegion,
		WebACLARN:          c.WebACLARN,
		Behaviors:          behaviors,
		LogRetentionDays:   c.LogRetentionDays,
		ReadTimeoutSeconds: p.cfg.EdgeReadTimeoutSeconds(),
		DeletionProtection: p.cfg.Cluster.DeletionProtection,
		Tags:               p.cfg.ResourceTags(),
	}
}
