package awsapi

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/schemas"
	"github.com/aws/aws-sdk-go-v2/service/elasticache"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/transport/http/protocol/awsjson"
	"github.com/aws/smithy-go/transport/http/protocol/awsquery"

	"github.com/ragscale/ragscale/sandbox/inside/awsrpc"
	"github.com/ragscale/ragscale/sandbox/inside/s3"
	"github.com/ragscale/ragscale/sandbox/sigv4"
)

const (
	testKey, testSecret = "AKIAEXAMPLEEXAMPLE00", "a-secret"
	testARN             = "arn:aws:iam::123456789012:user/sandbox"
	region              = "eu-central-1"
)

// fakeAccount holds resources by type.
type fakeAccount map[string][]Resource

func (a fakeAccount) List(token string) ([]Resource, error) { return a[token], nil }

func resource(state map[string]any) Resource {
	return Resource{ID: "id", Region: region, Ready: true, State: state}
}

func testKeys(id string) (sigv4.Key, bool) {
	return sigv4.Key{Secret: testSecret, ARN: testARN}, id == testKey
}

// serve runs an endpoint for account and returns what an SDK needs to ask it.
func serve(t *testing.T, account Account) (*Server, aws.Config) {
	t.Helper()
	buckets, err := s3.New(s3.Config{Dir: t.TempDir(), Limit: 64 << 20, Settings: BucketSettings(account), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	s := New(Config{
		S3:      buckets,
		Account: account, Keys: testKeys, Log: slog.New(slog.DiscardHandler),
		Targets: func(string) []Target { return []Target{{"10.77.1.4", 8080, "unhealthy"}} },
	})
	server := httptest.NewTLSServer(s)
	t.Cleanup(server.Close)
	return s, aws.Config{
		Region: region, BaseEndpoint: aws.String(server.URL), Credentials: credentials.NewStaticCredentialsProvider(testKey, testSecret, ""),
		HTTPClient: &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: certificates(server)}}},
		Retryer:    func() aws.Retryer { return aws.NopRetryer{} },
	}
}

func wantCode(t *testing.T, err error, code string) {
	t.Helper()
	var got smithy.APIError
	if !errors.As(err, &got) || got.ErrorCode() != code {
		t.Errorf("got %v, want %s", err, code)
	}
}

func databases() fakeAccount {
	elsewhere := resource(map[string]any{"identifier": "far"})
	elsewhere.Region = "us-east-1"
	return fakeAccount{dbInstance: {
		resource(map[string]any{"identifier": "b", "replicateSourceDb": "arn:a", "multiAz": true}), elsewhere,
		resource(map[string]any{
			"identifier": "a", "arn": "arn:a", "engine": "postgres", "allocatedStorage": 20.0, "address": "a.rds", "port": 5432.0, "username": "<&>",
			"tagsAll": map[string]any{"stack": "local"}, "vpcSecurityGroupIds": []any{"sg-1", "sg-2"},
		}),
	}}
}

func TestDatabasesAreDescribed(t *testing.T) {
	_, cfg := serve(t, databases())
	got, err := rds.NewFromConfig(cfg).DescribeDBInstances(context.Background(), &rds.DescribeDBInstancesInput{})
	if err != nil || len(got.DBInstances) != 2 {
		t.Fatal(got, err)
	}
	a, b := got.DBInstances[0], got.DBInstances[1]
	if aws.ToString(a.MasterUsername) != "<&>" || aws.ToInt32(a.AllocatedStorage) != 20 || aws.ToString(a.Endpoint.Address) != "a.rds" ||
		aws.ToInt32(a.Endpoint.Port) != 5432 || len(a.VpcSecurityGroups) != 2 || len(a.TagList) != 1 || a.ReadReplicaDBInstanceIdentifiers[0] != "b" {
		t.Errorf("the source: %+v", a)
	}
	if aws.ToString(b.ReadReplicaSourceDBInstanceIdentifier) != "a" || aws.ToString(b.Engine) != "postgres" || !aws.ToBool(b.MultiAZ) {
		t.Errorf("the replica: %+v", b)
	}
}

