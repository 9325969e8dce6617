package podidentity

import (
	"context"
	"encoding/json"
	"errors"
	"net/http/httptest"
	"testing"
	"time"

	core "k8s.io/api/core/v1"
)

func agent() *Agent {
	return New(Config{
		Role: func(namespace, account string) (Role, error) {
			if namespace == "load" && account == "generator" {
				return Role{"arn:aws:iam::123456789012:role/path/loader", "eu-central-1"}, nil
			}
			return Role{}, nil
		},
		Review: func(_ context.Context, token string) (Holder, error) {
			switch token {
			case "generator's":
				return Holder{"load", "generator", "pod-1"}, nil
			case "other's":
				return Holder{"load", "other", "pod-2"}, nil
			}
			return Holder{}, errors.New("unknown")
		},
	})
}

func ask(a *Agent, token string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("GET", "http://169.254.170.23/v1/credentials", nil)
	r.Header.Set("Authorization", token)
	w := httptest.NewRecorder()
	a.ServeHTTP(w, r)
	return w
}

func TestCredentialsAreOfTheRole(t *testing.T) {
	a := agent()
	var got credentials
	if err := json.Unmarshal(ask(a, "generator's").Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	key, ok := a.Lookup(got.AccessKeyID)
	if !ok || key.Secret != got.SecretAccessKey || key.Session != got.Token || got.Token == "" ||
		key.ARN != "arn:aws:sts::123456789012:assumed-role/loader/pod-1" || got.AccountID != "123456789012" {
		t.Errorf("got %+v for %+v", key, got)
	}
	a.now = func() time.Time { return time.Now().Add(lifetime + time.Minute) }
	if _, ok := a.Lookup(got.AccessKeyID); ok {
		t.Error("they are good for ever")
	}
}

func TestNobodyElseGetsAny(t *testing.T) {
	for token, want := range map[string]int{"other's": 404, "": 401, "x": 401} {
		if got := ask(agent(), token); got.Code != want {
			t.Errorf("%q: %d, want %d", token, got.Code, want)
		}
	}
}

func TestPodsOfTheServiceAccountFindTheAgent(t *testing.T) {
	pod := core.Pod{Spec: core.PodSpec{
		ServiceAccountName: "generator",
		InitContainers:     []core.Container{{Name: "upload", Env: []core.EnvVar{{Name: "AWS_REGION", Value: "us-east-1"}}}},
		Containers:         []core.Container{{Name: "k6"}},
	}}
	if done, err := agent().Inject(&pod, "load"); !done || err != nil {
		t.Fatal(done, err)
	}
	for _, c := range append(pod.Spec.InitContainers, pod.Spec.Containers...) {
		if len(c.Env) != 5 || len(c.VolumeMounts) != 1 {
			t.Errorf("%s: %+v", c.Name, c)
		}
	}
	if got := pod.Spec.InitContainers[0].Env[0].Value; got != "us-east-1" {
		t.Errorf("the container's own region became %s", got)
	}
	if source := pod.Spec.Volumes[0].Projected.Sources[0].ServiceAccountToken; source.Audience != Audience {
		t.Errorf("got %+v", source)
	}
	if done, err := agent().Inject(&core.Pod{}, "load"); done || err != nil {
		t.Errorf("a pod without a role: %t, %v", done, err)
	}
}
