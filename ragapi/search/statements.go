package search

import (
	"fmt"
	"strings"
)

// A search ranks what it reads, so what it reads is bounded. Up to some ranked matches all are; of more, those that matter most
// whatever the others are: exact titles, words in titles, the newest, and an even sample of all, half as large at most. The
// sample is another one for each query. A chunk is in one sample of each size, by its hash; chunk_samples names them, and is
// indexed beside the words, so that a sample of a frequent word costs no more than its size.
const (
	ranked    = 5000 // matches
	strict    = 4    // times as many are looked at where more is asked of a match than an index can tell
	titles    = 1000 // matches in titles
	newChunks = 500  // the newest chunks, and
	newest    = 100  // the newest documents'
	newPieces = 5    // first chunks
	estimate  = 256  // one in so many chunks is looked at to estimate the matches
	dense     = 0.8  // of 1, the rank of a word's places from which a chunk is full of it: 0.83 is three of them
	spare     = 20   // times the hits that are wanted are taken from the top, of which some are of one document; if too many are, all are sorted
)

// rankSQL ranks the chunks that match a query: place, version (0 for not known), tier and score, the best first. It takes
//
//	$1 what the index is asked for      $2 what is wanted, phrases included    $3 what is excluded, or NULL
//	$4 words for the tier of phrases    $5 what the text says, or NULL         $6 hits of one document
//	$7 hits                             $8 the sample's number                 $9 whether more is asked than $1
//	$10 what they are ranked by
//
// and from $11 on the alternatives of each condition of the filter. Ranks are of normalisation 32: rank/(rank+1), below 1. The queries
// are computed once, in q: a generic plan would do so for each row. Their words are read as those of chunks are, see chunk_words.
const rankSQL = `
WITH q AS MATERIALIZED (
    SELECT *, CASE WHEN numnode(terms) > 3 THEN regexp_replace(terms::text, ' (&|<[-0-9]+>) ', ' | ', 'g')::tsquery END AS any_of FROM (
    SELECT {read}('english', {words}($1)) AS asked, websearch_to_tsquery('english', chunk_words($3)) AS excluded,
           coalesce({read}('english', {words}($2)) && !!websearch_to_tsquery('english', chunk_words($3)), {read}('english', {words}($2))) AS wanted,
           {read}('english', {words}($10)) AS terms,
           CASE WHEN numnode(phraseto_tsquery('english', chunk_words($4))) > 1 THEN phraseto_tsquery('english', chunk_words($4)) END AS phrase,
           -- Every lexeme with the weight that only titles have.
           CASE WHEN $5::text IS NOT NULL THEN regexp_replace({read}('english', {words}($1))::text, $$'([^']|'')*'$$, '\&:A', 'g')::tsquery END AS titled) read
), names AS MATERIALIZED (
    SELECT document_id, position, version, tsv FROM chunks
    WHERE position = 0 AND chunk_name(heading) = (SELECT nullif(chunk_name($5::text), '')) ORDER BY document_id DESC LIMIT {titles}
), few AS MATERIALIZED ({few}
), share AS MATERIALIZED (
    SELECT CASE WHEN (SELECT count(*) FROM few) > 0 THEN 0
                WHEN n * {estimate} <= most THEN 1 WHEN n * {estimate} / 4 <= most / 2 THEN 4
                WHEN n * {estimate} / 16 <= most / 2 THEN 16 WHEN n * {estimate} / 64 <= most / 2 THEN 64 ELSE 256 END AS one_in, most
    FROM (SELECT count(*) AS n, CASE WHEN $9::bool THEN {strict} * {ranked} ELSE {ranked} END AS most
          FROM (SELECT FROM chunks WHERE (SELECT count(*) FROM few) = 0 AND tsv @@ (SELECT asked FROM q)
                AND chunk_samples(document_id, position) @> ARRAY[{estimate} + ($8::int & ({estimate} - 1))] LIMIT {ranked}) s) e
), candidates AS (
    (SELECT document_id, position, version, tsv FROM chunks
     WHERE (SELECT one_in FROM share) = 1 AND tsv @@ (SELECT asked FROM q) LIMIT 2 * (SELECT most FROM share))
    UNION ALL
    (SELECT document_id, position, version, tsv FROM chunks
     WHERE (SELECT one_in FROM share) > 1 AND tsv @@ (SELECT asked FROM q)
     AND chunk_samples(document_id, position) @> ARRAY[(SELECT one_in + ($8::int & (one_in - 1)) FROM share)] LIMIT 2 * (SELECT most FROM share))
    UNION ALL
    (SELECT document_id, position, version, tsv FROM chunks
     WHERE (SELECT one_in FROM share) > 1 AND position = 0 AND ts_filter(tsv, '{a}') @@ (SELECT asked FROM q) LIMIT {titles})
    UNION ALL
    (SELECT document_id, position, version, tsv
     FROM (SELECT * FROM chunks WHERE (SELECT one_in FROM share) > 1 ORDER BY document_id DESC, position DESC LIMIT {newChunks}) n
     WHERE tsv @@ (SELECT asked FROM q))
    UNION ALL
    (SELECT c.document_id, c.position, c.version, c.tsv
     FROM (SELECT id FROM (SELECT id, status FROM documents WHERE (SELECT one_in FROM share) > 1 ORDER BY id DESC LIMIT 4 * {newest}) d
           WHERE status = 'ready' LIMIT {newest}) n
     CROSS JOIN LATERAL (SELECT * FROM chunks WHERE document_id = n.id AND position < {newPieces} OFFSET 0) c
     WHERE c.tsv @@ (SELECT asked FROM q))
    UNION ALL
    (SELECT document_id, position, version, tsv FROM names)
    UNION ALL
    (SELECT c.document_id, c.position, c.version, c.tsv FROM few
     CROSS JOIN LATERAL (SELECT * FROM chunks WHERE document_id = few.id OFFSET 0) c WHERE c.tsv @@ (SELECT asked FROM q))
), scored AS MATERIALIZED (
    SELECT document_id, position, version, ({score})::float8 AS score,
           CASE WHEN named THEN {name} WHEN position = 0 AND tsv @@ (SELECT titled FROM q) THEN {title}
                WHEN tsv @@ (SELECT phrase FROM q) THEN {phrase} ELSE {tier} END AS tier
    FROM (SELECT *, position = 0 AND document_id IN (SELECT document_id FROM names) AS named FROM candidates) c
    WHERE CASE WHEN named THEN coalesce(NOT tsv @@ (SELECT excluded FROM q), true)
               WHEN $9 THEN tsv @@ (SELECT wanted FROM q) ELSE true END{filter}
), best AS MATERIALIZED (
    SELECT * FROM scored ORDER BY tier DESC, score DESC, document_id DESC, position LIMIT {spare} * $7::int
), kept AS MATERIALIZED (
    SELECT DISTINCT document_id, position, version, tier, score FROM (
        SELECT *, dense_rank() OVER (PARTITION BY document_id ORDER BY tier DESC, score DESC, position) AS nth FROM best) b
    WHERE nth <= $6::int
), crowded AS MATERIALIZED (
    SELECT (SELECT count(*) FROM kept) < $7::int AND (SELECT count(*) FROM best) = {spare} * $7::int AS are
)
SELECT document_id, position, coalesce(version, 0), tier, score FROM kept WHERE NOT (SELECT are FROM crowded)
UNION ALL
(SELECT DISTINCT document_id, position, coalesce(version, 0), tier, score FROM (
    SELECT *, dense_rank() OVER (PARTITION BY document_id ORDER BY tier DESC, score DESC, position) AS nth FROM scored WHERE (SELECT are FROM crowded)) s
 WHERE nth <= $6::int)
ORDER BY tier DESC, score DESC, document_id DESC, position LIMIT $7::int`

