package cloudwatch

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"strings"
)

// mostRule is CloudWatch's limit of characters.
const mostRule = 10240

// termForm is a state of an alarm in a rule: ALARM("name"), OK(name), INSUFFICIENT_DATA('name').
var termForm = regexp.MustCompile(`\b(ALARM|OK|INSUFFICIENT_DATA)\s*\(\s*(?:"([^"]+)"|'([^']+)'|([^\s()"']+))\s*\)`)

// holds evaluates the rule of a composite alarm. stateOf finds an alarm's state by its name or ARN.
// Source: PutCompositeAlarm's AlarmRule,
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutCompositeAlarm.html
func holds(text string, stateOf func(name string) (State, bool)) (bool, error) {
	if len(text) > mostRule {
		return false, fmt.Errorf("the rule has %d characters, want at most %d", len(text), mostRule)
	}
	var unknown []string
	known := termForm.ReplaceAllStringFunc(text, func(term string) string {
		m := termForm.FindStringSubmatch(term)
		name := m[2] + m[3] + m[4]
		state, ok := stateOf(name)
		if !ok {
			unknown = append(unknown, name)
		}
		if state == State(m[1]) {
			return " TRUE "
		}
		return " FALSE "
	})
	if len(unknown) > 0 {
		return false, fmt.Errorf("the rule names alarms that do not exist: %s", strings.Join(unknown, ", "))
	}
	root, err := parser.ParseExpr(strings.Join(strings.Fields(inGo(known)), " "))
	if err != nil {
		return false, fmt.Errorf("the rule %q does not parse: %w", text, err)
	}
	return truthOf(root)
}

var operatorWord = regexp.MustCompile(`\b(AND|OR|NOT)\b`)

// inGo has Go's operators in place of the rule's.
func inGo(text string) string {
	return operatorWord.ReplaceAllStringFunc(text, func(word string) string {
		return map[string]string{"AND": "&&", "OR": "||", "NOT": "!"}[word]
	})
}

func truthOf(e ast.Expr) (bool, error) {
	switch e := e.(type) {
	case *ast.ParenExpr:
		return truthOf(e.X)
	case *ast.Ident:
		if e.Name == "TRUE" || e.Name == "FALSE" {
			return e.Name == "TRUE", nil
		}
		return false, fmt.Errorf("the rule has %q, want ALARM, OK, INSUFFICIENT_DATA, TRUE, FALSE, AND, OR, NOT", e.Name)
	case *ast.UnaryExpr:
		v, err := truthOf(e.X)
		if e.Op != token.NOT {
			err = badOperator(e.Op)
		}
		return !v, err
	case *ast.BinaryExpr:
		return truthOfBoth(e)
	}
	return false, fmt.Errorf("a part of the rule (%T) is none of alarms' states", e)
}

func truthOfBoth(e *ast.BinaryExpr) (bool, error) {
	a, err := truthOf(e.X)
	if err != nil {
		return false, err
	}
	b, err := truthOf(e.Y)
	if err != nil {
		return false, err
	}
	switch e.Op {
	case token.LAND:
		return a && b, nil
	case token.LOR:
		return a || b, nil
	}
	return false, badOperator(e.Op)
}

func badOperator(op token.Token) error {
	return fmt.Errorf("the rule has the operator %s, want AND, OR, NOT", op)
}
