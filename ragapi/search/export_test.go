package search

// Statements gives the external tests what would be sent.
var Statements = map[string]string{"terms": termsSQL, "phrase": phraseSQL, "prefix": prefixSQL}

// PrefixQuery gives the external tests the fallback's query.
var PrefixQuery = prefixQuery
