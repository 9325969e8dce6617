import http from 'k6/http';
import { sleep } from 'k6';
import { scenario, target, token } from './config.js';
import { bodyOf } from './checks.js';
import { now } from './slices.js';

/** @type {Record<string, string>} */
const signed = token ? { Authorization: `Bearer ${token}` } : {};
const json = { ...signed, 'Content-Type': 'application/json' };

/** Objectives of kinds of requests that are not like the others.
 * @type {Record<string, string>} */
const objectives = { 'search-complex': 'complex-search', freshness: '' };

/** One request of a user. Its tags name what it is for and which objective judges it; `name` keeps ids out of metrics. What
 * asks for freshness would make latency look better than it is: the same answer, time and again.
 * @param {string} kind
 * @param {'GET' | 'POST' | 'DELETE'} method
 * @param {string} route with {id} for what differs
 * @param {string} path
 * @param {{ body?: object, user?: string }} [given] */
export function ask(kind, method, route, path, { body, user } = {}) {
  const objective = objectives[kind] ?? 'response';
  const headers = {
    ...(body ? json : signed),
    ...(user ? { 'X-User-Id': user } : {}),
  };
  const tags = { kind, objective, name: `${method} ${route}`, slice: now(scenario.durationSeconds) };
  return http.request(method, target + path, body ? JSON.stringify(body) : null, { headers, tags });
}

/** @param {string} q
 * @param {'simple' | 'complex'} mode
 * @param {number} limit */
export function searchPath(q, mode, limit) {
  return `/v1/search?q=${encodeURIComponent(q)}&mode=${mode}&limit=${limit}`;
}

/** Stores a document before the run; its requests are judged by no objective. Throws when it is not taken.
 * @param {{ title: string, text: string, metadata: object }} document
 * @returns {{ id: string, createdAt: string }} */
export function store(document) {
  const response = http.post(`${target}/v1/documents`, JSON.stringify(document), { headers: json, tags: preparing('POST') });
  const stored = bodyOf(response);
  if (response.status !== 202 || !stored.id) throw new Error(`POST /v1/documents answered ${response.status}, want 202: ${response.body}`);
  return stored;
}

/** Waits until a stored document is processed. Throws when that fails or takes too long.
 * @param {string} id
 * @param {number} until ms since 1970 */
export function processed(id, until) {
  for (;;) {
    const response = http.get(`${target}/v1/documents/${id}`, {
      headers: signed,
      tags: preparing('GET'),
    });
    const { status } = bodyOf(response);
    if (status === 'ready') return;
    if (status === 'failed' || Date.now() > until) throw new Error(`document ${id} is ${status} (answer ${response.status}), want ready`);
    sleep(0.5);
  }
}

/** The hits of a complex search before the run.
 * @param {string} q
 * @returns {any[]} none where there is no answer */
export function look(q) {
  const response = http.get(target + searchPath(q, 'complex', 10), { headers: signed, tags: preparing('GET') });
  return bodyOf(response).hits ?? [];
}

/** Deletes the documents of a run, the newest page first, back to its beginning.
 * @param {string} run
 * @param {string} since createdAt of the run's first document
 * @param {number} until ms since 1970 */
export function sweep(run, since, until) {
  let cursor = '';
  do {
    const page = bodyOf(
      http.get(`${target}/v1/documents?limit=100${cursor}`, {
        headers: signed,
        tags: preparing('GET'),
      }),
    );
    /** @type {{ id: string, createdAt: string, metadata?: { loadtest?: string } }[]} */
    const documents = page.documents ?? [];
    const ours = documents.filter((d) => d.metadata?.loadtest === run);
    http.batch(
      ours.map((d) => ({
        method: 'DELETE',
        url: `${target}/v1/documents/${d.id}`,
        params: { headers: signed, tags: preparing('DELETE') },
      })),
    );
    const oldest = documents[documents.length - 1];
    if (!page.next || (oldest && Date.parse(oldest.createdAt) < Date.parse(since))) return;
    cursor = `&cursor=${encodeURIComponent(page.next)}`;
  } while (Date.now() < until);
}

/** @param {string} method */
function preparing(method) {
  return { kind: 'preparation', name: `${method} (preparation)` };
}
