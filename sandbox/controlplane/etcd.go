package main

import (
	"context"
	"fmt"
	"net/url"

	"go.etcd.io/etcd/server/v3/embed"
)

// etcdQuota bounds the database: events and leases of a small cluster stay far below.
const etcdQuota = 2 << 30

// startEtcd returns when etcd serves.
func startEtcd(ctx context.Context, c config) (*embed.Etcd, error) {
	client, err := url.Parse(c.etcdURL(0))
	if err != nil {
		return nil, err
	}
	peer, err := url.Parse(c.etcdURL(1))
	if err != nil {
		return nil, err
	}
	cfg := embed.NewConfig()
	cfg.Dir = c.DataDir
	cfg.ListenClientUrls, cfg.AdvertiseClientUrls = []url.URL{*client}, []url.URL{*client}
	cfg.ListenPeerUrls, cfg.AdvertisePeerUrls = []url.URL{*peer}, []url.URL{*peer}
	cfg.InitialCluster = cfg.InitialClusterFromName(cfg.Name)
	// Without fsync a killed process loses nothing, a machine that loses power may: the sandbox can be made anew.
	cfg.UnsafeNoFsync = true
	cfg.QuotaBackendBytes = etcdQuota
	cfg.AutoCompactionMode, cfg.AutoCompactionRetention = embed.CompactorModePeriodic, "10m"
	cfg.LogLevel = "error"
	e, err := embed.StartEtcd(cfg)
	if err != nil {
		return nil, fmt.Errorf("etcd in %s: %w", c.DataDir, err)
	}
	select {
	case <-e.Server.ReadyNotify():
		return e, nil
	case err := <-e.Err():
		e.Close()
		return nil, fmt.Errorf("etcd in %s: %w", c.DataDir, err)
	case <-ctx.Done():
		e.Close()
		return nil, ctx.Err()
	}
}
