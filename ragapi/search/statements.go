package search

import "strings"

// candidates is how many matching chunks a search ranks at most. Ranking reads every match's vector, so a word that
// is in every chunk would make a search read the whole table; with the bound its cost has a ceiling, and only such
// words' ranking is by sample.
const candidates = "5000"

// Every statement takes the query's text as $1 and the number of hits as $2. In order: the index gives the matches, they are
// ranked, and only the best get a title and a snippet, for ts_headline parses the whole text of a chunk. ts_rank_cd
// (cover density: near words count more) with normalisation 32 is rank/(rank+1), below 1. The inner LIMIT also
// keeps the planner from flattening the steps into one.
var (
	termsSQL  = statement("websearch_to_tsquery('english', $1)", "0", "'terms'")
	phraseSQL = statement("websearch_to_tsquery('english', $1)", phraseBonus, "CASE WHEN r.phrase > 0 THEN 'phrase' ELSE 'terms' END")
	prefixSQL = statement("to_tsquery('english', $1)", "0", "'prefix'")
)

// phraseBonus is 1 for a chunk that has the words, two at least, side by side and in order, which puts all of those first.
const phraseBonus = "CASE WHEN numnode(phraseto_tsquery('english', $1)) > 1 AND m.tsv @@ phraseto_tsquery('english', $1) THEN 1 ELSE 0 END"

func statement(query, bonus, match string) string {
	return strings.NewReplacer("{query}", query, "{bonus}", bonus, "{match}", match, "{candidates}", candidates).Replace(`
SELECT r.document_id, d.title, r.position, r.score::float8,
       ts_headline('english', c.content, {query}, 'StartSel=` + markStart + `, StopSel=` + markStop + `, MaxFragments=2, MinWords=8, MaxWords=24, FragmentDelimiter=" … "'),
       {match}
FROM (
    SELECT m.document_id, m.position, ts_rank_cd(m.tsv, {query}, 32) AS score, {bonus} AS phrase
    FROM (SELECT document_id, position, tsv FROM chunks WHERE tsv @@ {query} LIMIT {candidates}) m
    ORDER BY phrase DESC, score DESC, m.document_id, m.position
    LIMIT $2
) r
JOIN documents d ON d.id = r.document_id
JOIN chunks c ON c.document_id = r.document_id AND c.position = r.position
ORDER BY r.phrase DESC, r.score DESC, r.document_id, r.position`)
}

// snippetLength is in characters, for chunks that have no word to show.
const snippetLength = "200"

// showSQL takes documents' ids as $1 and positions as $2.
const showSQL = `
SELECT c.document_id, d.title, c.position, 0::float8, left(c.content, ` + snippetLength + `), 'similar'
FROM unnest($1::uuid[], $2::int[]) AS p (document_id, position)
JOIN chunks c ON c.document_id = p.document_id AND c.position = p.position
JOIN documents d ON d.id = p.document_id`
