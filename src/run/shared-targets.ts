/** Finds what several series become, in memory of a fixed size. */

/** Bits a target takes, so that few are mistaken for one another as long as there are not more of them than bits. */
const LEAST_BYTES = 1 << 16
const MOST_BYTES = 1 << 26

/**
 * Which targets were seen more than once. Some that were not are taken for it (their hashes meet): never the other way round,
 * and the same ones each time.
 */
export class SharedTargets {
  readonly #once: Uint8Array
  readonly #twice: Uint8Array
  readonly #shift: number

  /** @param memory bytes: a power of two of them, at most as many, is used */
  constructor(memory: number) {
    const bytes = Math.max(LEAST_BYTES, Math.min(MOST_BYTES, 2 ** Math.floor(Math.log2(memory / 2))))
    this.#once = new Uint8Array(bytes)
    this.#twice = new Uint8Array(bytes)
    this.#shift = 32 - Math.log2(bytes * 8)
  }

  see(target: string): void {
    const hash = this.#hash(target)
    const bit = 1 << (hash & 7)
    const at = hash >>> 3
    const before = this.#once[at] as number
    if ((before & bit) !== 0) this.#twice[at] = (this.#twice[at] as number) | bit
    this.#once[at] = before | bit
  }

  isShared(target: string): boolean {
    const hash = this.#hash(target)
    return ((this.#twice[hash >>> 3] as number) & (1 << (hash & 7))) !== 0
  }

  /** FNV-1a, mixed once more since the highest bits are taken. */
  #hash(text: string): number {
    let hash = 0x811c9dc5
    for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
    hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
    return (hash ^ (hash >>> 16)) >>> this.#shift
  }
}
