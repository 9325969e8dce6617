const euler = 0.5772156649015329;

/** The sum of 1/1 to 1/count by Euler and Maclaurin, right to 1 in 10,000: a table costs each user a millisecond.
 * @param {number} count from 1 */
function harmonic(count) {
  if (count === 1) return 1;
  const square = count * count;
  return Math.log(count) + euler + 1 / (2 * count) - 1 / (12 * square) + 1 / (120 * square * square);
}

/** Popularity after Zipf: the thing of rank r is asked for in proportion to 1/r. Queries and documents of search engines
 * follow it closely, and caches live by it.
 *
 * @param {number} count of things
 * @returns {(random: number) => number} the index, from 0, for a random number from 0 up to 1 */
export function zipf(count) {
  const sum = harmonic(count);
  return (random) => {
    const wanted = random * sum;
    let rank = Math.min(count, Math.max(1, Math.round(Math.exp(wanted - euler))));
    while (rank > 1 && harmonic(rank - 1) > wanted) rank--;
    while (rank < count && harmonic(rank) <= wanted) rank++;
    return rank - 1;
  };
}
