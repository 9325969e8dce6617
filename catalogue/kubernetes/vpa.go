package kubernetes

// Modes of a vertical autoscaler: VPAOff only recommends, VPAInPlace resizes running pods and recreates them where
// their node has no room.
// Source: updateMode of https://github.com/kubernetes/autoscaler, vertical-pod-autoscaler/deploy/vpa-v1-crd-gen.yaml of
// 1.7.1 (chart 0.11.0); read 2026-11-23.
const (
	VPAOff     = "Off"
	VPAInPlace = "InPlaceOrRecreate"
)

// VPAModes are the modes that are used here: Recreate and Auto are InPlaceOrRecreate without its first attempt, and
// Auto is deprecated. Source: as VPAOff; read 2026-11-23.
var VPAModes = []string{VPAOff, "Initial", VPAInPlace}
