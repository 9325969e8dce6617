package catalogue

// CloudFront's own policies, whose ids are the same in every account.
// Source: https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-cache-policies.html ,
// using-managed-origin-request-policies.html and using-managed-response-headers-policies.html ; read 2026-11-24.
const (
	CachingDisabled           = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
	CachingOptimized          = "658327ea-f89d-4fab-a63d-7e88639e58f6"
	AllViewerExceptHostHeader = "b689b0a8-53d0-40ab-baf2-68738e2966ac"
	SecurityHeaders           = "67f7725c-6f97-4210-82d7-5512b31e9d03"
)

// CloudFrontPolicies are the ids of CloudFront's own policies by name, as far as they are known here. To settle:
// `aws cloudfront list-cache-policies --type managed` and its siblings. Source: as the ids'; read 2026-11-24.
var CloudFrontPolicies = map[string]string{
	"Managed-CachingDisabled":           CachingDisabled,
	"Managed-CachingOptimized":          CachingOptimized,
	"Managed-AllViewerExceptHostHeader": AllViewerExceptHostHeader,
	"Managed-SecurityHeadersPolicy":     SecurityHeaders,
}

// managedPolicies begins the ARN of a policy that AWS keeps.
// Source: https://docs.aws.amazon.com/aws-managed-policy/latest/reference/about-managed-policy-reference.html ; read
// 2026-11-23.
const managedPolicies = "arn:aws:iam::aws:policy/"

// IAM policies that AWS keeps, by what is granted.
// Source: https://docs.aws.amazon.com/aws-managed-policy/latest/reference/policy-list.html ; read 2026-11-23.
const (
	EKSClusterPolicy         = managedPolicies + "AmazonEKSClusterPolicy"
	EKSWorkerNodePolicy      = managedPolicies + "AmazonEKSWorkerNodePolicy"
	ECRPullPolicy            = managedPolicies + "AmazonEC2ContainerRegistryPullOnly"
	EKSNetworkPolicy         = managedPolicies + "AmazonEKS_CNI_Policy"
	EBSDriverPolicy          = managedPolicies + "service-role/AmazonEBSCSIDriverPolicy"
	CloudWatchAgentPolicy    = managedPolicies + "CloudWatchAgentServerPolicy"
	EnhancedMonitoringPolicy = managedPolicies + "service-role/AmazonRDSEnhancedMonitoringRole"
)
