/** Snappy's block format (an uvarint of the length, then literals and copies), slow and obvious: the kernel's oracle. */

export type SnappyEnd =
  /** All input was used, and gave exactly the length announced. */
  | 'whole'
  /** The input ends too early, and all of it was sound up to there: what a crash leaves. */
  | 'cut'
  /** It cannot be the beginning of any snappy block. */
  | 'corrupt'

/** No copy gives more than 64 bytes for 3, so a length beyond that is a lie that would only cost memory. */
const MAX_RATIO = 22

export interface SnappyLength {
  /** Bytes after decoding; `undefined` when the input does not say, or says what cannot be. */
  length: number | undefined
  /** Where the first element is. */
  start: number
}

/** The announced length. `whole` is the length of all input, were it not cut. */
export function snappyLength(input: Uint8Array, whole = input.length): SnappyLength {
  let length = 0
  for (let i = 0; i < 5 && i < input.length; i++) {
    const byte = input[i] ?? 0
    length += (byte & 0x7f) * 2 ** (7 * i)
    if (byte < 0x80)
      return { length: length <= whole * MAX_RATIO && length < 2 ** 32 ? length : undefined, start: i + 1 }
  }
  return { length: undefined, start: 0 }
}

/** Decodes `input` from `start` on into `output`, whose length is the announced one. */
export function snappyDecode(input: Uint8Array, start: number, output: Uint8Array): SnappyEnd {
  const end = input.length
  const full = output.length
  let from = start
  let to = 0
  while (from < end) {
    const tag = input[from] ?? 0
    const kind = tag & 3
    from += 1
    let length: number
    let distance = 0
    if (kind === 0) {
      length = tag >>> 2
      if (length >= 60) {
        const extra = length - 59
        if (from + extra > end) return to < full ? 'cut' : 'corrupt'
        length = 0
        for (let i = 0; i < extra; i++) length += (input[from + i] ?? 0) * 2 ** (8 * i)
        from += extra
      }
      length += 1
      if (to + length > full) return 'corrupt'
      if (from + length > end) {
        output.set(input.subarray(from, end), to)
        return 'cut'
      }
      if (length <= 16) for (let i = 0; i < length; i++) output[to + i] = input[from + i] ?? 0
      else output.set(input.subarray(from, from + length), to)
      from += length
      to += length
      continue
    }
    if (from + (kind === 3 ? 4 : kind) > end) return to < full ? 'cut' : 'corrupt'
    if (kind === 1) {
      length = 4 + ((tag >>> 2) & 7)
      distance = ((tag >>> 5) << 8) | (input[from] ?? 0)
      from += 1
    } else {
      length = 1 + (tag >>> 2)
      distance = (input[from] ?? 0) | ((input[from + 1] ?? 0) << 8)
      if (kind === 3) distance += (input[from + 2] ?? 0) * 2 ** 16 + (input[from + 3] ?? 0) * 2 ** 24
      from += kind === 3 ? 4 : 2
    }
    if (distance === 0 || distance > to || to + length > full) return 'corrupt'
    // Byte by byte: a copy may reach into what it writes itself.
    for (let i = 0; i < length; i++) output[to + i] = output[to + i - distance] ?? 0
    to += length
  }
  return to === full ? 'whole' : 'cut'
}
