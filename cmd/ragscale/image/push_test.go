package image

import (
	"encoding/json"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

const password = "hidden-token"

// serveRegistry is one that asks for credentials, as ECR does. before may answer a request in its place.
func serveRegistry(t *testing.T, before func(w http.ResponseWriter, r *http.Request) bool) Target {
	t.Helper()
	inner := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, given, _ := r.BasicAuth(); user != "AWS" || given != password {
			w.Header().Set("WWW-Authenticate", `Basic realm="ecr"`)
			refuse(w, http.StatusUnauthorized, "UNAUTHORIZED", "authentication required")
			return
		}
		if before == nil || !before(w, r) {
			inner.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(server.Close)
	return Target{
		Repository: strings.TrimPrefix(server.URL, "http://") + "/prod/agentic-rag-api", Tag: "0.1.0",
		Credentials: &authn.Basic{Username: "AWS", Password: password},
	}
}

func refuse(w http.ResponseWriter, status int, code, message string) {
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(map[string]any{"errors": []map[string]string{{"code": code, "message": message}}}); err != nil {
		panic(err)
	}
}

func randomIndex(t *testing.T) v1.ImageIndex {
	t.Helper()
	index, err := random.Index(2000, 2, 2)
	if err != nil {
		t.Fatal(err)
	}
	return index
}

func TestAPushedImageIsThereWithEveryPlatform(t *testing.T) {
	target, index := serveRegistry(t, nil), buildStandIn(t, Options{Checkout: standIn(t), Version: "0.1.0", Platforms: []string{thisPlatform}})
	if pushed, err := Push(t.Context(), target, index); err != nil || !pushed {
		t.Fatalf("pushed %t (%v)", pushed, err)
	}
	ref, err := name.NewTag(target.Repository + ":0.1.0")
	if err != nil {
		t.Fatal(err)
	}
	there, err := remote.Get(ref, remote.WithAuth(target.Credentials))
	if err != nil || there.MediaType != types.OCIImageIndex || there.Digest.String() != digest(t, index) {
		t.Fatalf("there is %+v (%v), want the index %s", there, err, digest(t, index))
	}
	img, err := there.Image() // of this machine's platform
	if err != nil {
		t.Fatal(err)
	}
	if got := config(t, img).Config.Entrypoint; len(got) != 1 || got[0] != program {
		t.Errorf("entrypoint is %v", got)
	}
}

func TestATagNeverMoves(t *testing.T) {
	writes := 0
	target := serveRegistry(t, func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			writes++
		}
		return false
	})
	first, second := randomIndex(t), randomIndex(t)
	if pushed, err := Push(t.Context(), target, first); err != nil || !pushed {
		t.Fatalf("pushed %t (%v)", pushed, err)
	}
	before := writes
	if pushed, err := Push(t.Context(), target, first); err != nil || pushed {
		t.Errorf("again: pushed %t (%v), want nothing to do", pushed, err)
	}
	_, err := Push(t.Context(), target, second)
	want := target.Repository + ":0.1.0 is " + digest(t, first) + " already, built was " + digest(t, second) + ": want another tag, in ragscale:api.image or as --tag"
	if err == nil || err.Error() != want {
		t.Errorf("error is %v, want %s", err, want)
	}
	if writes != before {
		t.Errorf("%d requests wrote, want none", writes-before)
	}
}

func TestARegistrysRefusalsSayWhatTheyAskFor(t *testing.T) {
	uploads := func(r *http.Request) bool { return r.Method == http.MethodPost }
	for what, c := range map[string]struct {
		when          func(r *http.Request) bool
		status        int
		code, message string
		want          string
	}{
		"no repository": {uploads, http.StatusNotFound, "NAME_UNKNOWN", "The repository with name 'prod/agentic-rag-api' does not exist", "the registry has no such repository, want the stack's own, which `pulumi up` makes"},
		"no right":      {uploads, http.StatusForbidden, "DENIED", "User: arn:aws:iam::1:user/a is not authorized to perform: ecr:InitiateLayerUpload", "pushing is not allowed, want the rights of the AWS policy AmazonEC2ContainerRegistryPowerUser on it"},
		"no right to read": {func(r *http.Request) bool { return strings.Contains(r.URL.Path, "/manifests/") }, http.StatusForbidden, "DENIED", "not authorized to perform: ecr:BatchGetImage",
			"ecr:BatchGetImage"},
		"token of yesterday": {func(r *http.Request) bool { return r.URL.Path != "/v2/" }, http.StatusUnauthorized, "UNAUTHORIZED", "Your authorization token has expired", "the registry does not take the credentials, want new ones"},
		"somebody was first": {func(r *http.Request) bool {
			return r.Method == http.MethodPut && strings.HasSuffix(r.URL.Path, "/manifests/0.1.0")
		}, http.StatusBadRequest, "TAG_INVALID", "The image tag '0.1.0' already exists and cannot be overwritten because the tag is immutable.", "is another image already, built was sha256:"},
		"anything else": {uploads, http.StatusBadRequest, "SIZE_INVALID", "no", "SIZE_INVALID: no"},
	} {
		t.Run(what, func(t *testing.T) {
			target := serveRegistry(t, func(w http.ResponseWriter, r *http.Request) bool {
				if !c.when(r) {
					return false
				}
				refuse(w, c.status, c.code, c.message)
				return true
			})
			pushed, err := Push(t.Context(), target, randomIndex(t))
			if pushed || err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), target.Repository+":0.1.0") {
				t.Errorf("pushed %t, error %v, want %q in it", pushed, err, c.want)
			}
		})
	}
}

func TestWrongCredentialsStaySecret(t *testing.T) {
	target := serveRegistry(t, nil)
	target.Credentials = &authn.Basic{Username: "AWS", Password: "wrong-secret"}
	_, err := Push(t.Context(), target, randomIndex(t))
	if err == nil || !strings.Contains(err.Error(), "does not take the credentials") || strings.Contains(err.Error(), "wrong-secret") {
		t.Errorf("error is %v, want one that says so and has no secret", err)
	}
}

func TestARegistryThatDoesNotAnswerIsNamed(t *testing.T) {
	target := Target{Repository: "127.0.0.1:1/prod/agentic-rag-api", Tag: "0.1.0", Credentials: authn.Anonymous}
	if _, err := Push(t.Context(), target, randomIndex(t)); err == nil || !strings.HasPrefix(err.Error(), "127.0.0.1:1/prod/agentic-rag-api:0.1.0: ") {
		t.Errorf("error is %v, want it to begin with the image", err)
	}
	target.Tag = "not a tag"
	if _, err := Push(t.Context(), target, randomIndex(t)); err == nil {
		t.Error("a tag that is none is taken")
	}
}
