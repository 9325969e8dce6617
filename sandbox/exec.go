//go:build linux

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"github.com/ragscale/ragscale/sandbox/inside/debroot"
	"github.com/ragscale/ragscale/sandbox/layout"
)

// runProgram runs a program of the engines' root, which ends with this process, whatever ends it.
func runProgram(args []string) error {
	var binds []debroot.Bind
	flags := flag.NewFlagSet("exec", flag.ContinueOnError)
	flags.Func("bind", "folder that the program has, at the same path", func(folder string) error {
		if !filepath.IsAbs(folder) {
			return errors.New("want an absolute path")
		}
		binds = append(binds, debroot.Bind{Source: folder, Target: folder})
		return nil
	})
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() == 0 {
		return errors.New("exec: no program named, want its path in the engines' root")
	}
	l, err := here()
	if err != nil {
		return err
	}
	cmd := debroot.Command(context.Background(), l.Root(), binds, debroot.EngineUID, flags.Args()...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	proc, err := debroot.Start(cmd)
	if err != nil {
		return err
	}
	<-proc.Done()
	if !proc.Succeeded() {
		return fmt.Errorf("%s: %s", flags.Arg(0), proc.Exit())
	}
	return nil
}

// here is the layout of a sandbox that belongs to the current folder.
func here() (layout.Layout, error) {
	folder, err := os.Getwd()
	if err != nil {
		return layout.Layout{}, err
	}
	return layout.New(folder)
}
