/** What a thread needs to read a store of another one's: a descriptor is the whole process's, the pages are shared. */
export type SharedStore = { path: string; descriptor: number } | { path: string; pages: SharedArrayBuffer[] }

/** Bytes at positions: a TSM file, or a sorted run of a WAL. */
export interface BlockStore {
  /** For messages. */
  readonly path: string
  /** Fills `target` from byte `offset` on. @throws Failure when there are not that many bytes. */
  read(target: Uint8Array, offset: number): void
  /** Nothing may be appended any more, and the store must stay open while others read. */
  share(): SharedStore
}

/** Value types as TSM numbers them; the WAL's numbers (float 1, integer 2, boolean 3, string 4) do not get past its reader. */
export const BlockType = { float: 0, integer: 1, boolean: 2, string: 3, unsigned: 4 } as const
export type BlockType = (typeof BlockType)[keyof typeof BlockType]

const NAMES = ['float', 'integer', 'boolean', 'string', 'unsigned'] as const

export function nameOfType(type: BlockType): (typeof NAMES)[number] {
  return NAMES[type]
}

/** Parts the series key from the field: the first one in a composite key counts, as in influxd. */
export const KEY_SEPARATOR = Buffer.from('#!~#')