// fewSQL are the documents that meet the filter, where they have so few chunks that all can be looked at.
const fewSQL = `
    SELECT id FROM (SELECT id, sum(chunk_count) OVER () AS chunks, count(*) OVER () AS documents FROM (
        SELECT id, chunk_count FROM documents WHERE {conditions} LIMIT {ranked} + 1) d) d WHERE chunks <= {ranked} AND documents <= {ranked}`

// nearSQL ranks a chunk that has every word by how near each other these are (cover density). That costs the places that the chunk has
// them in, times how far it is from one of them to all others, times their number: so it is asked for a few words, each once, and no more than
// two of a chunk that is dense with them. One with three or more is dense where it has each some three times or more, as they are counted by the
// sums of reciprocal squares that ts_rank makes of places. There nearness says little; it is ranked by these sums.
const nearSQL = `CASE WHEN ts_rank('{1,1,1,1}', tsv, (SELECT any_of FROM q)) > {dense} THEN ts_rank('{1,1,1,1}', tsv, (SELECT any_of FROM q), 32)
                ELSE ts_rank_cd(tsv, (SELECT terms FROM q), 32) END`

// oftenSQL ranks a chunk that has some words by how many of them it has, and how often. That costs the places alone.
const oftenSQL = `ts_rank(tsv, (SELECT terms FROM q), 32)`

