package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ragscale/ragscale/perf/compare"
	"github.com/ragscale/ragscale/perf/load"
	"github.com/ragscale/ragscale/perf/profile"
	"github.com/ragscale/ragscale/perf/profile/page"
)

// profileFlags say what is taken and how it is shown.
type profileFlags struct {
	stack, folder string
	kinds, tiers  []string
	windows       int
	each          time.Duration
	now           bool
	shown         shownFlags
	pgo           string
}

// shownFlags say how an answer is written.
type shownFlags struct {
	format, output string
	asJSON         bool
}

func (f *shownFlags) on(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.format, "format", "text", "text, json, or html: one page that needs nothing else")
	cmd.Flags().StringVarP(&f.output, "output", "o", "", "file that gets it, instead of the standard output")
	cmd.Flags().BoolVar(&f.asJSON, "json", false, "as JSON: --format json")
	cmd.MarkFlagsMutuallyExclusive("format", "json")
}

func (f *shownFlags) check() error {
	if f.asJSON {
		f.format = "json"
	}
	switch f.format {
	case "text", "json", "html":
		return nil
	}
	return fmt.Errorf("--format is %q, want text, json or html", f.format)
}

// show writes an answer in its format.
func show[T any](c console, f shownFlags, answer T, text, html func(io.Writer, T) error) error {
	var b bytes.Buffer
	write := text
	switch f.format {
	case "html":
		write = html
	case "json":
		write = func(w io.Writer, answer T) error {
			e := json.NewEncoder(w)
			e.SetIndent("", "  ")
			return e.Encode(answer)
		}
	}
	if err := write(&b, answer); err != nil {
		return err
	}
	return c.deliver(b.Bytes(), f.output)
}

func profileCommand(c console) *cobra.Command {
	var f profileFlags
	cmd := &cobra.Command{
		Use:   "profile [RUN]",
		Short: "Profile the pods of the API and its workers, or show what was profiled during a run",
		Long: "Takes CPU, allocation, heap, mutex, block and goroutine profiles of all ready pods through the Kubernetes API server's\n" +
			"port-forward, in windows, while a load test has all its users; without one, of what users ask for now. They are kept beside\n" +
			"the run's results, or under a name of their own, and shown per request served. With RUN it shows what was kept.\n" +
			"A profile costs the pods some percent of their CPU while it lasts.",
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.shown.check(); err != nil {
				return err
			}
			if len(args) == 0 {
				return c.takeProfile(cmd.Context(), f)
			}
			if strings.Contains(args[0], ",") {
				return fmt.Errorf("%q names several sets, want one: `ragscale profile compare` takes several", args[0])
			}
			all, err := readProfiles(cmd.Context(), f.stack, f.folder, args[0])
			if err != nil {
				return err
			}
			return c.showProfile(all[0], f)
		},
	}
	cmd.Flags().StringVarP(&f.stack, "stack", "s", localStack, "the stack")
	cmd.Flags().StringVar(&f.folder, "folder", "", "a folder for the profiles, instead of the stack's results bucket")
	cmd.Flags().StringSliceVar(&f.kinds, "kind", kindNames(), "what is taken")
	cmd.Flags().StringSliceVar(&f.tiers, "tier", []string{profile.API, profile.Worker}, "whose pods")
	cmd.Flags().IntVar(&f.windows, "windows", 6, "windows of each pod: a comparison needs 3, and sees more with more")
	cmd.Flags().DurationVar(&f.each, "each", 10*time.Second, "how long a window is")
	cmd.Flags().BoolVar(&f.now, "now", false, "do not wait until all users of the run are there, nor end with them")
	cmd.Flags().StringVar(&f.pgo, "pgo", "", "file that gets the CPU profile of all pods, for `go build -pgo`")
	f.shown.on(cmd)
	cmd.AddCommand(profileCompareCommand(c), profileListCommand(c))
	return interruptible(cmd, "profiles are kept when all windows are over: what was being taken is gone")
}

func kindNames() (all []string) {
	for _, k := range profile.Kinds() {
		all = append(all, string(k))
	}
	return all
}

// showProfile writes a set's report, and its profile for the compiler where that is asked for.
func (c console) showProfile(p *profile.Profiles, f profileFlags) error {
	report, err := p.Report()
	if err != nil {
		return err
	}
	if f.pgo != "" {
		text, err := p.PGO()
		if err != nil {
			return fmt.Errorf("--pgo: %w", err)
		}
		if err := c.deliver(text, f.pgo); err != nil {
			return err
		}
	}
	return show(c, f.shown, report, page.Text, page.HTML)
}

