package main

import (
	"cmp"
	"context"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/ragscale/ragscale/sandbox/control"
)

// status is the stable answer of `ragscale status --json`.
type status struct {
	Stack string `json:"stack"`
	// the API answers ready, every pod is ready, every database and cache accepts connections
	Healthy     bool                  `json:"healthy"`
	Problems    []string              `json:"problems"`    // what keeps Healthy from being true, a sentence each
	APIURL      string                `json:"apiUrl"`      // reachable on this machine
	Kubeconfig  string                `json:"kubeconfig"`  // a file for kubectl
	DatabaseURL string                `json:"databaseUrl"` // reachable on this machine; contains the password
	Databases   []databaseStatus      `json:"databases"`
	Caches      []control.CacheStatus `json:"caches"` // their nodes
	Pods        []podStatus           `json:"pods"`
	Processes   []control.Process     `json:"processes"` // the sandbox's engines
	RSSBytes    int64                 `json:"rssBytes"`  // of all processes of the sandbox, pods included
}

type databaseStatus struct {
	ID         string  `json:"id"`
	Source     string  `json:"source,omitempty"` // of a replica
	Healthy    bool    `json:"healthy"`          // it answers, and a replica streams
	LagSeconds float64 `json:"lagSeconds"`       // of a replica
}

type podStatus struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	Phase     string `json:"phase"`
	Ready     bool   `json:"ready"`
	Restarts  int32  `json:"restarts"`
	Node      string `json:"node"`
	IP        string `json:"ip"`
}

func statusCommand(c console) *cobra.Command {
	var asJSON bool
	cmd := stackCommand("status", "Show what runs and whether it is healthy (exit code 3 when it is not)",
		func(ctx context.Context, p project, stack string) error {
			s, err := p.status(ctx, stack)
			if err != nil {
				return err
			}
			if err := s.print(c, asJSON); err != nil {
				return err
			}
			if !s.Healthy {
				return errUnhealthy
			}
			return nil
		})
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	return cmd
}

func (p project) status(ctx context.Context, stack string) (status, error) {
	s := status{Stack: stack, Kubeconfig: p.layout.Kubeconfig(), Problems: []string{}, Databases: []databaseStatus{},
		Caches: []control.CacheStatus{}, Pods: []podStatus{}}
	st, err := control.NewClient(p.layout.Socket()).Status(ctx)
	if err != nil {
		return s, err
	}
	s.Processes, s.RSSBytes = st.Processes, st.RSSBytes
	for _, d := range st.Databases {
		if s.DatabaseURL == "" {
			s.DatabaseURL = d.HostURL
		}
		s.Databases = append(s.Databases,
			databaseStatus{ID: d.ID, Source: d.SourceID, Healthy: d.Healthy, LagSeconds: d.LagSeconds})
		s.check(d.Problem == "", "database %s: %s", d.ID, d.Problem)
	}
	s.Caches = st.Caches
	for _, n := range st.Caches {
		s.check(n.Healthy, "cache node %s, a %s, does not answer or is not linked to its primary", n.ID, n.Role)
	}
	s.check(len(st.Databases) > 0, "no database is declared")
	s.check(st.Cluster != "", "no cluster is declared")
	if st.Cluster != "" {
		s.pods(ctx)
	}
	p.api(ctx, &s, st)
	s.Healthy = len(s.Problems) == 0
	return s, nil
}

func (s *status) check(ok bool, problem string, a ...any) {
	if !ok {
		s.Problems = append(s.Problems, fmt.Sprintf(problem, a...))
	}
}

func (s *status) pods(ctx context.Context) {
	list, err := listPods(ctx, s.Kubeconfig)
	if err != nil {
		s.check(false, "the API server: %v", err)
		return
	}
	for _, pod := range list {
		ps := podStatus{Namespace: pod.Namespace, Name: pod.Name, Phase: string(pod.Status.Phase), Node: pod.Spec.NodeName,
			IP: pod.Status.PodIP}
		for _, cond := range pod.Status.Conditions {
			ps.Ready = ps.Ready || cond.Type == corev1.PodReady && cond.Status == corev1.ConditionTrue
		}
		for _, cs := range pod.Status.ContainerStatuses {
			ps.Restarts += cs.RestartCount
		}
		s.Pods = append(s.Pods, ps)
		if pod.Namespace == loadNamespace {
			continue // a load test that failed is its own verdict
		}
		s.check(ps.Ready || pod.Status.Phase == corev1.PodSucceeded ||
			pod.DeletionTimestamp != nil, "pod %s/%s is %s and not ready", pod.Namespace, pod.Name, ps.Phase)
	}
	s.check(len(list) > 0, "no pod runs")
}

func listPods(ctx context.Context, kubeconfig string) ([]corev1.Pod, error) {
	cs, err := clientset(kubeconfig)
	if err != nil {
		return nil, err
	}
	list, err := cs.CoreV1().Pods("").List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	return list.Items, nil
}

func clientset(kubeconfig string) (*kubernetes.Clientset, error) {
	cfg, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, err
	}
	return kubernetes.NewForConfig(cfg)
}

// api asks the API through the load balancer, where users do.
func (p project) api(ctx context.Context, s *status, st control.Status) {
	if len(st.Listeners) == 0 {
		s.check(false, "no load balancer listens")
		return
	}
	s.APIURL = "http://" + st.Listeners[0]
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if err := ready(ctx, s.APIURL); err != nil {
		s.check(false, "%v", err)
	}
}

func (s status) print(c console, asJSON bool) error {
	if asJSON {
		return c.json(s)
	}
	w := tabwriter.NewWriter(c.out, 0, 4, 2, ' ', 0)
	fmt.Fprintf(w, "stack\t%s\nhealthy\t%t\nAPI\t%s\nkubectl\tKUBECONFIG=%s\nmemory\t%d MiB\n", s.Stack, s.Healthy,
		s.APIURL, s.Kubeconfig, s.RSSBytes>>20)
	for _, pr := range s.Problems {
		fmt.Fprintf(w, "problem\t%s\n", pr)
	}
	fmt.Fprintf(w, "\nPOD\tREADY\tPHASE\tRESTARTS\tNODE\tIP\n")
	for _, pod := range s.Pods {
		fmt.Fprintf(w, "%s/%s\t%t\t%s\t%d\t%s\t%s\n", pod.Namespace, pod.Name, pod.Ready, pod.Phase, pod.Restarts,
			pod.Node, pod.IP)
	}
	fmt.Fprintf(w, "\nDATABASE\tREPLICA OF\tHEALTHY\tLAG\n")
	for _, d := range s.Databases {
		fmt.Fprintf(w, "%s\t%s\t%t\t%.1f s\n", d.ID, cmp.Or(d.Source, "-"), d.Healthy, d.LagSeconds)
	}
	fmt.Fprintf(w, "\nCACHE NODE\tROLE\tHEALTHY\tUSED\tMAXMEMORY\n")
	for _, n := range s.Caches {
		fmt.Fprintf(w, "%s\t%s\t%t\t%d MiB\t%d MiB\n", n.ID, n.Role, n.Healthy, n.UsedBytes>>20, n.MemoryBytes>>20)
	}
	fmt.Fprintf(w, "\nPROCESS\tSTATE\tRESTARTS\tMEMORY\tSINCE\n")
	for _, pr := range s.Processes {
		fmt.Fprintf(w, "%s\t%s\t%d\t%d MiB\t%s\n", pr.Name, pr.State, pr.Restarts, pr.RSSBytes>>20,
			pr.Since.Format(time.TimeOnly))
	}
	return w.Flush()
}
