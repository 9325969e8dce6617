package ragapi

import (
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// databaseEnv is the database's coordinates as the image reads them. It is secret as a whole.
func (d *declaration) databaseEnv() pulumi.StringMapOutput {
	db := d.args.Database
	return pulumi.StringMap{
		"DATABASE_HOST":     db.Host,
		"DATABASE_PORT":     pulumi.Sprintf("%d", db.Port),
		"DATABASE_NAME":     db.Name,
		"DATABASE_USER":     db.User,
		"DATABASE_PASSWORD": pulumi.ToSecret(db.Password.ToStringOutput()).(pulumi.StringOutput),
		"DATABASE_SSLMODE":  pulumi.String("verify-full"),
		"DATABASE_CA_FILE":  pulumi.String(db.caFile()),
	}.ToStringMapOutput()
}

func (d *declaration) databaseSecret() (*corev1.Secret, error) {
	data := d.databaseEnv().ApplyT(func(env map[string]string) map[string]string {
		encoded := make(map[string]string, len(env))
		for key, value := range env {
			encoded[key] = base64.StdEncoding.EncodeToString([]byte(value))
		}
		return encoded
	}).(pulumi.StringMapOutput)
	secret, err := corev1.NewSecret(d.ctx, d.name+"-database", &corev1.SecretArgs{
		Metadata: d.metadata(databaseSecretName, ""),
		Type:     pulumi.String("Opaque"),
		Data:     data,
	}, d.parent)
	if err != nil {
		return nil, fmt.Errorf("database secret: %w", err)
	}
	return secret, nil
}

// configDigest changes when the Secret's content does, and with it the pod template: pods read the Secret only when they
// start.
func (d *declaration) configDigest() pulumi.StringOutput {
	return d.databaseEnv().ApplyT(digest).(pulumi.StringOutput)
}

// digestRounds makes a guess at a password from a digest slow: annotations are readable by all who may list pods.
const digestRounds = 100_000

func digest(env map[string]string) (string, error) {
	var content strings.Builder
	for _, key := range slices.Sorted(maps.Keys(env)) {
		fmt.Fprintf(&content, "%s=%q\n", key, env[key])
	}
	sum, err := pbkdf2.Key(sha256.New, content.String(), []byte(typeToken), digestRounds, 8)
	if err != nil {
		return "", fmt.Errorf("digest of the configuration: %w", err)
	}
	return hex.EncodeToString(sum), nil
}