// everySQL and someSQL rank the chunks that have every word, or some, with a filter of so many conditions.
var everySQL, someSQL = func() (every, some [MaxConditions + 1]string) {
	for conditions := range every {
		every[conditions] = rankStatement("websearch_to_tsquery", "chunk_words", nearSQL, tierTerms, conditions)
		some[conditions] = rankStatement("to_tsquery", "", oftenSQL, tierPrefix, conditions) // its text has words only
	}
	return every, some
}()

// rankStatement returns rankSQL for a query that read makes of the words of its text, ranked by score, with a filter of so many conditions.
func rankStatement(read, words, score string, tier, conditions int) string {
	few, filter := "SELECT NULL::uuid AS id WHERE false", ""
	if conditions > 0 {
		few, filter = strings.ReplaceAll(fewSQL, "{conditions}", meets("metadata", 11, conditions)), "\n    AND "+documentMeets("c", 11, conditions)
	}
	parts := strings.NewReplacer("{read}", read, "{words}", words, "{few}", few, "{filter}", filter, "{score}", score, "{tier}", fmt.Sprint(tier))
	return bounds.Replace(parts.Replace(rankSQL))
}

var bounds = strings.NewReplacer("{ranked}", fmt.Sprint(ranked), "{strict}", fmt.Sprint(strict), "{titles}", fmt.Sprint(titles),
	"{newChunks}", fmt.Sprint(newChunks), "{newPieces}", fmt.Sprint(newPieces), "{newest}", fmt.Sprint(newest), "{estimate}", fmt.Sprint(estimate), "{spare}", fmt.Sprint(spare), "{dense}", fmt.Sprint(dense),
	"{name}", fmt.Sprint(tierName), "{title}", fmt.Sprint(tierTitle), "{phrase}", fmt.Sprint(tierPhrase))

// meets is true of metadata that meets so many conditions, whose alternatives are the parameters from first on.
func meets(metadata string, first, conditions int) string {
	all := make([]string, conditions)
	for i := range all {
		all[i] = fmt.Sprintf("%s @> ANY ($%d::jsonb[])", metadata, first+i)
	}
	return strings.Join(all, " AND ")
}

// documentMeets is true of rows of chunks in documents that meet the conditions. A sub-select and not a join: it is asked of the
// candidates alone, whatever number of documents meets them.
func documentMeets(chunks string, first, conditions int) string {
	return "(SELECT " + meets("d.metadata", first, conditions) + " FROM documents d WHERE d.id = " + chunks + ".document_id)"
}

// allowedSQL returns which of the pieces with documents $1, positions $2 and versions $3 there are, by their number from 1 and with
// their version, not with what $4 excludes. A chunk of which no version is known is that of any.
func allowedSQL(conditions int) string {
	filter := ""
	if conditions > 0 {
		filter = " AND " + documentMeets("c", 5, conditions)
	}
	return `
SELECT p.n, coalesce(c.version, 0)
FROM unnest($1::uuid[], $2::int[], $3::int[]) WITH ORDINALITY AS p (document_id, position, version, n)
JOIN chunks c ON c.document_id = p.document_id AND c.position = p.position AND coalesce(c.version, p.version) = p.version
WHERE coalesce(NOT c.tsv @@ websearch_to_tsquery('english', chunk_words($4)), true)` + filter + `
ORDER BY p.n`
}

// showSQL reads the chunks with documents $1, positions $2 and versions $3, with $5 neighbours at each side, and the lexemes of $4.
const showSQL = `
SELECT c.document_id, c.position, d.title, c.content, (SELECT tsvector_to_array(to_tsvector('english', chunk_words($4)))), b.texts, a.texts
FROM unnest($1::uuid[], $2::int[], $3::int[]) AS p (document_id, position, version)
JOIN chunks c ON c.document_id = p.document_id AND c.position = p.position AND coalesce(c.version, 0) = p.version
JOIN documents d ON d.id = p.document_id
LEFT JOIN LATERAL (SELECT array_agg(n.content ORDER BY n.position) AS texts FROM chunks n
    WHERE $5 > 0 AND n.document_id = p.document_id AND n.position BETWEEN p.position - $5 AND p.position - 1) b ON true
LEFT JOIN LATERAL (SELECT array_agg(n.content ORDER BY n.position) AS texts FROM chunks n
    WHERE $5 > 0 AND n.document_id = p.document_id AND n.position BETWEEN p.position + 1 AND p.position + $5) a ON true`
