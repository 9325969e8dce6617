// Package outputs makes up what AWS would answer for a resource: id, ARN, endpoints and the like.
//
// Owns: the table of types (types.txt) and the values made from it. The same URN and generation give the same
// values. Does not own: what real engines answer (package engines) and what is kept (package inventory).
package outputs

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"github.com/ragscale/ragscale/sandbox/plugins/aws/props"
	"github.com/ragscale/ragscale/sandbox/plugins/aws/schema"
)

// Account is the sandbox's AWS account.
const Account = "123456789012"

// Maker makes values for one resource.
type Maker struct {
	Schema     *schema.Schema
	Type       string // token
	URN        resource.URN
	Region     string
	Generation int // 0 for the first resource of the URN, 1 for one made while the first still exists, and so on
	Inputs     resource.PropertyMap
	id         string
}

// NamingOf says how resources of a type get their name. Types outside the table are named by their optional string
// property "name", as the real provider does.
func NamingOf(s *schema.Schema, token string) Naming {
	if spec, ok := table[token]; ok {
		return spec.naming
	}
	if r := s.Resources[token]; r != nil {
		if p, ok := r.Inputs.Get("name"); ok && !p.Required && p.Type.Kind == schema.String {
			return Naming{Property: "name"}
		}
	}
	return Naming{}
}

// Unique returns the properties of which AWS wants the combination once, and whether that holds over all regions.
func Unique(token string) (properties []string, global bool) {
	return table[token].unique, table[token].global
}

// Prefixed is the property that asks AWS for a name with a prefix, for a name property.
func Prefixed(nameProperty string) string {
	switch nameProperty {
	case "identifier":
		return "identifierPrefix"
	case "bucket":
		return "bucketPrefix"
	case "nodeGroupName":
		return "nodeGroupNamePrefix"
	case "keyName":
		return "keyNamePrefix"
	}
	return "namePrefix"
}

// ID is the resource's id.
func (m *Maker) ID() string {
	if m.id == "" {
		template, ok := table[m.Type].templates["id"]
		if !ok {
			kind := m.Type[strings.LastIndex(m.Type, ":")+1:]
			template = strings.ToLower(kind) + "-{hex17}"
		}
		m.id = m.expand("id", template, 0)
	}
	return m.id
}

// ByInputs says whether the id follows from the inputs alone, so that a replacement would have the same one.
func ByInputs(token string) bool {
	t, ok := table[token].templates["id"]
	if arn := table[token].templates["arn"]; t == "{arn}" {
		t = arn
	}
	return ok && !made.MatchString(t)
}

var made = regexp.MustCompile(`\{(hex|HEX|dig)\d+`)

// State is inputs with everything AWS adds: the table's values, then a value of the right type for every other
// output that is no input. With tags, tagsAll also has the provider's default tags.
func (m *Maker) State(defaultTags map[string]string) resource.PropertyMap {
	state := m.Inputs.Copy()
	for k := range state {
		if strings.HasPrefix(string(k), "__") {
			delete(state, k)
		}
	}
	r := m.Schema.Resources[m.Type]
	for _, name := range r.Outputs.Names() {
		key := resource.PropertyKey(name)
		if !props.Absent(state[key]) {
			continue
		}
		p, _ := r.Outputs.Get(name)
		if v, ok := m.value(name, p.Type); ok {
			state[key] = v
		} else if _, isInput := r.Inputs.Get(name); !isInput {
			if v, ok := m.placeholder(name, p.Type); ok {
				state[key] = v
			}
		}
	}
	m.tags(state, r, defaultTags)
	m.nested(state)
	return state
}

func (m *Maker) tags(state resource.PropertyMap, r *schema.Resource, defaults map[string]string) {
	if _, ok := r.Outputs.Get("tagsAll"); !ok {
		return
	}
	all := resource.PropertyMap{}
	for k, v := range defaults {
		all[resource.PropertyKey(k)] = resource.NewStringProperty(v)
	}
	for k, v := range props.Object(m.Inputs, "tags") {
		all[k] = v
	}
	state["tagsAll"] = resource.NewObjectProperty(all)
}

// value is the table's value of a property.
func (m *Maker) value(name string, t schema.Type) (resource.PropertyValue, bool) {
	if prefix := Prefixed(name); name == NamingOf(m.Schema, m.Type).Property && props.Known(m.Inputs, prefix) {
		return resource.NewStringProperty(props.Str(m.Inputs, prefix) + hash(m.seed(name), 26)), true
	}
	template, ok := table[m.Type].templates[name]
	if !ok {
		return resource.PropertyValue{}, false
	}
	text := m.expand(name, template, 0)
	switch t.Kind {
	case schema.Int, schema.Number:
		n, err := strconv.ParseFloat(text, 64)
		return resource.NewNumberProperty(n), err == nil
	case schema.Bool:
		return resource.NewBoolProperty(text == "true"), true
	default:
		return resource.NewStringProperty(text), true
	}
}

