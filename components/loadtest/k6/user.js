import exec from 'k6/execution';
import { sleep } from 'k6';
import { ask, searchPath } from './api.js';
import { megabytes, uploaded, verify } from './checks.js';
import { scenario } from './config.js';
import { complexQuery, leastUpload, simpleQuery, text, uploadBytes } from './corpus.js';
import { askBefore, askUntilFound, countDegraded, isMeasured, searchTopic } from './quality.js';
import { even, mix } from './mix.js';
import { zipf } from './zipf.js';

/**
 * @typedef {object} Prepared what setup hands to every user
 * @property {string} run
 * @property {string} since createdAt of the first document
 * @property {{ id: string, marker: string }[]} documents the most popular first
 * @property {import('./topics.js').Topic[]} topics none where quality is not measured
 */

/** What this user has at the moment; k6 keeps it between iterations. */
const mine = { session: '', step: 0, said: '', document: '', uploads: 0 };

/** How often a document that is ready is searched for, while replicas hear of it. */
const attempts = 10;

/** @type {Record<import('./mix.js').Kind, (data: Prepared, user: string) => void>} */
const actions = {
  'search-simple': (data, user) =>
    isMeasured(data, isFirst())
      ? searchTopic('search-simple', 'simple', data, user)
      : search('search-simple', 'simple', simpleQuery(Math.random()), user),
  'search-complex': (data, user) =>
    isMeasured(data, isFirst())
      ? searchTopic('search-complex', 'complex', data, user)
      : search('search-complex', 'complex', complexQuery(Math.random()), user),
  document: (data) => fetchDocument(data),
  session: (_, user) => session(user),
  dashboard: () => dashboard(),
  upload: (data) => upload(data),
};

/** Whether this is the beginning of the first user, who asks for one of each kind and measures what it can of each: the shortest
 * run tells of quality too. */
function isFirst() {
  return exec.vu.idInTest === 1 && exec.vu.iterationInScenario < mix.length;
}

/** One action of the user.
 * @param {import('./mix.js').Kind} kind
 * @param {Prepared} data */
export function act(kind, data) {
  actions[kind](data, `${data.run}-${exec.vu.idInTest}`);
}

/** @param {import('./mix.js').Kind} kind
 * @param {'simple' | 'complex'} mode
 * @param {string} q
 * @param {string} user */
function search(kind, mode, q, user) {
  const response = ask(kind, 'GET', '/v1/search', searchPath(q, mode, 10), {
    user,
  });
  const body = verify(kind, response, 200, {
    'answers what was asked': (b) => b.query === q && b.mode === mode,
    'has hits': (b) => b.hits.length > 0 && b.hits.length <= 10,
    'hits are whole': (b) => b.hits.every((/** @type {any} */ h) => h.documentId && h.title && h.snippet && h.score >= 0),
  });
  if (body && mode === 'complex') countDegraded(response);
}

/** @param {Prepared} data */
function fetchDocument(data) {
  const wanted = data.documents[zipf(data.documents.length)(Math.random())];
  if (!wanted) return;
  const response = ask('document', 'GET', '/v1/documents/{id}', `/v1/documents/${wanted.id}`);
  verify('document', response, 200, {
    'is the one asked for': (b) => b.id === wanted.id && b.metadata.marker === wanted.marker,
    'is ready': (b) => b.status === 'ready' && b.chunkCount > 0,
  });
}

function dashboard() {
  verify('dashboard', ask('dashboard', 'GET', '/v1/dashboard', '/v1/dashboard'), 200, {
    'counts documents': (b) => b.documents.count >= 0 && b.chunks.count >= 0,
    'has hours': (b) => Array.isArray(b.hours) && b.hours.length <= 24,
  });
}

/** A conversation, a request at a time: begin, say and read back three times, end.
 * @param {string} user */
function session(user) {
  const step = mine.step++;
  if (mine.session === '' || step === 0) beginSession(user);
  else if (step > 6) endSession();
  else if (step % 2 === 1) say(`message ${step} of ${user}`);
  else readBack();
}

/** @param {string} user */
function beginSession(user) {
  const begun = verify('session', ask('session', 'POST', '/v1/sessions', '/v1/sessions', { body: { user } }), 201, {
    'is the user’s': (b) => b.user === user && b.id !== '',
  });
  mine.session = begun ? begun.id : '';
  mine.step = begun ? 1 : 0;
}

