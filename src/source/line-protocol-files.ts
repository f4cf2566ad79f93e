/** Ready line protocol files: `.lp`, `.txt`, gzipped or not (told by their first bytes, not by their names). */
import { createReadStream } from 'node:fs'
import { open, stat } from 'node:fs/promises'
import { createGunzip } from 'node:zlib'
import { glob } from 'tinyglobby'
import { Failure, messageOf, systemCodeOf } from '../core/failure.ts'
import { formatBytes } from '../core/units.ts'
import type { LineProtocolSource } from '../manifest/migration.ts'
import { ContextScanner, type Context } from './line-protocol-contexts.ts'

/** A string this long has lost its closing quote. influxd takes requests of 25 MB at most. */
const MAX_LINE = 64 * 1024 * 1024

/**
 * The lines of one database and retention policy (both empty: lines of no context), later files winning, as chunks of
 * whole lines. The last line of a file needs no line end. Files are those of the source, or `wanted.files`.
 *
 * @throws Failure `source/...` or `export/...` naming the file, and the offset where it is damaged
 */
export async function* readLineProtocolFiles(
  source: LineProtocolSource,
  wanted: Context & { files?: readonly { path: string }[] },
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void> {
  const paths = wanted.files?.map(({ path }) => path) ?? (await expandFiles(source))
  for (const path of paths) {
    for await (const { context, lines } of readContexts(path, signal)) {
      if (context.database === wanted.database && context.retentionPolicy === wanted.retentionPolicy)
        yield lines
    }
  }
}

/**
 * The files of a source: each entry is a file, or a pattern whose files are in the order of their names. A file that
 * several entries name is read where the last one has it.
 *
 * @throws Failure `source/not-found`, `source/not-a-file`
 */
export async function expandFiles({ files }: LineProtocolSource): Promise<string[]> {
  const paths: string[] = []
  for (const entry of files) {
    const found = await stat(entry).catch(() => undefined)
    if (found?.isDirectory()) {
      throw new Failure('source/not-a-file', `${entry} is a folder`, {
        where: entry,
        remedy: `Name its files: ${entry.replace(/\/$/, '')}/*.lp.gz`,
      })
    }
    const matching =
      found === undefined ? (await glob(entry, { absolute: true, expandDirectories: false })).sort() : [entry]
    if (matching.length === 0) {
      throw new Failure('source/not-found', `no file matches ${entry}`, {
        where: entry,
        remedy: 'Mend the path or the pattern; it is relative to the folder of the manifest.',
      })
    }
    paths.push(...matching)
  }
  return paths.filter((path, index) => paths.lastIndexOf(path) === index)
}

/** One file's pieces of whole lines, with the context each belongs to. */
export async function* readContexts(path: string, signal: AbortSignal) {
  const scanner = new ContextScanner()
  let bytes = 0
  for await (const chunk of readPlainBytes(path, signal)) {
    bytes += chunk.length
    yield* scanner.push(chunk)
    if (scanner.pending > MAX_LINE) throw openString(path, bytes - scanner.pending)
  }
  yield* scanner.finish()
  if (scanner.pending > 0) throw openString(path, bytes + 1 - scanner.pending)
}

async function* readPlainBytes(path: string, signal: AbortSignal): AsyncGenerator<Buffer, void> {
  const { isGzip, size } = await look(path)
  if (!isGzip && size > 0 && path.endsWith('.gz')) {
    throw new Failure('export/damaged-gzip', 'the file does not begin as gzip does', {
      where: `${path}, byte 0`,
      remedy: 'Make it again. If it is plain line protocol, give it a name without .gz.',
    })
  }
  const file = createReadStream(path, { highWaterMark: 256 * 1024 })
  const gunzip = isGzip ? createGunzip({ chunkSize: 256 * 1024 }) : undefined
  if (gunzip !== undefined) {
    file.on('error', (error) => gunzip.destroy(error))
    file.pipe(gunzip)
  }
  try {
    for await (const chunk of (gunzip ?? file) as AsyncIterable<Buffer>) {
      signal.throwIfAborted()
      yield chunk
    }
    if (gunzip !== undefined && gunzip.bytesWritten < size) await expectZeros(path, gunzip.bytesWritten)
  } catch (error) {
    if (error instanceof Failure || signal.aborted) throw error
    if (gunzip === undefined || !/^Z_/.test(systemCodeOf(error) ?? '')) throw unreadable(path, error)
    throw new Failure('export/damaged-gzip', `the gzip file is cut or damaged: ${messageOf(error)}`, {
      where: `${path}, byte ${gunzip.bytesWritten} of ${size}`,
      remedy: 'Copy or make it again, then run again.',
      cause: error,
    })
  } finally {
    file.destroy()
    gunzip?.destroy()
  }
}

/** zlib silently stops at bytes that begin no gzip member. Zeros are padding (tapes); anything else is lost data. */
async function expectZeros(path: string, offset: number): Promise<void> {
  for await (const chunk of createReadStream(path, { start: offset }) as AsyncIterable<Buffer>) {
    const bad = chunk.findIndex((byte) => byte !== 0)
    if (bad === -1) {
      offset += chunk.length
      continue
    }
    throw new Failure('export/damaged-gzip', 'the gzip file goes on with bytes that are not gzip', {
      where: `${path}, byte ${offset + bad}`,
      remedy: 'Copy or make it again, then run again.',
    })
  }
}

async function look(path: string): Promise<{ isGzip: boolean; size: number }> {
  try {
    const file = await open(path, 'r')
    try {
      const { buffer } = await file.read(Buffer.alloc(2), 0, 2, 0)
      return { isGzip: buffer[0] === 0x1f && buffer[1] === 0x8b, size: (await file.stat()).size }
    } finally {
      await file.close()
    }
  } catch (error) {
    throw unreadable(path, error)
  }
}

function unreadable(path: string, error: unknown): Failure {
  return new Failure('source/unreadable', `cannot read ${path}: ${messageOf(error)}`, {
    where: path,
    remedy: 'Mend its permissions or the path, and run again.',
    cause: error,
  })
}

function openString(path: string, offset: number): Failure {
  return new Failure(
    'export/open-string',
    `a string begins in this line and does not end within ${formatBytes(MAX_LINE)} or the file`,
    {
      where: `${path}, byte ${offset} (unpacked)`,
      remedy: 'The file is cut or damaged there. Make it again, or mend the line, then run again.',
    },
  )
}
