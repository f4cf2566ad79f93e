/** What `writeBatches` needs around it: a spool in memory, dead letters in a list, a target on a server. */
import { crc32, gzipSync } from 'node:zlib'
import type { DeadLetter, DeadLetterSink } from '../../src/lines/dead-letter.ts'
import type { BatchEntry, Spool } from '../../src/lines/spool.ts'
import type { Target } from '../../src/manifest/migration.ts'

export function targetAt(url: string, write: Partial<Target['write']> = {}): Target {
  return {
    url,
    admin: { kind: 'none' },
    tls: { ca: undefined, insecure: false },
    write: {
      api: 'v2',
      concurrency: 4,
      batch: { lines: 10_000, bytes: 10_000_000 },
      limit: undefined,
      timeout: 5000,
      tokenActivation: 0,
      maxRetries: 5,
      ...write,
    },
  }
}

/** Every line has `points` fields. */
export function memorySpool(batches: string[][], points = 1): Spool & { members: Buffer[] } {
  const members = batches.map((lines) => gzipSync(lines.map((line) => `${line}\n`).join('')))
  let offset = 0
  const entries = batches.map((lines, index): BatchEntry => {
    const member = members[index] ?? Buffer.alloc(0)
    const entry = {
      offset,
      bytes: member.length,
      rawBytes: Buffer.byteLength(lines.join('\n')) + 1,
      lines: lines.length,
      points: lines.length * points,
      crc32: crc32(member),
    }
    offset += member.length
    return entry
  })
  const rows = batches.reduce((sum, lines) => sum + lines.length, 0)
  return {
    members,
    index: {
      version: 1,
      slice: 'm/slice',
      checksum: '',
      batches: entries,
      counts: {
        pointsRead: rows * points,
        points: rows * points,
        overwritten: 0,
        deleted: 0,
        skipped: 0,
        filtered: 0,
        refusedPoints: 0,
        rows,
        batches: batches.length,
        rawBytes: entries.reduce((sum, { rawBytes }) => sum + rawBytes, 0),
        gzipBytes: offset,
      },
    },
    read: async (batch) => members[batch] ?? Buffer.alloc(0),
    close: async () => undefined,
  }
}

export class LetterList implements DeadLetterSink {
  readonly flushed: DeadLetter[] = []
  readonly #added: DeadLetter[] = []

  add(letter: DeadLetter): void {
    this.#added.push(letter)
  }

  async flush(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve))
    this.flushed.push(...this.#added.splice(0))
  }
}
