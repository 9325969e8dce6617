/** Popularity after Zipf: the thing of rank r is asked for in proportion to 1/r. Queries and documents of search engines
 * follow it closely, and caches live by it.
 *
 * @param {number} count of things
 * @returns {(random: number) => number} the index, from 0, for a random number from 0 up to 1 */
export function zipf(count) {
  /** @type {number[]} */
  const upTo = [];
  let sum = 0;
  for (let rank = 1; rank <= count; rank++) {
    sum += 1 / rank;
    upTo.push(sum);
  }
  return (random) => {
    const wanted = random * sum;
    let low = 0;
    let high = count - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((upTo[middle] ?? sum) > wanted) high = middle;
      else low = middle + 1;
    }
    return low;
  };
}
