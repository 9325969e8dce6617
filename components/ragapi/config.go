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
	env := pulumi.StringMap{
		"DATABASE_HOST":     db.Host,
		"DATABASE_PORT":     pulumi.Sprintf("%d", db.Port),
		"DATABASE_NAME":     db.Name,
		"DATABASE_USER":     db.User,
		"DATABASE_PASSWORD": pulumi.ToSecret(db.Password.ToStringOutput()).(pulumi.StringOutput),
		"DATABASE_SSLMODE":  pulumi.String("verify-full"),
		"DATABASE_CA_FILE":  pulumi.String(db.caFile()),
	}
	if p := db.Pooler; p != nil {
		env["DATABASE_DIRECT_HOST"], env["DATABASE_DIRECT_PORT"], env["DATABASE_DIRECT_NAME"] = env["DATABASE_HOST"],
			env["DATABASE_PORT"], env["DATABASE_NAME"]
		env["DATABASE_DIRECT_SSLMODE"] = env["DATABASE_SSLMODE"]
		env["DATABASE_HOST"], env["DATABASE_PORT"], env["DATABASE_NAME"] = p.Host, pulumi.Sprintf("%d", p.Port), p.Database
		// The way to the pooler stays within the cluster; the pooler's own to the server is verified.
		env["DATABASE_SSLMODE"] = pulumi.String("prefer")
		if p.ReadOnlyDatabase != nil {
			env["DATABASE_READ_NAME"] = p.ReadOnlyDatabase
		}
	}
	return env.ToStringMapOutput()
}

// cacheEnv is the cache's coordinates, secret as a whole.
func (d *declaration) cacheEnv() pulumi.StringMapOutput {
	c := d.args.Cache
	return pulumi.StringMap{
		"CACHE_ADDR":     pulumi.Sprintf("%s:%d", c.Host, c.Port),
		"CACHE_USERNAME": c.Username,
		"CACHE_PASSWORD": pulumi.ToSecret(c.Password.ToStringOutput()).(pulumi.StringOutput),
	}.ToStringMapOutput()
}

// podConfig is what pods take from Secrets.
type podConfig struct {
	secrets []pulumi.StringOutput // names
	// digest changes when a Secret's content does, and with it the pod template: pods read Secrets only when they start.
	digest pulumi.StringOutput
}

// config declares the Secrets: one for the database, one for the cache if there is one.
func (d *declaration) config() (podConfig, error) {
	database, err := d.secret("-database", databaseSecretName, d.databaseEnv())
	if err != nil {
		return podConfig{}, err
	}
	c := podConfig{secrets: []pulumi.StringOutput{database}, digest: d.databaseEnv().ApplyT(digest).(pulumi.StringOutput)}
	if d.args.Cache == nil {
		return c, nil
	}
	cache, err := d.secret("-cache", cacheSecretName, d.cacheEnv())
	if err != nil {
		return podConfig{}, err
	}
	c.secrets = append(c.secrets, cache)
	c.digest = pulumi.All(d.databaseEnv(), d.cacheEnv()).ApplyT(func(v []any) (string, error) {
		all := maps.Clone(v[0].(map[string]string))
		maps.Copy(all, v[1].(map[string]string))
		return digest(all)
	}).(pulumi.StringOutput)
	return c, nil
}

// secret declares a Secret with env and returns its name.
func (d *declaration) secret(suffix, object string, env pulumi.StringMapOutput) (pulumi.StringOutput, error) {
	data := env.ApplyT(func(env map[string]string) map[string]string {
		encoded := make(map[string]string, len(env))
		for key, value := range env {
			encoded[key] = base64.StdEncoding.EncodeToString([]byte(value))
		}
		return encoded
	}).(pulumi.StringMapOutput)
	secret, err := corev1.NewSecret(d.ctx, d.name+suffix, &corev1.SecretArgs{
		Metadata: d.metadata(object, ""),
		Type:     pulumi.String("Opaque"),
		Data:     data,
	}, d.parent)
	if err != nil {
		return pulumi.StringOutput{}, fmt.Errorf("secret %s: %w", object, err)
	}
	return secret.Metadata.Name().Elem(), nil
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
