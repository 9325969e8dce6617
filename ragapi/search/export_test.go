package search

// AnyWord gives the external tests the fallback's query of a text.
func AnyWord(text string) string { return anyWord(these(parse(text), wanted)) }