// placeholder is a value of the right type for an output that the table does not know. A text names the property, so
// that one wired to the wrong place is recognised.
func (m *Maker) placeholder(name string, t schema.Type) (resource.PropertyValue, bool) {
	switch t.Kind {
	case schema.String:
		return resource.NewStringProperty(name + "-" + hash(m.seed(name), 8)), true
	case schema.Int, schema.Number:
		return resource.NewNumberProperty(0), true
	case schema.Bool:
		return resource.NewBoolProperty(false), true
	case schema.List:
		return resource.NewArrayProperty(nil), true
	case schema.Map:
		return resource.NewObjectProperty(resource.PropertyMap{}), true
	}
	return resource.PropertyValue{}, false
}

var reference = regexp.MustCompile(`\{([a-zA-Z.]+?)(\d*)(?::([a-zA-Z]+))?\}`)

// maxDepth ends templates that refer to each other in a circle.
const maxDepth = 8

func (m *Maker) expand(name, template string, depth int) string {
	if depth > maxDepth {
		return template
	}
	return reference.ReplaceAllStringFunc(template, func(ref string) string {
		g := reference.FindStringSubmatch(ref)
		word, n, arg := g[1], g[2], g[3]
		salt := arg
		if salt == "" {
			salt = name
		}
		switch word {
		case "hex", "HEX", "dig":
			return m.characters(word, n, salt)
		case "tail":
			s := m.property(arg, depth)
			return s[strings.LastIndexAny(s, "/:")+1:]
		case "suffix": // of a load balancer's or listener's ARN: app/name/hash
			_, s, _ := strings.Cut(m.property(arg, depth), "/")
			return s
		default:
			return m.property(word+n, depth)
		}
	})
}

func (m *Maker) characters(word, count, salt string) string {
	n, err := strconv.Atoi(count)
	if err != nil {
		return ""
	}
	seed := m.seed(salt)
	if salt == "account" { // the same for all resources of the account in a region
		seed = Account + m.Region
	}
	switch s := hash(seed, n); word {
	case "HEX":
		return strings.ToUpper(s)
	case "dig":
		return digits(seed, n)
	default:
		return s
	}
}

// prefix is how the host name of a load balancer begins.
func (m *Maker) prefix() string {
	if props.Bool(m.Inputs, "internal", false) {
		return "internal-"
	}
	return ""
}

func (m *Maker) property(name string, depth int) string {
	switch name {
	case "region":
		return m.Region
	case "account":
		return Account
	case "id":
		return m.ID()
	case "internal":
		return m.prefix()
	case "kind": // the ARN's word for a load balancer type
		return arnKind(props.Str(m.Inputs, "loadBalancerType"))
	}
	return m.input(name, depth)
}

// input is a property as it is declared, or as it comes about.
func (m *Maker) input(name string, depth int) string {
	v, known := props.Plain(props.Get(m.Inputs, name))
	switch {
	case known && v.IsString():
		return v.StringValue()
	case known && v.IsNumber():
		return strconv.FormatFloat(v.NumberValue(), 'f', -1, 64)
	}
	if v, ok := m.value(name, schema.Type{Kind: schema.String}); ok && depth <= maxDepth {
		return v.StringValue()
	}
	return ""
}

func arnKind(loadBalancerType string) string {
	switch loadBalancerType {
	case "network":
		return "net"
	case "gateway":
		return "gwy"
	}
	return "app"
}

func (m *Maker) seed(salt string) string {
	return fmt.Sprintf("%s#%d#%s", m.URN, m.Generation, salt)
}

// hash returns n hexadecimal characters, n <= 64.
func hash(seed string, n int) string {
	sum := sha256.Sum256([]byte(seed))
	return hex.EncodeToString(sum[:])[:n]
}

// digits returns n decimal digits without a leading zero, n <= 32.
func digits(seed string, n int) string {
	sum := sha256.Sum256([]byte(seed))
	var b strings.Builder
	for _, c := range sum[:n] {
		b.WriteByte('1' + c%9)
	}
	return b.String()
}

// Suffix is the part that makes a generated name unique: 7 hexadecimal characters, as the real provider appends.
func Suffix(urn resource.URN, generation int) string {
	return hash(fmt.Sprintf("%s#%d#suffix", urn, generation), 7)
}
