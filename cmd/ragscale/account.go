package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/ragscale/ragscale/sandbox/ekstoken"
	"github.com/ragscale/ragscale/sandbox/layout"
	"github.com/ragscale/ragscale/stacks"
)

// account asks AWS about a stack with the credentials of the environment; about stack local it asks the sandbox.
func (p project) account(ctx context.Context, cfg *stacks.Config) (aws.Config, error) {
	if cfg.Stack == localStack {
		return sandboxAccount(p.layout, cfg.Region)
	}
	patience := config.WithHTTPClient(awshttp.NewBuildableClient().WithTimeout(askLimit))
	account, err := config.LoadDefaultConfig(ctx, config.WithRegion(cfg.Region), patience)
	if err != nil {
		return aws.Config{}, fmt.Errorf("AWS credentials: %w", err)
	}
	return account, nil
}

// sandboxAccount asks as the owner of a sandbox, and trusts its authority alone.
func sandboxAccount(l layout.Layout, region string) (aws.Config, error) {
	creds, err := ekstoken.Load(l)
	if err != nil {
		return aws.Config{}, err
	}
	authority, err := os.ReadFile(l.CA())
	if err != nil {
		return aws.Config{}, err
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(authority)
	return aws.Config{
		Region:       region,
		BaseEndpoint: aws.String("https://" + l.HostAddr(layout.PortAWS)),
		Credentials:  credentials.NewStaticCredentialsProvider(creds.AccessKeyID, creds.SecretAccessKey, ""),
		HTTPClient:   &http.Client{Timeout: askLimit, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}},
	}, nil
}

// output is one of a stack's outputs: of any stack, wherever its state is.
func (p project) output(ctx context.Context, stack, name string) (string, error) {
	if stack != localStack {
		return stackOutput(ctx, stack, name)
	}
	s, err := p.open(ctx, stack)
	if err != nil {
		return "", err
	}
	outputs, err := s.Outputs(ctx)
	if err != nil {
		return "", engineError("outputs", err)
	}
	text, ok := outputs[name].Value.(string)
	if !ok {
		return "", fmt.Errorf("stack local is not up: it has no output %s, want `make up` first", name)
	}
	return text, nil
}
