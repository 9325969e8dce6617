package image

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// Target is where an image goes.
type Target struct {
	Repository  string // with its registry: 123456789012.dkr.ecr.eu-central-1.amazonaws.com/prod/agentic-rag-api
	Tag         string
	Credentials authn.Authenticator
}

// Push puts the index into the registry under its tag. A tag never moves: where it stands for the same image already
// nothing is done and pushed is false, where it stands for another one that is an error.
func Push(ctx context.Context, t Target, index v1.ImageIndex) (pushed bool, err error) {
	ref, err := name.NewTag(t.Repository+":"+t.Tag, name.StrictValidation)
	if err != nil {
		return false, err
	}
	digest, err := index.Digest()
	if err != nil {
		return false, err
	}
	options := []remote.Option{remote.WithContext(ctx), remote.WithAuth(t.Credentials)}
	switch there, err := remote.Get(ref, options...); {
	case err == nil && there.Digest == digest:
		return false, nil
	case err == nil:
		return false, taken(ref, there.Digest.String(), digest)
	case status(err) != http.StatusNotFound:
		return false, explain(err, ref, digest)
	}
	if err := remote.WriteIndex(ref, index, options...); err != nil {
		return false, explain(err, ref, digest)
	}
	return true, nil
}

func taken(ref name.Tag, there string, built v1.Hash) error {
	return fmt.Errorf("%s is %s already, built was %s: want another tag, in ragscale:api.image or as --tag", ref,
		there, built)
}

// status is the HTTP status of a registry's refusal, 0 if there was none.
func status(err error) int {
	var refused *transport.Error
	if errors.As(err, &refused) {
		return refused.StatusCode
	}
	return 0
}

// explain says what a registry's refusal asks for.
func explain(err error, ref name.Tag, built v1.Hash) error {
	var refused *transport.Error
	if !errors.As(err, &refused) {
		return fmt.Errorf("%s: %w", ref, err)
	}
	has := func(code transport.ErrorCode) bool {
		return slices.ContainsFunc(refused.Errors, func(d transport.Diagnostic) bool { return d.Code == code })
	}
	switch {
	case has(transport.NameUnknownErrorCode):
		return fmt.Errorf("%s: the registry has no such repository, want the stack's own, which `pulumi up` makes: %w",
			ref, err)
	// ECR's answer where somebody was first. As remembered; to settle: push twice at once
	case has(transport.TagInvalidErrorCode):
		return taken(ref, "another image", built)
	case refused.StatusCode == http.StatusUnauthorized:
		return fmt.Errorf("%s: the registry does not take the credentials, want new ones of an account that may use it: %w",
			ref, err)
	case refused.StatusCode == http.StatusForbidden:
		return fmt.Errorf("%s: pushing is not allowed, want the rights of the AWS policy "+
			"AmazonEC2ContainerRegistryPowerUser on it: %w", ref, err)
	}
	return fmt.Errorf("%s: %w", ref, err)
}