function endSession() {
  verify('session', ask('session', 'DELETE', '/v1/sessions/{id}', `/v1/sessions/${mine.session}`), 204);
  forget();
}

/** @param {string} content */
function say(content) {
  const path = `/v1/sessions/${mine.session}/messages`;
  const kept = verify(
    'session',
    ask('session', 'POST', '/v1/sessions/{id}/messages', path, {
      body: { role: 'user', content },
    }),
    201,
    {
      'keeps what was said': (b) => b.role === 'user' && b.content === content,
    },
  );
  mine.said = content;
  if (!kept) forget();
}

function readBack() {
  const read = verify('session', ask('session', 'GET', '/v1/sessions/{id}', `/v1/sessions/${mine.session}`), 200, {
    'has what was said last': (b) => b.id === mine.session && b.messages[b.messages.length - 1].content === mine.said,
  });
  if (!read) forget();
}

function forget() {
  mine.session = '';
  mine.step = 0;
}

/** Uploads a document, follows it until a search finds it, and deletes the one before: what is stored does not grow.
 * @param {Prepared} data */
function upload(data) {
  const bytes = isFirst() ? leastUpload : uploadBytes(even(exec.vu.idInTest, mine.uploads++));
  const asked = askBefore(data, bytes);
  const marker = `${data.run}u${exec.vu.idInTest}n${exec.vu.iterationInScenario}`;
  const began = Date.now();
  const accepted = send(data, marker, text(asked ? `${marker}, the word ${asked}` : marker, bytes, Math.random));
  if (!accepted) return;
  // What is never found counts as twice the objective, where waiting ends.
  const most = 2 * scenario.thresholds.uploadSecondsPerMB * megabytes(bytes);
  const wasFound = ready(accepted.id, began + 1000 * most) && found(accepted.id, marker);
  uploaded(wasFound ? (Date.now() - began) / 1000 : most, bytes);
  if (asked) askUntilFound(asked, accepted.id, began);
  discard(accepted.id);
}

/** Uploads a document, and returns it as it was accepted, or null.
 * @param {Prepared} data
 * @param {string} marker
 * @param {string} content */
function send(data, marker, content) {
  const body = { title: `Upload ${marker}`, text: content, metadata: { loadtest: data.run, marker } };
  const response = ask('upload', 'POST', '/v1/documents', '/v1/documents', { body });
  return verify('upload', response, 202, {
    'is accepted': (b) => b.title === body.title && (b.status === 'pending' || b.status === 'ready'),
    'says where it will be': (b) => response.headers.Location === `/v1/documents/${b.id}`,
  });
}

/** Waits until a document is processed, and tells whether it was in time.
 * @param {string} id
 * @param {number} until ms since 1970 */
function ready(id, until) {
  for (let wait = 0.1; ; wait = Math.min(2, wait * 1.5)) {
    sleep(wait);
    const late = Date.now() > until;
    const response = ask('upload-status', 'GET', '/v1/documents/{id}', `/v1/documents/${id}`);
    const document = verify('upload-status', response, 200, {
      'is processed in time': (b) => b.status === 'ready' || (b.status === 'pending' && !late),
    });
    if (!document) return false;
    if (document.status === 'ready') return true;
  }
}

/** Searches for a processed document, again while replicas hear of it, and tells whether it was found.
 * @param {string} id
 * @param {string} marker */
function found(id, marker) {
  for (let attempt = 1; attempt <= attempts; attempt++) {
    // Each attempt has a limit of its own: an answer without hits stays in the cache under the other.
    const response = ask('upload-search', 'GET', '/v1/search', searchPath(marker, 'simple', attempt));
    const body = verify('upload-search', response, 200, {
      'finds the upload': (b) => (b.hits.length === 0 && attempt < attempts) || (b.hits.length === 1 && b.hits[0].documentId === id),
    });
    if (!body) return false;
    if (body.hits.length > 0) return true;
    sleep(0.5);
  }
  return false;
}

/** Deletes the user's document before this one.
 * @param {string} id */
function discard(id) {
  if (mine.document) {
    verify('delete', ask('delete', 'DELETE', '/v1/documents/{id}', `/v1/documents/${mine.document}`), 204);
  }
  mine.document = id;
}
