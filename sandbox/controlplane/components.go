package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/pflag"
	cliflag "k8s.io/component-base/cli/flag"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	apiserveroptions "k8s.io/kubernetes/cmd/kube-apiserver/app/options"
	controllers "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	controlleroptions "k8s.io/kubernetes/cmd/kube-controller-manager/app/options"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
	scheduleroptions "k8s.io/kubernetes/cmd/kube-scheduler/app/options"
)

// components holds the parsed options of the three Kubernetes programs.
type components struct {
	apiServer   *apiserveroptions.ServerRunOptions
	controllers *controlleroptions.KubeControllerManagerOptions
	scheduler   *scheduleroptions.Options
}

// parse reads every component's flags before it sets the feature gates and the effective version: the components
// share one registry of these, which may be set once.
func parse(c config) (*components, error) {
	out := &components{apiServer: apiserveroptions.NewServerRunOptions(), scheduler: scheduleroptions.NewOptions()}
	var err error
	if out.controllers, err = controlleroptions.NewKubeControllerManagerOptions(); err != nil {
		return nil, fmt.Errorf("kube-controller-manager: %w", err)
	}
	controllerFlags := out.controllers.Flags(controllers.KnownControllers(), controllers.ControllersDisabledByDefault(), controllers.ControllerAliases())
	out.controllers.ParsedFlags = &controllerFlags
	if err := errors.Join(
		parseFlags("kube-apiserver", out.apiServer.Flags(), apiServerSettings(c)),
		parseFlags("kube-controller-manager", controllerFlags, controllerManagerSettings(c)),
		parseFlags("kube-scheduler", *out.scheduler.Flags, schedulerSettings(c)),
	); err != nil {
		return nil, err
	}
	return out, out.apiServer.GenericServerRunOptions.ComponentGlobalsRegistry.Set()
}

func parseFlags(component string, named cliflag.NamedFlagSets, settings []setting) error {
	fs := pflag.NewFlagSet(component, pflag.ContinueOnError)
	for _, set := range named.FlagSets {
		fs.AddFlagSet(set)
	}
	if err := fs.Parse(arguments(settings)); err != nil {
		return fmt.Errorf("%s: %w", component, err)
	}
	return nil
}

func (c *components) runAPIServer(ctx context.Context) error {
	completed, err := c.apiServer.Complete(ctx)
	if err != nil {
		return err
	}
	if faults := completed.Validate(); len(faults) > 0 {
		return errors.Join(faults...)
	}
	return apiserver.Run(ctx, completed)
}

func (c *components) runControllers(ctx context.Context) error {
	cfg, err := c.controllers.Config(ctx, controllers.KnownControllers(), controllers.ControllersDisabledByDefault(), controllers.ControllerAliases())
	if err != nil {
		return err
	}
	return controllers.Run(ctx, cfg.Complete())
}

func (c *components) runScheduler(ctx context.Context) error {
	cfg, sched, err := scheduler.Setup(ctx, c.scheduler)
	if err != nil {
		return err
	}
	return scheduler.Run(ctx, cfg, sched)
}
