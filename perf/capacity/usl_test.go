package capacity

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

// The Cisco benchmark. Source: B. Schwartz, Practical Scalability Analysis with the Universal Scalability Law (2015);
// also the tests of usl4j.
var cisco = []float64{955.16, 1878.91, 2688.01, 3548.68, 4315.54, 5130.43, 5931.37, 6531.08, 7219.8, 7867.61, 8278.71, 8646.7,
	9047.84, 9426.55, 9645.37, 9897.24, 10097.6, 10240.5, 10532.39, 10798.52, 11151.43, 11518.63, 11806, 12089.37, 12075.41,
	12177.29, 12211.41, 12158.93, 12155.27, 12118.04, 12140.4, 12074.39}

func ciscoTo(k int) (all []Point) {
	for i, x := range cisco[:k] {
		all = append(all, Point{float64(i + 1), x})
	}
	return all
}

func mustFit(t *testing.T, points []Point) *Fit {
	t.Helper()
	f, err := FitLaw(points)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// near wants n significant digits.
func near(t *testing.T, name string, got, want float64, digits int) {
	t.Helper()
	if math.Abs(got-want) > 0.5001*math.Pow(10, math.Floor(math.Log10(math.Abs(want)))+1-float64(digits)) {
		t.Errorf("%s is %.10g, want %.10g to %d digits", name, got, want, digits)
	}
}

func TestPublishedFitOfCisco(t *testing.T) {
	f := mustFit(t, ciscoTo(32))
	near(t, "α", f.Alpha, 0.02671591, 6)
	near(t, "β", f.Beta, 7.690945e-4, 5) // where its sum of squares is least it is 7.690939e-4
	near(t, "γ", f.Gamma, 995.6486, 6)
	n, x := f.Peak()
	near(t, "peak N", math.Floor(n), 35, 2)
	near(t, "peak X", math.Floor(f.Throughput(math.Floor(n))), 12341, 5)
	if x < f.Throughput(35) || x < f.Throughput(36) {
		t.Errorf("peak of %v, at 35 it is %v", x, f.Throughput(35))
	}
	if len(f.Bounds) > 0 || len(f.Doubts()) > 0 {
		t.Errorf("%v, %v", f.Bounds, f.Doubts())
	}
}

// SPEC SDM91 on a SPARCcenter 2000. Source: N. J. Gunther, Guerrilla Capacity Planning; the vignette of R's package usl.
func TestPublishedFitOfSDM91WithItsErrors(t *testing.T) {
	f := mustFit(t, []Point{{1, 64.9}, {18, 995.9}, {36, 1652.4}, {72, 1853.2}, {108, 1828.9}, {144, 1775.0}, {216, 1702.2}})
	near(t, "α", f.Alpha, 2.773e-2, 4)
	near(t, "β", f.Beta, 1.044e-4, 4)
	near(t, "γ", f.Gamma, 90.00, 4)
	near(t, "error of α", f.Errors.Alpha, 9.122e-3, 4)
	near(t, "error of β", f.Errors.Beta, 1.988e-5, 4)
	near(t, "error of γ", f.Errors.Gamma, 14.21, 4)
	n, x := f.Peak()
	near(t, "peak N", n, 96.52, 4)
	near(t, "peak X", x, 1884, 4)
	near(t, "limit", f.Gamma/f.Alpha, 3246, 4)
}

// Source: the tests of R's package usl.
func TestPublishedFitOfASyntheticSeries(t *testing.T) {
	f := mustFit(t, []Point{{1, 1}, {2, 1.8868}, {4, 3.0769}, {6, 3.5294}, {8, 3.5398}, {10, 3.3557}})
	near(t, "α", f.Alpha, 0.02, 2)
	near(t, "β", f.Beta, 0.02, 2)
	near(t, "γ", f.Gamma, 1, 3)
}

// How far a fit may be trusted: the law fitted to the first k points of the Cisco series, at point 32. With 16 it has α = 0;
// unbound, with α below 0, it would miss by -20 %.
func TestAFitMissesWhatLiesFarBeyondItsPoints(t *testing.T) {
	for k, want := range map[int]float64{8: 33, 10: 26, 16: -18.4, 20: -13, 24: 3.8} {
		f := mustFit(t, ciscoTo(k))
		missed := 100 * (f.Throughput(32)/cisco[31] - 1)
		if math.Abs(missed-want) > 0.6 {
			t.Errorf("fitted to %d points it misses by %+.1f %%, want %+.1f", k, missed, want)
		}
		if beyond := f.Predict(32, 0.9).Beyond; beyond != (32 > 1.3*float64(k)) {
			t.Errorf("%d points: beyond is %t", k, beyond)
		}
	}
	// Six points have not reached the knee; unbound, their β would be below 0.
	f := mustFit(t, ciscoTo(6))
	if f.Beta != 0 || len(f.Bounds) != 1 || f.Bounds[0] != "β = 0" {
		t.Errorf("β is %v, %v", f.Beta, f.Bounds)
	}
	if doubts := strings.Join(f.Doubts(), "; "); !strings.Contains(doubts, "past the knee") {
		t.Errorf("six points are trusted: %s", doubts)
	}
	if doubts := strings.Join(mustFit(t, ciscoTo(5)).Doubts(), "; "); !strings.Contains(doubts, "it has 5 levels, want 6 or more") {
		t.Errorf("five points are trusted: %s", doubts)
	}
}

func TestBoundsAreKeptAndNamed(t *testing.T) {
	var linear, falling []Point
	for n := 1.0; n <= 8; n++ {
		linear = append(linear, Point{n, 100 * n * (1 + 0.002*n)}) // better than proportional
		falling = append(falling, Point{n, 100})
	}
	f := mustFit(t, linear)
	if f.Alpha != 0 || f.Beta != 0 || strings.Join(f.Bounds, ", ") != "α = 0, β = 0" {
		t.Errorf("%+v", f)
	}
	if n, x := f.Peak(); !math.IsInf(n, 1) || !math.IsInf(x, 1) {
		t.Errorf("peak of %v at %v", x, n)
	}
	if f := mustFit(t, falling); math.Abs(f.Alpha-1) > 1e-6 || f.Beta != 0 {
		t.Errorf("%+v", f)
	}
}

// Series of a known law with noise: levels that were not fitted lie in the intervals as often as these say, and the
// medians are close.
func TestPredictionsCoverHeldOutLevels(t *testing.T) {
	law := Law{Alpha: 0.04, Beta: 0.0004, Gamma: 50}
	random := rand.New(rand.NewPCG(7, 7))
	inside, all, coefficients := 0, 0, 0
	var missed []float64
	const series = 40
	for range series {
		var fitted, held []Point
		for i, n := range []float64{1, 3, 6, 10, 15, 21, 28, 36, 45, 55} {
			p := Point{n, law.Throughput(n) * (1 + 0.03*random.NormFloat64())}
			if i == 4 || i == 8 {
				held = append(held, p)
			} else {
				fitted = append(fitted, p)
			}
		}
		f := mustFit(t, fitted)
		if a, _, _ := f.Intervals(0.9); a.Low <= law.Alpha && law.Alpha <= a.High {
			coefficients++
		}
		for _, p := range held {
			said := f.Predict(p.N, 0.9)
			all++
			if said.Within.Low <= p.X && p.X <= said.Within.High {
				inside++
			}
			missed = append(missed, math.Abs(said.X/p.X-1))
		}
	}
	if share := float64(inside) / float64(all); share < 0.8 || share > 0.98 {
		t.Errorf("%.0f %% of held-out levels are within 90 %% intervals, want 80 to 98", 100*share)
	} else {
		t.Logf("%.1f %% of held-out levels are within 90 %% intervals", 100*share)
	}
	if share := float64(coefficients) / series; share < 0.8 || share > 0.98 {
		t.Errorf("α is within %.0f %% of its 90 %% intervals", 100*share)
	}
	if m := median(missed); m > 0.1 {
		t.Errorf("held-out levels are missed by %.1f %% in the median, want below 10", 100*m)
	}
}

func TestUsersWhoPauseAreWhereTheLawMeetsLittles(t *testing.T) {
	law := Law{Alpha: 0.02, Beta: 0.001, Gamma: 20}
	for _, users := range []float64{1, 40, 300, 4000} {
		x := law.Users(users, 1)
		if in := users - x; in < 0 || math.Abs(law.Throughput(in)-x) > 1e-6*x {
			t.Errorf("%v users: X is %v, with %v in the system it would be %v", users, x, in, law.Throughput(in))
		}
	}
}

func TestPointsThatAreNoneAreNamed(t *testing.T) {
	_, err := FitLaw([]Point{{1, 10}, {2, math.NaN()}, {0, 3}, {1, 11}})
	want := "points[1] is N 2, X NaN, want both above 0\npoints[2] is N 0, X 3, want both above 0\nthere are 3 different levels, want 4 or more"
	if err == nil || err.Error() != want {
		t.Errorf("%v", err)
	}
}
