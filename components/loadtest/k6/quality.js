import exec from 'k6/execution';
import { sleep } from 'k6';
import { Rate, Trend } from 'k6/metrics';
import { ask, searchPath } from './api.js';
import { verify } from './checks.js';
import { scenario } from './config.js';
import { invented, question } from './topics.js';

/** Relevant documents that were among the first ten hits, of all that there are to the queries: recall@10. */
const recall = new Rate('recall');

/** Complex searches of whose answers the API says that they were made without vectors, of all. */
const degraded = new Rate('degraded');

/** Those about topics whose answers show no trace of vectors, whatever the API says. */
const withoutVectors = new Rate('without_vectors');

/** From an upload's acceptance until a search that had been asked before has it, s. */
const freshness = new Trend('freshness_seconds');

/** The share of searches that are about a topic. With what freshness asks they are less than 5 % of all requests. */
const share = 0.015;

/** Uploads above this are followed by their own search alone, bytes: freshness is that of answers, not of long processing. */
const mostBytes = 10_000;

/** Whether a search is to be one about a topic.
 * @param {import('./user.js').Prepared} data
 * @param {boolean} first the first of its kind in the run is */
export function isMeasured(data, first) {
  return data.topics.length > 0 && (first || Math.random() < share);
}

/** A search whose relevant documents are known. A hit of no topic, or of another, is not relevant; one that the query excludes is wrong.
 * @param {'search-simple' | 'search-complex'} kind
 * @param {'simple' | 'complex'} mode
 * @param {import('./user.js').Prepared} data
 * @param {string} user */
export function searchTopic(kind, mode, data, user) {
  const { q, relevant, excluded } = question(data.topics, mode, Math.random);
  const response = ask(kind, 'GET', '/v1/search', searchPath(q, mode, 10), { user });
  const body = verify(kind, response, 200, {
    'answers what was asked': (b) => b.query === q && b.mode === mode && b.hits.length <= 10,
    'leaves out what is excluded': (b) => !b.hits.some((/** @type {any} */ h) => h.documentId === excluded),
  });
  if (!body) return; // a fault, and no answer to be judged
  const found = new Set(body.hits.map((/** @type {any} */ h) => h.documentId));
  for (const id of relevant) recall.add(found.has(id));
  if (mode === 'simple') return;
  countDegraded(response);
  withoutVectors.add(!body.hits.some(isSimilar));
}

/** Counts the answer to a complex search for what it says of itself.
 * @param {import('k6/http').Response} response */
export function countDegraded(response) {
  degraded.add(response.headers['X-Degraded'] !== undefined);
}

/** Whether a hit was found by its vector alone. Words find three documents of a topic, and vectors the next ones: an answer without any was
 * made without vectors.
 * @param {any} hit */
export function isSimilar(hit) {
  return hit.match === 'similar';
}

/** A user's question to which only what it uploads is an answer, asked before the upload, so that a cache has an answer without it.
 * @param {import('./user.js').Prepared} data
 * @param {number} bytes of the upload
 * @returns {string} the word that the upload has to have, empty where it is not followed */
export function askBefore(data, bytes) {
  if (data.topics.length === 0 || bytes > mostBytes || left() < scenario.thresholds.freshnessSeconds) return '';
  const word = invented(`${data.run} user ${exec.vu.idInTest}`);
  return askFor(word) ? word : '';
}

/** Seconds that the run goes on for, its grace included.
 * @returns {number} */
function left() {
  return scenario.durationSeconds + scenario.gracefulSeconds - (Date.now() - exec.scenario.startTime) / 1000;
}

/** Asks the question of before until the answer has the document, at most until the objective is missed. What it measures is up to 5 s
 * too long, which is how often it asks: oftener, and it would be a load of its own.
 * @param {string} word
 * @param {string} id
 * @param {number} accepted ms since 1970 */
export function askUntilFound(word, id, accepted) {
  const most = scenario.thresholds.freshnessSeconds;
  for (let wait = 2; ; wait = Math.min(5, 2 * wait)) {
    const body = askFor(word);
    if (!body) return; // a fault
    const seconds = (Date.now() - accepted) / 1000;
    const found = body.hits.some((/** @type {any} */ h) => h.documentId === id);
    if (found || seconds >= most) {
      freshness.add(seconds);
      return;
    }
    sleep(wait);
  }
}

/** @param {string} word
 * @returns {any} the answer, or null when it is wrong */
function askFor(word) {
  const response = ask('freshness', 'GET', '/v1/search', searchPath(word, 'simple', 10));
  return verify('freshness', response, 200, { 'answers what was asked': (b) => b.query === word && b.hits.length <= 10 });
}