func TestPagesFollowEachOther(t *testing.T) {
	_, cfg := serve(t, databases())
	client, names := rds.NewFromConfig(cfg), []string{}
	pages := rds.NewDescribeDBInstancesPaginator(client, &rds.DescribeDBInstancesInput{MaxRecords: aws.Int32(1)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, aws.ToString(page.DBInstances[0].DBInstanceIdentifier))
	}
	if strings.Join(names, " ") != "a b" {
		t.Errorf("got %v", names)
	}
	_, err := client.DescribeDBInstances(context.Background(), &rds.DescribeDBInstancesInput{Marker: aws.String("x")})
	wantCode(t, err, "InvalidParameterValue")
}

func TestWhatIsNotThereIsAnErrorOfTheService(t *testing.T) {
	_, cfg := serve(t, fakeAccount{})
	_, err := rds.NewFromConfig(cfg).DescribeDBInstances(context.Background(), &rds.DescribeDBInstancesInput{DBInstanceIdentifier: aws.String("x")})
	wantCode(t, err, "DBInstanceNotFound")
	_, err = elasticache.NewFromConfig(cfg).DescribeReplicationGroups(context.Background(),
		&elasticache.DescribeReplicationGroupsInput{ReplicationGroupId: aws.String("x")})
	wantCode(t, err, "ReplicationGroupNotFoundFault")
}

func TestUnknownCallsAreRefusedInTheServicesWords(t *testing.T) {
	_, cfg := serve(t, fakeAccount{})
	_, err := rds.NewFromConfig(cfg).DescribeDBClusters(context.Background(), &rds.DescribeDBClustersInput{})
	wantCode(t, err, "InvalidAction")
	if err == nil || !strings.Contains(err.Error(), "of rds the sandbox answers DescribeDBInstances") {
		t.Errorf("got %v", err)
	}
}

func TestReplicationGroupsAreDescribed(t *testing.T) {
	_, cfg := serve(t, fakeAccount{replicationGroup: {resource(map[string]any{
		"replicationGroupId": "rag", "memberClusters": []any{"rag-001", "rag-002"}, "primaryEndpointAddress": "master.rag", "port": 6379.0,
		"automaticFailoverEnabled": true, "authToken": "",
	})}})
	got, err := elasticache.NewFromConfig(cfg).DescribeReplicationGroups(context.Background(), &elasticache.DescribeReplicationGroupsInput{})
	if err != nil || len(got.ReplicationGroups) != 1 {
		t.Fatal(got, err)
	}
	g := got.ReplicationGroups[0]
	node := g.NodeGroups[0]
	if g.AutomaticFailover != "enabled" || !aws.ToBool(g.AuthTokenEnabled) || aws.ToString(node.PrimaryEndpoint.Address) != "master.rag" ||
		aws.ToString(node.NodeGroupMembers[1].CurrentRole) != "replica" {
		t.Errorf("got %+v", g)
	}
}

func TestAWrongSecretIsRefusedByEachProtocol(t *testing.T) {
	_, cfg := serve(t, fakeAccount{})
	cfg.Credentials = credentials.NewStaticCredentialsProvider(testKey, "another", "")
	_, err := rds.NewFromConfig(cfg).DescribeDBInstances(context.Background(), &rds.DescribeDBInstancesInput{})
	wantCode(t, err, "SignatureDoesNotMatch")
	cfg.Credentials = credentials.NewStaticCredentialsProvider("AKIAX", testSecret, "")
	_, err = rds.NewFromConfig(cfg).DescribeDBInstances(context.Background(), &rds.DescribeDBInstancesInput{})
	wantCode(t, err, "InvalidClientTokenId")
}

