import { createHash } from 'node:crypto'
import { open, readFile, stat } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { crc32 } from 'node:zlib'
import { Failure, messageOf, systemCodeOf } from '../core/failure.ts'
import { writeFileAtomically } from '../io/atomic-file.ts'
import type { BatchEntry, Spool, SpoolIndex } from './spool.ts'

const REMEDY = 'Run again, with all phases: the slice is exported anew.'

/** Writes the index of a finished spool, with a checksum over its content, atomically. */
export async function writeSpoolIndex(path: string, index: Omit<SpoolIndex, 'checksum'>): Promise<void> {
  await writeFileAtomically(
    `${path}.index.json`,
    `${JSON.stringify({ ...index, checksum: checksumOf(index) })}\n`,
    0o600,
  )
}

/**
 * Opens a finished spool, checked: the index against its checksum, the file's length against the index. Members are
 * checked when they are read.
 *
 * @throws Failure `spool/unfinished` (no index), `spool/damaged`
 */
export async function openSpool(path: string, signal?: AbortSignal): Promise<Spool> {
  signal?.throwIfAborted()
  const index = await readIndex(path)
  const file = await open(path, 'r').catch((error: unknown) => {
    throw damaged(path, `it cannot be opened: ${messageOf(error)}`, error)
  })
  const { size } = await file.stat()
  if (size !== index.counts.gzipBytes) {
    await file.close()
    throw damaged(path, `it has ${size} bytes, its index says ${index.counts.gzipBytes}`)
  }
  return {
    index,
    read: async (batch) => {
      const entry = index.batches[batch]
      if (entry === undefined) throw new RangeError(`the spool has no batch ${batch}`)
      return readMember(path, file, batch, entry)
    },
    close: () => file.close(),
  }
}

async function readMember(
  path: string,
  file: FileHandle,
  batch: number,
  { offset, bytes, crc32: expected }: BatchEntry,
): Promise<Uint8Array> {
  const place = `batch ${batch} at offset ${offset}`
  const member = Buffer.allocUnsafeSlow(bytes)
  for (let at = 0; at < bytes;) {
    const { bytesRead } = await file.read(member, at, bytes - at, offset + at)
    if (bytesRead === 0) throw damaged(path, `${place} is cut`)
    at += bytesRead
  }
  if (crc32(member) !== expected) throw damaged(path, `${place} is not what was written (its CRC-32 differs)`)
  return member
}

async function readIndex(path: string): Promise<SpoolIndex> {
  const indexPath = `${path}.index.json`
  let text: string
  try {
    text = await readFile(indexPath, 'utf8')
  } catch (error) {
    if (systemCodeOf(error) !== 'ENOENT') {
      throw damaged(path, `its index cannot be read: ${messageOf(error)}`, error)
    }
    const exists = await stat(path).then(
      () => true,
      () => false,
    )
    throw new Failure(
      'spool/unfinished',
      `the spool ${exists ? 'has no index: it was not finished' : 'is not there'}`,
      {
        where: path,
        remedy: REMEDY,
      },
    )
  }
  try {
    const { checksum, ...content } = JSON.parse(text) as SpoolIndex
    if (checksum === checksumOf(content) && content.version === 1 && isSound(content)) {
      return { ...content, checksum }
    }
  } catch {
    // Not JSON: as damaged as a wrong checksum.
  }
  throw damaged(indexPath, 'its content is not what was written (its checksum differs)')
}

/** Whether members lie end to end and add up. */
function isSound({ batches, counts }: Omit<SpoolIndex, 'checksum'>): boolean {
  let end = 0
  for (const { offset, bytes } of batches) {
    if (offset !== end || !(bytes > 0)) return false
    end += bytes
  }
  return end === counts.gzipBytes && batches.length === counts.batches
}

function checksumOf(index: Omit<SpoolIndex, 'checksum'>): string {
  return createHash('sha256').update(JSON.stringify(index)).digest('hex')
}

function damaged(path: string, what: string, cause?: unknown): Failure {
  return new Failure('spool/damaged', `the spool is damaged: ${what}`, { where: path, remedy: REMEDY, cause })
}
