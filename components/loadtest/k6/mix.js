/** What users ask for, in percent of their actions. An action is one request, but an upload is followed until the
 * document can be found.
 *
 * @typedef {'search-simple' | 'search-complex' | 'document' | 'session' | 'dashboard' | 'upload'} Kind
 * @type {readonly { kind: Kind, percent: number }[]} */
export const mix = [
  { kind: 'search-simple', percent: 45 },
  { kind: 'search-complex', percent: 15 },
  { kind: 'document', percent: 20 },
  { kind: 'session', percent: 14 },
  { kind: 'dashboard', percent: 5 },
  { kind: 'upload', percent: 1 },
];

/** The kind for a random number from 0 up to 1.
 * @param {number} random
 * @returns {Kind} */
export function pick(random) {
  let left = random * 100;
  for (const { kind, percent } of mix) {
    left -= percent;
    if (left < 0) return kind;
  }
  return 'search-simple';
}

/** What a user does next. The first user begins with one of each kind, so that the shortest run asks for everything. Else each
 * kind comes as often as the mix says, as evenly as can be over a user's iterations and over users: steps of the golden ratio
 * leave no part of the range from 0 to 1 out for long. So short runs have their share of what is rare, and runs are alike.
 * @param {number} user from 1
 * @param {number} iteration of the user, from 0
 * @returns {Kind} */
export function next(user, iteration) {
  const first = user === 1 ? mix[iteration] : undefined;
  return first ? first.kind : pick((user * 0.7548776662466927 + iteration * 0.618033988749895) % 1);
}

/** Numbers from 0 up to 1 for a user's draws of another kind, as even over users and draws, likewise: one in twenty uploads is large, and
 * short runs have few.
 * @param {number} user from 1
 * @param {number} draw from 0 */
export function even(user, draw) {
  return (user * Math.SQRT2 + draw * 0.618033988749895) % 1;
}

/** A pause with this mean, exponentially distributed as the gaps between independent requests are, and at most ten
 * times the mean.
 * @param {number} mean seconds
 * @param {number} random */
export function pause(mean, random) {
  return Math.min(-mean * Math.log(1 - random), 10 * mean);
}