// ask sends a signed request to a REST or query service, and returns status, error type and body.
func ask(t *testing.T, s *Server, service, method, target, form string) (int, string, string) {
	t.Helper()
	r := httptest.NewRequest(method, "https://h"+target, strings.NewReader(form))
	if form != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if service != "" {
		signRequest(t, r, service, form)
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w.Code, w.Header().Get("X-Amzn-Errortype"), w.Body.String()
}

func TestClustersAreDescribed(t *testing.T) {
	cluster := resource(map[string]any{"name": "rag", "version": "1.36", "vpcConfig": map[string]any{"subnetIds": []any{"s"}}})
	s, _ := serve(t, fakeAccount{eksCluster: {cluster}, eksNodeGroup: {resource(map[string]any{"clusterName": "rag", "nodeGroupName": "api"})}})
	for target, want := range map[string]string{
		"/clusters": `{"clusters":["rag"]}`, "/clusters/rag/node-groups": `{"nodegroups":["api"]}`, "/clusters/rag": `"resourcesVpcConfig":{"subnetIds":["s"]}`,
	} {
		if code, _, body := ask(t, s, "eks", "GET", target, ""); code != 200 || !strings.Contains(body, want) {
			t.Errorf("%s: %d %s", target, code, body)
		}
	}
	for _, c := range []struct {
		service, method, target, want string
		code                          int
	}{
		{"eks", "GET", "/clusters/x", "ResourceNotFoundException", 404},
		{"eks", "GET", "/clusters/x/node-groups", "ResourceNotFoundException", 404},
		{"eks", "DELETE", "/clusters/rag", "UnknownOperationException", 404},
		{"eks", "GET", "/addons/supported-versions", "UnknownOperationException", 404},
		{"", "GET", "/clusters", "MissingAuthenticationTokenException", 403},
	} {
		if code, kind, body := ask(t, s, c.service, c.method, c.target, ""); code != c.code || kind != c.want {
			t.Errorf("%s %s: %d %s %s, want %d %s", c.method, c.target, code, kind, body, c.code, c.want)
		}
	}
}

func TestLoadBalancersAreDescribed(t *testing.T) {
	s, _ := serve(t, fakeAccount{
		loadBalancer: {resource(map[string]any{"name": "api", "arn": "arn:lb", "internal": true, "subnets": []any{"id"}})},
		targetGroup:  {resource(map[string]any{"name": "tg", "arn": "arn:tg", "healthCheck": map[string]any{"path": "/readyz"}})},
		listener: {resource(map[string]any{"loadBalancerArn": "arn:lb", "defaultActions": []any{
			map[string]any{"type": "redirect"}, map[string]any{"type": "forward", "targetGroupArn": "arn:tg"}}})},
		"aws:ec2/subnet:Subnet": {resource(map[string]any{"availabilityZone": "eu-central-1b", "vpcId": "vpc-1"})},
	})
	for form, want := range map[string]string{
		"Action=DescribeLoadBalancers":                                       "<ZoneName>eu-central-1b</ZoneName>",
		"Action=DescribeLoadBalancers&Names.member.1=api":                    "<VpcId>vpc-1</VpcId>",
		"Action=DescribeLoadBalancers&Names.member.1=x":                      "<Code>LoadBalancerNotFound</Code>",
		"Action=DescribeTargetGroups&LoadBalancerArn=arn:lb":                 "<LoadBalancerArns><member>arn:lb</member></LoadBalancerArns>",
		"Action=DescribeTargetGroups&TargetGroupArns.member.1=arn:x":         "<Code>TargetGroupNotFound</Code>",
		"Action=DescribeTargetHealth&TargetGroupArn=arn:tg":                  "<State>unhealthy</State><Reason>Target.FailedHealthChecks</Reason>",
		"Action=DescribeTargetHealth&TargetGroupArn=arn:x":                   "<Code>TargetGroupNotFound</Code>",
		"Action=DescribeTargetHealth":                                        "<Code>TargetGroupNotFound</Code>",
		"Action=DescribeLoadBalancers&LoadBalancerArns.member.1=arn%3Alb%3C": "arn:lb&lt;",
	} {
		if _, _, body := ask(t, s, "elasticloadbalancing", "POST", "/", form); !strings.Contains(body, want) {
			t.Errorf("%s: %s, want %s", form, body, want)
		}
	}
}

func TestMountedServicesGetWhatIsSigned(t *testing.T) {
	s, _ := serve(t, fakeAccount{})
	s.Mount("aps", "/workspaces/", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		_, _ = w.Write(append([]byte("got "), body...)) // a recorder takes everything
	}))
	if code, _, body := ask(t, s, "aps", "POST", "/workspaces/ws-1/api/v1/query", "query=up"); code != 200 || body != "got query=up" {
		t.Errorf("%d %s", code, body)
	}
	if code, kind, _ := ask(t, s, "", "GET", "/workspaces/ws-1/api/v1/query?query=up", ""); code != 403 || kind != "MissingAuthenticationTokenException" {
		t.Errorf("without a signature: %d %s", code, kind)
	}
}

