/**
 * Sorts a list of points by time, stable, in place: a merge sort that starts from the ascending stretches which
 * are there, so that a few overlapping files cost a few passes. Needs as much room again.
 *
 * @param order points, by their numbers
 * @param f64 seconds at `2 * point`
 * @param i32 nanoseconds at `4 * point + 2`
 */
export function naturalOrder(order: Uint32Array, f64: Float64Array, i32: Int32Array): void {
  /** Whether point a is later than point b. */
  const isLater = (a: number, b: number): boolean => {
    const s = f64[2 * a] as number
    const t = f64[2 * b] as number
    return s > t || (s === t && (i32[4 * a + 2] as number) > (i32[4 * b + 2] as number))
  }
  let starts: number[] = [0]
  for (let at = 1; at < order.length; at++) {
    if (isLater(order[at - 1] as number, order[at] as number)) starts.push(at)
  }
  let from = order
  let to: Uint32Array = new Uint32Array(starts.length > 1 ? order.length : 0)
  while (starts.length > 1) {
    const merged: number[] = []
    for (let stretch = 0; stretch < starts.length; stretch += 2) {
      let left = starts[stretch] as number
      const middle = starts[stretch + 1] ?? order.length
      const end = starts[stretch + 2] ?? order.length
      let right = middle
      merged.push(left)
      for (let at = left; at < end; at++) {
        const takeRight =
          left === middle || (right < end && isLater(from[left] as number, from[right] as number))
        to[at] = from[takeRight ? right++ : left++] as number
      }
    }
    starts = merged
    ;[from, to] = [to, from]
  }
  if (from !== order) order.set(from)
}
