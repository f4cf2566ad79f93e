/**
 * A slice's spool: a plain multi-member gzip file (`zcat` reads it) whose members are ready-to-send batches, and
 * beside it an index (`<file>.index.json`) that is written last: a spool without an index is unfinished.
 */
import type { ExportCounts } from './accounting.ts'

export interface BatchEntry {
  /** Where the gzip member starts in the spool file, and its length. */
  offset: number
  bytes: number
  rawBytes: number
  /** Rows (logical lines: a newline inside a quoted string does not end one) and the points in them. */
  lines: number
  points: number
  /** CRC-32 of the gzip member's bytes. */
  crc32: number
}

export interface SpoolIndex {
  version: 1
  slice: string
  batches: BatchEntry[]
  counts: ExportCounts
  /** SHA-256 (hex) of the index's JSON without this: an edited index is noticed. */
  checksum: string
}

/** An opened spool. `read` returns the gzip member of one batch, checked against its CRC. */
export interface Spool {
  readonly index: SpoolIndex
  /** @throws Failure `spool/damaged` naming file, batch and offset. */
  read(batch: number): Promise<Uint8Array>
  close(): Promise<void>
}