func TestAnRPCServiceIsAskedWithAGoodSignatureAloneInEveryProtocol(t *testing.T) {
	s, cfg := serve(t, fakeAccount{})
	s.MountRPC("monitoring", &awsrpc.Service{
		Name: "monitoring", Shape: "GraniteServiceVersion20100801", Namespace: "http://monitoring.amazonaws.com/doc/2010-08-01/", Log: slog.New(slog.DiscardHandler),
		Actions: map[string]awsrpc.Action{"ListMetrics": func(c awsrpc.Call) (any, error) {
			return struct{ NextToken string }{c.Region + " " + c.Account}, nil
		}},
	})
	for name, speak := range map[string]func(*cloudwatch.Options){
		"CBOR":  func(*cloudwatch.Options) {},
		"JSON":  func(o *cloudwatch.Options) { o.Protocol = awsjson.New10(schemas.GraniteServiceVersion20100801) },
		"query": func(o *cloudwatch.Options) { o.Protocol = awsquery.New(schemas.GraniteServiceVersion20100801) },
	} {
		got, err := cloudwatch.NewFromConfig(cfg).ListMetrics(context.Background(), &cloudwatch.ListMetricsInput{}, speak)
		if err != nil || aws.ToString(got.NextToken) != region+" 123456789012" {
			t.Errorf("%s: %+v %v", name, got, err)
		}
		other := cfg.Copy()
		other.Credentials = credentials.NewStaticCredentialsProvider(testKey, "another", "")
		_, err = cloudwatch.NewFromConfig(other).ListMetrics(context.Background(), &cloudwatch.ListMetricsInput{}, speak)
		wantCode(t, err, "SignatureDoesNotMatch")
		other.Credentials = aws.AnonymousCredentials{}
		_, err = cloudwatch.NewFromConfig(other).ListMetrics(context.Background(), &cloudwatch.ListMetricsInput{}, speak)
		if err == nil || !strings.Contains(err.Error(), "MissingAuthenticationToken") {
			t.Errorf("%s without a signature: %v", name, err)
		}
	}
}

func TestHostsAreAWSsOwnEndpointsAlone(t *testing.T) {
	for host, want := range map[string]bool{
		"s3.eu-central-1.amazonaws.com": true, "my.bucket.s3.eu-central-1.amazonaws.com": true, "sts.amazonaws.com": true,
		"aps-workspaces.eu-central-1.amazonaws.com": true, "a.cabc.eu-central-1.rds.amazonaws.com": false,
		"master.rag.f427f8.eu-central-1.cache.amazonaws.com": false, "amazonaws.com": false, "evil-s3.amazonaws.com.example": false,
	} {
		if Hosted(host) != want {
			t.Errorf("%s: %t", host, !want)
		}
	}
}
