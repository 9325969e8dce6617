package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/google/go-containerregistry/pkg/authn"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/spf13/cobra"

	"github.com/ragscale/ragscale/cmd/ragscale/image"
	"github.com/ragscale/ragscale/stacks"
)

func imageCommand(c console) *cobra.Command {
	root := &cobra.Command{Use: "image", Short: "The API's container image"}
	root.AddCommand(imageBuildCommand(c), imagePushCommand(c))
	return root
}

// imageFlags are what both commands are told; without them the stack's configuration decides.
type imageFlags struct {
	platforms   []string
	tag, bundle string
}

func (f *imageFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringSliceVar(&f.platforms, "platform", nil,
		"platforms, of "+strings.Join(image.Platforms(), " and ")+" (default: that of the stack's nodes)")
	cmd.Flags().StringVar(&f.tag, "tag", "", "tag and version of the image (default: the stack's ragscale:api.image)")
	cmd.Flags().StringVar(&f.bundle, "rds-bundle", "",
		"file with RDS' certificate authorities (default: "+image.AuthoritiesURL+")")
}

// imageBuildCommand prints the layout's name, as other tools take it, and the digest.
func imageBuildCommand(c console) *cobra.Command {
	var flags imageFlags
	var output string
	cmd := stackCommand("build", "Build the image without a container engine and write it as an OCI layout",
		func(ctx context.Context, p project, stack string) error {
			if output == "" {
				return errors.New("--output is not given, want a folder for the layout: empty, an older layout, or none yet")
			}
			cfg, err := p.config(stack)
			if err != nil {
				return err
			}
			o, err := p.imageOptions(ctx, c, cfg, flags)
			if err != nil {
				return err
			}
			index, err := image.Build(ctx, o)
			if err != nil {
				return err
			}
			digest, err := index.Digest()
			if err != nil {
				return err
			}
			if err := image.Write(index, o.Version, output); err != nil {
				return err
			}
			_, err = fmt.Fprintf(c.out, "oci:%s:%s %s\n", output, o.Version, digest)
			return err
		})
	flags.add(cmd)
	cmd.Flags().StringVarP(&output, "output", "o", "", "folder of the layout: empty, an older layout, or none yet")
	return cmd
}

// imagePushCommand prints the image's full reference with its digest.
func imagePushCommand(c console) *cobra.Command {
	var flags imageFlags
	cmd := stackCommand("push", "Build the image and push it to a stack's own repository",
		func(ctx context.Context, p project, stack string) error {
			return p.pushImage(ctx, c, stack, flags)
		})
	cmd.Long = `Builds the API's image for the stack's nodes, without a container engine, and pushes it to the stack's ECR repository under
the tag that the stack's pods ask for. Uses the AWS credentials of the environment and the Pulumi CLI, which knows the
repository from the moment that ` + "`pulumi up`" + ` has made it. A tag means one image for ever: pushing the same again does nothing,
another under the same tag is refused.`
	flags.add(cmd)
	return cmd
}

func (p project) pushImage(ctx context.Context, c console, stack string, flags imageFlags) error {
	cfg, err := p.config(stack)
	if err != nil {
		return err
	}
	if stack == localStack {
		return errors.New("stack local has no registry, its pods run .sandbox/bin/ragapi, which `make build` builds: want " +
			"a stack on AWS, --stack")
	}
	o, err := p.imageOptions(ctx, c, cfg, flags)
	if err != nil {
		return err
	}
	target, err := imageTarget(ctx, stack, cfg.Region, o.Version)
	if err != nil {
		return err
	}
	index, err := image.Build(ctx, o)
	if err != nil {
		return err
	}
	return c.push(ctx, target, index)
}

// push prints the image's full reference, whether it was there already or not.
func (c console) push(ctx context.Context, target image.Target, index v1.ImageIndex) error {
	digest, err := index.Digest()
	if err != nil {
		return err
	}
	c.note("pushing to %s", target.Repository)
	pushed, err := image.Push(ctx, target, index)
	if err != nil {
		return err
	}
	if !pushed {
		c.note("it is there already")
	}
	_, err = fmt.Fprintf(c.out, "%s:%s@%s\n", target.Repository, target.Tag, digest)
	return err
}

// imageOptions are what is built for a stack; nothing has begun when it returns an error, which names every fault.
func (p project) imageOptions(ctx context.Context, c console, cfg *stacks.Config, f imageFlags) (image.Options, error) {
	o := image.Options{Checkout: p.dir, Version: cmp.Or(f.tag, cfg.API.Image), Platforms: f.platforms, Note: c.note}
	if len(o.Platforms) == 0 {
		for _, architecture := range cfg.WorkloadArchitectures() {
			o.Platforms = append(o.Platforms, "linux/"+architecture)
		}
	}
	fault := image.CheckTag(o.Version)
	if f.tag == "" && fault != nil {
		fault = fmt.Errorf("ragscale:api.image is %q, of a repository that is not the stack's own: want a tag, there or as "+
			"--tag", cfg.API.Image)
	}
	bundle, err := image.Authorities(ctx, f.bundle, image.AuthoritiesURL, cfg.Region)
	o.Bundle = bundle
	return o, errors.Join(fault, image.CheckPlatforms(o.Platforms), err)
}

// imageTarget is where the stack's pods pull from.
func imageTarget(ctx context.Context, stack, region, tag string) (image.Target, error) {
	repository, err := imageRepository(ctx, stack)
	if err != nil {
		return image.Target{}, err
	}
	account, err := config.LoadDefaultConfig(ctx, config.WithRegion(region))
	if err != nil {
		return image.Target{}, fmt.Errorf("AWS credentials: %w", err)
	}
	credentials, err := registryCredentials(ctx, ecr.NewFromConfig(account))
	return image.Target{Repository: repository, Tag: tag, Credentials: credentials}, err
}

// imageRepository finds the stack's repository in its state rather than in its outputs: those are there only after
// `up`, which waits for the image.
func imageRepository(ctx context.Context, stack string) (string, error) {
	state, err := pulumiCLI(ctx, "stack", "export", "--stack", stack)
	if err != nil {
		return "", fmt.Errorf("stack %s: %w", stack, err)
	}
	repository, err := stateOutput(bytes.NewReader(state), "aws:ecr/repository:Repository", "repositoryUrl")
	switch {
	case err != nil:
		return "", fmt.Errorf("stack %s: pulumi stack export: %w", stack, err)
	case repository == "":
		return "", fmt.Errorf("stack %s has no image repository yet, want one: `pulumi up --stack %s` makes it early and "+
			"waits for the image", stack, stack)
	}
	return repository, nil
}

// registryCredentials are for the account's own registry, for twelve hours.
func registryCredentials(ctx context.Context, client *ecr.Client) (authn.Authenticator, error) {
	out, err := client.GetAuthorizationToken(ctx, &ecr.GetAuthorizationTokenInput{})
	if err != nil {
		return nil, fmt.Errorf("registry: %w", err)
	}
	if len(out.AuthorizationData) == 0 {
		return nil, errors.New("registry: AWS gave no credentials, want one")
	}
	token, err := base64.StdEncoding.DecodeString(aws.ToString(out.AuthorizationData[0].AuthorizationToken))
	user, password, whole := strings.Cut(string(token), ":")
	if err != nil || !whole {
		return nil, errors.New("registry: the token of AWS cannot be read, want user:password in base64")
	}
	return &authn.Basic{Username: user, Password: password}, nil
}
