import { sentence, text } from './corpus.js';

/**
 * Documents of which is known beforehand what finds them: each topic has words that no other text has, so that a query of them
 * has its relevant documents by construction, for full-text and for vectors. They stand among the words of all documents.
 *
 * @typedef {object} Topic
 * @property {string[]} words that each of its documents has
 * @property {string[]} marks one of each document's own
 * @property {string[]} documents ids, in the order of marks
 *
 * @typedef {object} Question
 * @property {string} q
 * @property {string[]} relevant ids of all documents that it is about
 * @property {string} excluded id of the document that may not be found, or empty
 */

/** Documents of a topic: as few as leave room for all of them among ten hits. */
export const perTopic = 5;
const wordsPerTopic = 8;

/** How often a document says each word of its topic. */
const repeats = 7;

/** Topics of a generator: with them two in five of its documents, and hundreds of different questions. */
const mostTopics = 8;

const consonants = 'bdfgjklmnprstvwz';
const vowels = 'aeiou';
/** Ends that English has no ending of, so that stems are the words themselves. */
const ends = 'bkpvz';

/** A word that no language has, the same for the same name. FNV-1a, then a multiplication for each letter.
 * @param {string} name
 * @returns {string} of eleven letters */
export function invented(name) {
  let hash = 2166136261;
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 16777619);
  /** @param {string} letters */
  const one = (letters) => {
    hash = Math.imul(hash ^ (hash >>> 15), 2246822519) + 1;
    return letters[(hash >>> 8) % letters.length] ?? '';
  };
  let word = '';
  for (let i = 0; i < 5; i++) word += one(consonants) + one(vowels);
  return word + one(ends);
}

/** How many topics some documents have room for.
 * @param {number} documents */
export function topicsIn(documents) {
  return Math.min(mostTopics, Math.floor(documents / perTopic));
}

/** The words of a run's topics; their documents are to be stored yet.
 * @param {string} run
 * @param {number} count
 * @returns {Topic[]} */
export function topicsOf(run, count) {
  return Array.from({ length: count }, (_, t) => ({
    words: Array.from({ length: wordsPerTopic }, (_, i) => invented(`${run} topic ${t} word ${i}`)),
    marks: Array.from({ length: perTopic }, (_, i) => invented(`${run} topic ${t} mark ${i}`)),
    documents: [],
  }));
}

/** The text of a topic's document: its own words time and again, so that vectors find it by them, among those of other documents; short enough
 * for one chunk.
 * @param {Topic} topic
 * @param {number} index of the document
 * @param {string} marker
 * @param {() => number} random */
export function textOf(topic, index, marker, random) {
  const about = Array.from({ length: repeats }, () => topic.words.join(' ')).join(', ');
  const others = sentence(random).split(' ').slice(0, 5).join(' ');
  return text(`${marker}. It has ${topic.marks[index]}, and is about ${about}`, 0, random) + others;
}

/** @template T
 * @param {readonly T[]} all
 * @param {number} count
 * @param {() => number} random
 * @returns {T[]} some of them, each once */
function some(all, count, random) {
  const left = [...all];
  return Array.from({ length: count }, () => left.splice(Math.floor(random() * left.length), 1)).flat();
}

/** What is asked of a topic. Simple: two words of all its documents, or one of them and not what a document has alone. Complex: words
 * that three of its documents have one each of, which full-text finds when it looks for any of them.
 * @param {Topic[]} topics one or more
 * @param {'simple' | 'complex'} mode
 * @param {() => number} random
 * @returns {Question} */
export function question(topics, mode, random) {
  const [topic] = some(topics, 1, random);
  if (!topic) return { q: '', relevant: [], excluded: '' };
  const places = some([...topic.marks.keys()], 3, random);
  /** @param {number | undefined} place */
  const id = (place) => topic.documents[place ?? 0] ?? '';
  if (mode === 'complex') return { q: places.map((place) => topic.marks[place]).join(' '), relevant: places.map(id), excluded: '' };
  const [first, second] = some(topic.words, 2, random);
  if (random() < 0.5) return { q: `${first} ${second}`, relevant: topic.documents, excluded: '' };
  const excluded = id(places[0]);
  return { q: `${first} -${topic.marks[places[0] ?? 0]}`, relevant: topic.documents.filter((d) => d !== excluded), excluded };
}

/** The words of two topics, each with a letter before it: full-text finds none of them, not by their beginnings either. The built-in
 * embedding compares spelling and finds the topic's documents, but for one topic in a thousand, whose words look like all and nothing to
 * it: so there are two questions. Models find what they take for the closest, whatever that is.
 * @param {Topic[]} topics one or more
 * @param {() => number} random
 * @returns {string[]} */
export function misspelt(topics, random) {
  const letters = some(consonants.split(''), 2, random);
  return some(topics, 2, random).map((topic, i) => topic.words.map((word) => `${letters[i]}${word}`).join(' '));
}
