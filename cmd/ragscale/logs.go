package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
)

func logsCommand(c console) *cobra.Command {
	var tail int64
	var follow bool
	cmd := &cobra.Command{
		Use: "logs [NAME]",
		Short: "Print logs: of the pods whose names begin with NAME, or of the sandbox's process NAME; without NAME, list " +
			"both",
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := openProject()
			if err != nil {
				return err
			}
			if len(args) == 0 {
				return p.listLogs(cmd.Context(), c)
			}
			return p.printLogs(cmd.Context(), c, args[0], &corev1.PodLogOptions{TailLines: &tail, Follow: follow})
		},
	}
	cmd.Flags().Int64Var(&tail, "tail", 100, "last lines of each")
	cmd.Flags().BoolVarP(&follow, "follow", "f", false, "go on as a pod writes (the first pod that matches)")
	return cmd
}

func (p project) listLogs(ctx context.Context, c console) error {
	files, err := p.logFiles()
	if err != nil {
		return err
	}
	for _, f := range files {
		fmt.Fprintf(c.out, "process  %s\n", f)
	}
	pods, err := listPods(ctx, p.layout.Kubeconfig())
	if err != nil {
		c.note("pods: %v", err)
		return nil
	}
	for _, pod := range pods {
		fmt.Fprintf(c.out, "pod      %s/%s\n", pod.Namespace, pod.Name)
	}
	return nil
}

func (p project) logFiles() ([]string, error) {
	paths, err := filepath.Glob(filepath.Join(p.layout.Log(), "*.log"))
	if err != nil {
		return nil, err
	}
	var names []string
	for _, f := range paths {
		names = append(names, strings.TrimSuffix(filepath.Base(f), ".log"))
	}
	sort.Strings(names)
	return names, nil
}

func (p project) printLogs(ctx context.Context, c console, name string, opts *corev1.PodLogOptions) error {
	b, err := os.ReadFile(filepath.Join(p.layout.Log(), filepath.Base(name)+".log"))
	if err == nil {
		lines := strings.SplitAfter(string(b), "\n")
		_, err := io.WriteString(c.out, strings.Join(lines[max(0, len(lines)-1-int(*opts.TailLines)):], ""))
		return err
	}
	pods, err := listPods(ctx, p.layout.Kubeconfig())
	if err != nil {
		return fmt.Errorf("there is no process %q with a log, and the cluster does not answer: %w", name, err)
	}
	cs, err := clientset(p.layout.Kubeconfig())
	if err != nil {
		return err
	}
	found := false
	for _, pod := range pods {
		if !strings.HasPrefix(pod.Name, name) {
			continue
		}
		found = true
		c.note("==> %s/%s", pod.Namespace, pod.Name)
		stream, err := cs.CoreV1().Pods(pod.Namespace).GetLogs(pod.Name, opts).Stream(ctx)
		if err != nil {
			c.note("%v", err)
			continue
		}
		_, err = io.Copy(c.out, stream)
		stream.Close()
		if err != nil {
			return err
		}
	}
	if !found {
		return fmt.Errorf("NAME is %q, want a process or the beginning of a pod's name: `ragscale logs` lists them", name)
	}
	return nil
}
