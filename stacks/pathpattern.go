package stacks

// CloudFront's path patterns: * stands for any characters, / included, ? for exactly one; all else for itself, and case
// counts. Source: PathPattern of CacheBehavior,
// https://pkg.go.dev/github.com/aws/aws-sdk-go-v2/service/cloudfront@v1.73.0/types ; as remembered, 2026-11.

// pathsMeet reports whether some path matches both patterns.
func pathsMeet(a, b string) bool {
	return eachPair(a, b, func(a, b string, rest func(i, j int) bool) bool {
		switch {
		case star(a):
			return rest(1, 0) || b != "" && rest(0, 1)
		case star(b):
			return rest(0, 1) || a != "" && rest(1, 0)
		case a == "" || b == "":
			return a == b
		}
		return (one(a, b[0]) || one(b, a[0])) && rest(1, 1)
	})
}

// pathCovers reports whether every path that matches narrow also matches wide.
func pathCovers(wide, narrow string) bool {
	return eachPair(wide, narrow, func(wide, narrow string, rest func(i, j int) bool) bool {
		switch {
		case star(wide):
			return rest(1, 0) || narrow != "" && rest(0, 1)
		case wide == "" || narrow == "":
			return wide == narrow
		}
		return !star(narrow) && one(wide, narrow[0]) && rest(1, 1)
	})
}

// star reports whether the pattern begins with any characters, one whether it begins with the given one or with any
// one.
func star(pattern string) bool        { return pattern != "" && pattern[0] == '*' }
func one(pattern string, c byte) bool { return pattern[0] == c || pattern[0] == '?' }

// eachPair evaluates a relation of two texts that is defined by their remainders, each pair of remainders once. step
// gets the remainders and a function for the relation after i and j further bytes.
func eachPair(a, b string, step func(a, b string, rest func(i, j int) bool) bool) bool {
	const holds, fails = 1, 2
	known := make([]byte, (len(a)+1)*(len(b)+1)) // 0 = not yet
	var at func(i, j int) bool
	at = func(i, j int) bool {
		entry := &known[i*(len(b)+1)+j]
		if *entry == 0 {
			*entry = fails
			if step(a[i:], b[j:], func(di, dj int) bool { return at(i+di, j+dj) }) {
				*entry = holds
			}
		}
		return *entry == holds
	}
	return at(0, 0)
}