// readProfiles reads sets by their names, with commas between them.
func readProfiles(ctx context.Context, stack, folder, names string) ([]*profile.Profiles, error) {
	var all []*profile.Profiles
	var faults []error
	for _, name := range strings.Split(names, ",") {
		run := name
		if profile.Own(name) {
			run = ""
		}
		store, scenario, err := openLoad(ctx, stack, folder, run)
		if err != nil {
			return nil, err
		}
		one, err := profile.Read(ctx, store, scenario, name)
		if err == nil && one.Stack != stack {
			err = fmt.Errorf("profiles %s are of stack %q, want some of %q: --stack names the stack", name, one.Stack, stack)
		}
		all, faults = append(all, one), append(faults, err)
	}
	return all, errors.Join(faults...)
}

func profileCompareCommand(c console) *cobra.Command {
	var stack, folder, kind, tier string
	var see float64
	var shown shownFlags
	cmd := &cobra.Command{
		Use:   "compare THEN NOW",
		Short: "Say which functions cost more or less than in the profiles of another run",
		Long: "THEN and NOW are runs, or several with commas between them. A function is held against the others: what slows all of them\n" +
			"down is the change of the whole. Answers are MORE, LESS, SAME and TOO FEW SAMPLES; a comparison of the same with the same\n" +
			"claims a change once in a hundred times, over all its functions. Neither the rate of sampling nor how long it lasted is in\n" +
			"the answer. Exit code 3 says that a function or the whole costs more, 1 that the profiles do not tell.",
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			o := profile.Options{Kind: profile.Kind(kind), Tier: tier, See: see / 100}
			if err := errors.Join(shown.check(), o.Check(), onceEach(args)); err != nil {
				return err
			}
			then, err := readProfiles(cmd.Context(), stack, folder, args[0])
			now, other := readProfiles(cmd.Context(), stack, folder, args[1])
			if err := errors.Join(err, other); err != nil {
				return err
			}
			answer, err := profile.Compare(then, now, o)
			if err != nil {
				return err
			}
			return errors.Join(show(c, shown, answer, page.Comparison, page.ComparisonHTML), profileVerdict(answer))
		},
	}
	loadStoreFlags(cmd, &stack, &folder)
	cmd.Flags().StringVar(&kind, "kind", string(profile.CPU), "cpu or allocs")
	cmd.Flags().StringVar(&tier, "tier", profile.API, "api or worker")
	cmd.Flags().Float64Var(&see, "see", 100*profile.DefaultSee, "the change in percent that has to be seen before a function is the same")
	shown.on(cmd)
	return cmd
}

// onceEach refuses a set that is named twice: its windows would count as more than there are, or be held against
// themselves.
func onceEach(sides []string) error {
	seen := map[string]bool{}
	for _, name := range strings.Split(strings.Join(sides, ","), ",") {
		if seen[name] {
			return fmt.Errorf("%s is named twice, want other runs: the same windows tell nothing of a change", name)
		}
		seen[name] = true
	}
	return nil
}

// profileVerdict is errUnhealthy where something costs more, an error where nothing is told.
func profileVerdict(c *profile.Comparison) error {
	told := false
	for _, f := range c.Functions {
		if f.Outcome == profile.More {
			return errUnhealthy
		}
		told = told || f.Outcome != profile.TooFew
	}
	switch {
	case c.Total.Outcome == compare.Regressed:
		return errUnhealthy
	case !told:
		return fmt.Errorf("the profiles do not tell: no function has the samples that a change of %.0f %% takes, want more windows, "+
			"or a larger change to look for (--see)", 100*c.See)
	}
	return nil
}

func profileListCommand(c console) *cobra.Command {
	var stack, folder string
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the profiles that a stack keeps",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			store, _, err := openLoad(cmd.Context(), stack, folder, "")
			if err != nil {
				return err
			}
			return c.profileList(cmd.Context(), store)
		},
	}
	loadStoreFlags(cmd, &stack, &folder)
	return cmd
}

func (c console) profileList(ctx context.Context, store load.Store) error {
	names, err := profile.Kept(ctx, store)
	if err != nil {
		return err
	}
	if len(names) == 0 {
		c.note("there are no profiles: `ragscale profile` takes some")
	}
	for _, name := range names {
		fmt.Fprintln(c.out, name)
	}
	return nil
}
