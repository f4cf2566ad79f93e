/** Failures of a source's own files: what is wrong, in which file, for which series and field, at which byte. */
import { Failure, messageOf, systemCodeOf } from '../../core/failure.ts'
import { formatRfc3339 } from '../../core/time.ts'

/** Where something is wrong. What is known is said. */
export interface DamagedPlace {
  path: string
  /** Composite key, `<series key>#!~#<field>`. */
  key?: Uint8Array
  /** Which of the key's blocks, from 0. */
  block?: number
  /** Byte in the file. */
  offset?: number
  /** The block's first and last time. */
  times?: { first: bigint; last: bigint }
}

const RESTORE = 'Restore the file from a backup'

/** A TSM file that cannot be what influxd wrote. */
export function damagedTsm(place: DamagedPlace, message: string, cause?: unknown): Failure {
  return new Failure('export/tsm-damaged', message, {
    where: describePlace(place),
    remedy: `${RESTORE}, or read its shard from another replica. Without either, "onCorruption: skip" goes on and lists what was left out.`,
    cause,
  })
}

/** A tombstone file that cannot be read to its end: which points were deleted is not known. */
export function damagedTombstone(place: DamagedPlace, message: string, cause?: unknown): Failure {
  return new Failure('export/tombstone-damaged', message, {
    where: describePlace(place),
    remedy: `${RESTORE}. Removed, the points that it deletes come back to life.`,
    cause,
  })
}

/** A WAL segment that is broken elsewhere than at the end of the last one. */
export function damagedWal(path: string, position: number, message: string, cause?: unknown): Failure {
  return new Failure('export/wal-damaged', message, {
    where: describePlace({ path, offset: position }),
    remedy:
      `${RESTORE}. influxd itself would cut the segment there when it starts, and lose what follows in it: ` +
      'let it, on a copy, or go on with "onCorruption: skip".',
    cause,
  })
}

/** A file that cannot be opened or read: gone since the source was listed, or not for this user. */
export function unreadableFile(path: string, error: unknown): Failure {
  if (systemCodeOf(error) === 'ENOENT')
    return new Failure('export/source-changed', 'a file of the source vanished while it was read', {
      where: path,
      remedy: 'Stop influxd while data is read, or read from a copy ("snapshot: hardlink").',
      cause: error,
    })
  return new Failure('export/unreadable-file', `cannot read a file of the source: ${messageOf(error)}`, {
    where: path,
    remedy: 'Run as a user who may read it (often influxdb), or read from a copy that is yours.',
    cause: error,
  })
}

/** `/x/1-1.tsm, series cpu,host=a, field load, block 3, byte 4711` */
export function describePlace({ path, key, block, offset, times }: DamagedPlace): string {
  const parts = [path]
  if (key !== undefined) {
    const text = Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('utf8')
    const cut = text.indexOf('#!~#')
    parts.push(`series ${printable(cut < 0 ? text : text.slice(0, cut))}`)
    if (cut >= 0) parts.push(`field ${printable(text.slice(cut + 4))}`)
  }
  if (block !== undefined) parts.push(`block ${block}`)
  if (offset !== undefined) parts.push(`byte ${offset}`)
  if (times !== undefined) parts.push(`${formatRfc3339(times.first)} to ${formatRfc3339(times.last)}`)
  return parts.join(', ')
}

/** Control characters (a damaged key may hold any) as escapes, and not without end. */
function printable(text: string): string {
  const shown = text.length > 200 ? `${text.slice(0, 200)}...` : text
  return shown.replace(
    /[\u0000-\u001f\u007f]/g,
    (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`,
  )
}
