import { check } from 'k6';
import { Rate, Trend } from 'k6/metrics';
import { scenario } from './config.js';
import { now } from './slices.js';

/** Requests that failed or whose answer was wrong, of all. */
const faults = new Rate('faults');

/** From acceptance until the document can be found; below 1 MB counts as 1 MB. */
const uploadSecondsPerMB = new Trend('upload_seconds_per_mb');

/** An answer's body as JSON, or {} where there is none.
 * @param {import('k6/http').Response} response
 * @returns {any} */
export function bodyOf(response) {
  try {
    return response.json() ?? {};
  } catch {
    return {};
  }
}

/** Whether a condition holds; a body without what it looks at does not.
 * @param {(body: any) => boolean} holds
 * @param {any} body */
function holdsOf(holds, body) {
  try {
    return holds(body) === true;
  } catch {
    return false;
  }
}

/** Checks an answer and counts the request as right or wrong.
 * @param {string} kind
 * @param {import('k6/http').Response} response
 * @param {number} status
 * @param {Record<string, (body: any) => boolean>} [content] what the body has to be
 * @returns {any} the body, or null when anything is wrong */
export function verify(kind, response, status, content = {}) {
  const body = status === 204 ? {} : bodyOf(response);
  /** @type {Record<string, () => boolean>} */
  const conditions = {
    [`${kind}: status is ${status}`]: () => response.status === status,
  };
  for (const [name, holds] of Object.entries(content)) {
    conditions[`${kind}: ${name}`] = () => response.status === status && holdsOf(holds, body);
  }
  const right = check(response, conditions, { kind });
  faults.add(!right, { kind, slice: now(scenario.durationSeconds) });
  return right ? body : null;
}

/** @param {number} seconds
 * @param {number} bytes */
export function uploaded(seconds, bytes) {
  uploadSecondsPerMB.add(seconds / megabytes(bytes));
}

/** @param {number} bytes */
export function megabytes(bytes) {
  return Math.max(1, bytes / 1e6);
}
