package inventory

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/archive"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/asset"

	"github.com/ragscale/ragscale/sandbox/atomicfile"
	"github.com/ragscale/ragscale/sandbox/plugins/aws/props"
)

// Markers of values that JSON has no form for.
const (
	sealedKey  = "$sealed"  // base64 of nonce and AES-256-GCM ciphertext of the value's JSON
	assetKey   = "$asset"   // the asset's serialised form
	archiveKey = "$archive" // the archive's serialised form
)

// sealer turns property values into JSON values and back; secret ones are encrypted.
type sealer struct {
	aead cipher.AEAD
}

func openSealer(path string) (sealer, error) {
	key, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		key = make([]byte, 32)
		if _, err := rand.Read(key); err != nil {
			return sealer{}, err
		}
		err = atomicfile.Write(path, key, 0o600)
	}
	if err != nil {
		return sealer{}, fmt.Errorf("inventory key: %w", err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return sealer{}, fmt.Errorf("inventory key %s: %w", path, err)
	}
	aead, err := cipher.NewGCM(block)
	return sealer{aead: aead}, err
}

func (s sealer) encodeMap(m resource.PropertyMap) (map[string]any, error) {
	out := make(map[string]any, len(m))
	for k, v := range m {
		e, err := s.encode(v)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", k, err)
		}
		out[string(k)] = e
	}
	return out, nil
}

func (s sealer) encode(v resource.PropertyValue) (any, error) {
	secret := v.ContainsSecrets() && (v.IsSecret() || v.IsOutput())
	v, known := props.Plain(v)
	if !known {
		return nil, errors.New("the value is not known")
	}
	e, err := s.encodePlain(v)
	if err != nil || !secret {
		return e, err
	}
	raw, err := json.Marshal(e)
	if err != nil {
		return nil, err
	}
	nonce := make([]byte, s.aead.NonceSize())
	if _, err := rand.Read(nonce); err != nil {
		return nil, err
	}
	return map[string]any{sealedKey: base64.StdEncoding.EncodeToString(s.aead.Seal(nonce, nonce, raw, nil))}, nil
}

func (s sealer) encodePlain(v resource.PropertyValue) (any, error) {
	switch {
	case v.IsNull(), v.IsBool(), v.IsNumber(), v.IsString():
		return v.V, nil
	case v.IsArray():
		out := make([]any, len(v.ArrayValue()))
		for i, e := range v.ArrayValue() {
			var err error
			if out[i], err = s.encode(e); err != nil {
				return nil, fmt.Errorf("[%d]: %w", i, err)
			}
		}
		return out, nil
	case v.IsObject():
		return s.encodeMap(v.ObjectValue())
	case v.IsAsset():
		return map[string]any{assetKey: v.AssetValue().Serialize()}, nil
	case v.IsArchive():
		return map[string]any{archiveKey: v.ArchiveValue().Serialize()}, nil
	}
	return nil, fmt.Errorf("a %s cannot be kept", v.TypeString())
}

func (s sealer) decodeMap(m map[string]any) (resource.PropertyMap, error) {
	out := make(resource.PropertyMap, len(m))
	for k, e := range m {
		v, err := s.decode(e)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", k, err)
		}
		out[resource.PropertyKey(k)] = v
	}
	return out, nil
}

func (s sealer) decode(e any) (resource.PropertyValue, error) {
	switch e := e.(type) {
	case []any:
		out := make([]resource.PropertyValue, len(e))
		for i := range e {
			var err error
			if out[i], err = s.decode(e[i]); err != nil {
				return resource.PropertyValue{}, fmt.Errorf("[%d]: %w", i, err)
			}
		}
		return resource.NewArrayProperty(out), nil
	case map[string]any:
		return s.decodeObject(e)
	}
	return resource.NewPropertyValue(e), nil
}

func (s sealer) decodeObject(e map[string]any) (resource.PropertyValue, error) {
	if text, ok := e[sealedKey].(string); ok {
		return s.open(text)
	}
	if fields, ok := e[assetKey].(map[string]any); ok {
		a, isAsset, err := asset.Deserialize(fields)
		if err == nil && !isAsset {
			err = errors.New("is no asset")
		}
		return resource.NewAssetProperty(a), err
	}
	if fields, ok := e[archiveKey].(map[string]any); ok {
		a, isArchive, err := archive.Deserialize(fields)
		if err == nil && !isArchive {
			err = errors.New("is no archive")
		}
		return resource.NewArchiveProperty(a), err
	}
	m, err := s.decodeMap(e)
	return resource.NewObjectProperty(m), err
}

func (s sealer) open(text string) (resource.PropertyValue, error) {
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(raw) < s.aead.NonceSize() {
		return resource.PropertyValue{}, errors.New("the sealed value is damaged")
	}
	n := s.aead.NonceSize()
	clear, err := s.aead.Open(nil, raw[:n], raw[n:], nil)
	if err != nil {
		return resource.PropertyValue{}, errors.New("the sealed value does not open with this inventory's key")
	}
	var e any
	if err := json.Unmarshal(clear, &e); err != nil {
		return resource.PropertyValue{}, err
	}
	v, err := s.decode(e)
	return resource.MakeSecret(v), err
}
