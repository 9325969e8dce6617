import { SharedArray } from 'k6/data';
import { zipf } from './zipf.js';

/** The vocabulary of documents and queries, the most popular word first. */
export const words = (
  'lamp harbour keeper signal storm anchor vessel lantern current beacon tide compass channel voyage sailor ' +
  'rigging captain chart island reef cargo mast engine crew bridge canal coast deck dock estuary ferry fleet fog ' +
  'galley gale gangway hatch hull jetty keel knot lagoon ledge lighthouse longboat marina mooring navigator oar ocean ' +
  'paddle pier pilot port propeller quay raft rudder sail salvage schooner sextant shipyard shoal skipper sounding ' +
  'starboard stern surf swell tanker tiller tonnage trawler tug wake watch wave wharf whistle winch wind wreck yacht'
).split(' ');

const popular = zipf(words.length);

/** How many different queries of a mode there are. */
const queries = 1000;
const query = zipf(queries);

/** @param {number} index */
function word(index) {
  return words[index % words.length] ?? '';
}

/** One or two words that stand side by side in the glossary, so that there is always a hit.
 * @param {number} random */
export function simpleQuery(random) {
  const rank = query(random);
  const first = rank % words.length;
  return rank < words.length || first === words.length - 1 ? word(first) : `${word(first)} ${word(first + 1)}`;
}

/** Three to five words from all over the vocabulary, which no chunk needs to have together.
 * @param {number} random */
export function complexQuery(random) {
  const rank = query(random);
  const picked = new Set();
  for (let i = 0; i < 3 + (rank % 3); i++) picked.add(word(rank * 7 + i * 31));
  return [...picked].join(' ');
}

/** Sentences of popular words, drawn once for all users of a generator: to draw them for each upload takes milliseconds.
 * @type {string[]} */
const sentences = new SharedArray('sentences', () =>
  Array.from({ length: 512 }, () => `${Array.from({ length: 12 }, () => word(popular(Math.random()))).join(' ')}.`),
);

/** A sentence of popular words.
 * @param {() => number} random
 * @returns {string} */
export function sentence(random) {
  return sentences[Math.floor(random() * sentences.length)] ?? '';
}

/** Text of popular words with a marker that no other document has.
 * @param {string} marker
 * @param {number} bytes about that many
 * @param {() => number} random */
export function text(marker, bytes, random) {
  const drawn = [];
  for (let size = 0; size < bytes && size < 8192;) {
    const next = sentence(random);
    drawn.push(next);
    size += next.length + 1;
  }
  const body = drawn.join(' ');
  const once = `The marker of this document is ${marker}. ${body}`;
  // What is longer repeats itself: the work of indexing it is the same, that of making it up is not.
  return once + `\n${body}`.repeat(Math.max(0, Math.floor(bytes / once.length) - 1));
}

/** A document that has every word, so that no search for one of them is without a hit.
 * @param {string} marker */
export function glossary(marker) {
  return `The marker of this document is ${marker}. ${words.join(' ')}.`;
}

/** Bytes of the most uploads. */
export const leastUpload = 4_000;

/** Sizes of uploads in bytes: most are short, one in twenty is a megabyte.
 * @param {number} random */
export function uploadBytes(random) {
  if (random < 0.7) return leastUpload;
  return random < 0.95 ? 60_000 : 1_000_000;
}
