//go:build tools

package main

import (
	_ "k8s.io/autoscaler/vertical-pod-autoscaler/pkg/recommender"
	_ "sigs.k8s.io/metrics-server/cmd/metrics-server"
)
