package pgbouncer

import (
	"bytes"
	"crypto/pbkdf2"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"text/template"

	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// Folders and files of the pod.
const (
	configFolder = "/etc/pgbouncer"
	configFile   = "pgbouncer.ini"
	usersFolder  = "/etc/pgbouncer-users"
	usersFile    = "userlist.txt"
	caFolder     = "/etc/pgbouncer-ca"
	caFile       = "ca.pem"

	// exporterKey of the Secret has the address at which the exporter reaches PgBouncer's console.
	exporterKey = "exporter-connection"
	// statsUser may read PgBouncer's statistics, and is unknown to PostgreSQL.
	statsUser = "pgbouncer_stats"
)

// Settings and their meanings: https://www.pgbouncer.org/config.html (1.25) ; read 2026-11-24.
//
//go:embed pgbouncer.ini.tmpl
var iniText string

var iniTemplate = template.Must(template.New(configFile).Parse(iniText))

// iniValues fill the template.
type iniValues struct {
	Name, ReadOnlyName     string
	Primary, ReadOnlyHosts string // the latter separated by commas
	SeveralReaders         bool
	ServerPort, Port       int
	ReadWrite, ReadOnly    int
	MaxClientConnections   int
	QueryWaitSeconds       int
	ConnectSeconds         float64
	UserListFile, CAFile   string
	StatsUser              string
}

// ini is the configuration file. It has no secret.
func (d *declaration) ini() pulumi.StringOutput {
	db := d.args.Database
	readers := db.ReplicaHosts
	if len(readers) == 0 {
		readers = pulumi.StringArray{db.Host}
	}
	return pulumi.All(db.Name, db.Host, readers, db.Port).ApplyT(func(v []any) (string, error) {
		name, hosts, port := v[0].(string), v[2].([]string), v[3].(int)
		return renderINI(iniValues{
			Name: name, ReadOnlyName: name + ReadOnlySuffix,
			Primary: v[1].(string), ReadOnlyHosts: strings.Join(hosts, ","), SeveralReaders: len(hosts) > 1,
			ServerPort: port, Port: Port,
			ReadWrite: d.args.Pools.ReadWrite, ReadOnly: d.args.Pools.ReadOnly,
			MaxClientConnections: d.args.Pools.MaxClientConnections,
			QueryWaitSeconds:     d.args.QueryWaitSeconds,
			ConnectSeconds:       float64(d.args.QueryWaitSeconds) / 2,
			UserListFile:         usersFolder + "/" + usersFile, CAFile: caFolder + "/" + caFile,
			StatsUser: statsUser,
		})
	}).(pulumi.StringOutput)
}

func renderINI(v iniValues) (string, error) {
	var text bytes.Buffer
	if err := iniTemplate.Execute(&text, v); err != nil {
		return "", fmt.Errorf("%s: %w", configFile, err)
	}
	return text.String(), nil
}

func (d *declaration) configMap() (*corev1.ConfigMap, error) {
	config, err := corev1.NewConfigMap(d.ctx, d.name+"-pgbouncer", &corev1.ConfigMapArgs{
		Metadata: d.metadata(),
		Data:     pulumi.StringMap{configFile: d.ini()},
	}, d.parent)
	if err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	return config, nil
}

// users is what the Secret holds, by key. It is secret as a whole. The password stands in clear in the user list:
// PgBouncer needs it to log in to the servers.
func (d *declaration) users() pulumi.StringMapOutput {
	db := d.args.Database
	password := pulumi.ToSecret(db.Password.ToStringOutput()).(pulumi.StringOutput)
	return pulumi.All(db.User, password).ApplyT(func(v []any) (map[string]string, error) {
		user, password := v[0].(string), v[1].(string)
		stats, err := derive(password, typeToken+"/"+statsUser)
		if err != nil {
			return nil, err
		}
		return map[string]string{
			usersFile:   userLine(user, password) + userLine(statsUser, stats),
			exporterKey: fmt.Sprintf("postgres://%s:%s@127.0.0.1:%d/pgbouncer?sslmode=disable", statsUser, stats, Port),
		}, nil
	}).(pulumi.StringMapOutput)
}

// userLine quotes as PgBouncer's user list wants it: a quote is doubled.
func userLine(user, password string) string {
	quote := func(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }
	return quote(user) + " " + quote(password) + "\n"
}

func (d *declaration) secret() (*corev1.Secret, error) {
	data := d.users().ApplyT(func(users map[string]string) map[string]string {
		encoded := make(map[string]string, len(users))
		for key, value := range users {
			encoded[key] = base64.StdEncoding.EncodeToString([]byte(value))
		}
		return encoded
	}).(pulumi.StringMapOutput)
	secret, err := corev1.NewSecret(d.ctx, d.name+"-pgbouncer", &corev1.SecretArgs{
		Metadata: d.metadata(),
		Type:     pulumi.String("Opaque"),
		Data:     data,
	}, d.parent)
	if err != nil {
		return nil, fmt.Errorf("user list: %w", err)
	}
	return secret, nil
}

// digest changes when the configuration or the user list does, and with it the pod template: PgBouncer reads both only
// when it starts.
func (d *declaration) digest() pulumi.StringOutput {
	return pulumi.All(d.ini(), d.users()).ApplyT(func(v []any) (string, error) {
		return derive(v[0].(string)+v[1].(map[string]string)[usersFile], typeToken)
	}).(pulumi.StringOutput)
}

// derivationRounds makes a guess at a password from what is derived of it slow: annotations are readable by all who may
// list pods.
const derivationRounds = 100_000

// derive is 128 bits that tell nothing of the secret, and differ by purpose.
func derive(secret, purpose string) (string, error) {
	sum, err := pbkdf2.Key(sha256.New, secret, []byte(purpose), derivationRounds, 16)
	if err != nil {
		return "", fmt.Errorf("derive %s: %w", purpose, err)
	}
	return hex.EncodeToString(sum), nil
}
